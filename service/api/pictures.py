"""What a frame looks like: PNGs made from the float data, and the linear values of a pixel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from service.api.reach import Reach
from service.errors import NotFound
from service.previews.messages import Channels, Look, Over, Pass, Pixel, Source
from service.previews.reader import Reader

Frame = Annotated[int, Path(ge=-(10**9), le=10**9)]
Coordinate = Annotated[int, Query(ge=0, le=10**6)]


def _look(
    exposure: Annotated[float, Query(ge=-24, le=24, allow_inf_nan=False)] = 0.0,
    gamma: Annotated[float, Query(ge=0.1, le=10, allow_inf_nan=False)] = 1.0,
    size: Annotated[int | None, Query(ge=8, le=16384)] = None,
    channels: Channels = Channels.RGB,
) -> Look:
    return Look(exposure=exposure, gamma=gamma, size=size, channels=channels)


AskedLook = Annotated[Look, Depends(_look)]
"""How a picture is shown, as the query says it."""


class PngResponse(Response):
    """A picture."""

    media_type = "image/png"


class Pictures:
    """The routes that show frames."""

    def __init__(self, reach: Reach, reader: Reader) -> None:
        self._reach = reach
        self._reader = reader

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False, tags=["frames"])
        router.add_api_route(
            "/jobs/{job_id}/frames/{frame}/{name}.png", self.show, methods=["GET"], response_class=PngResponse
        )
        router.add_api_route(
            "/jobs/{job_id}/frames/{frame}/{name}/pixel", self.pixel, methods=["GET"], response_model=Pixel
        )
        return router

    def show(
        self, request: Request, job_id: str, frame: Frame, name: Pass, look: AskedLook, over: Over = Over.GREY
    ) -> Response:
        """Return a frame as an 8-bit sRGB picture.

        ``exposure`` is in stops of light, so values above 1 come into sight; ``size`` is the longest side at most.
        Alpha is shown as it is, without the display's curve.
        """
        return PngResponse(self._reader.picture(self._source(request, job_id, frame, name, over), look))

    def pixel(
        self,
        request: Request,
        job_id: str,
        frame: Frame,
        name: Pass,
        x: Coordinate,
        y: Coordinate,
        over: Over = Over.GREY,
    ) -> Response:
        """Return the linear values of a pixel, counted from the top left: those of the EXR, bit for bit."""
        found = self._reader.pixel(self._source(request, job_id, frame, name, over), x, y)
        return Response(found.model_dump_json(), media_type="application/json")

    def _source(self, request: Request, job_id: str, frame: int, name: Pass, over: Over) -> Source:
        job = self._reach.job(job_id, request)
        known = job.shot.frames if name is Pass.PLATE else job.frames
        if known and frame not in known:
            raise NotFound(f"The job has no frame {frame}.", fix="GET /jobs/{id} lists its frames.", shot=job.shot.name)
        return Source(
            shot=job.shot, settings=job.request.settings, output=job.output, frame=frame, name=name, over=over
        )
