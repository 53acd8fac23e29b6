"""`POST /preview`: one frame, now, with settings that nobody has decided on yet."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import OrderedDict
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from model.corrections import Corrections
from model.settings import FrameNotes, KeySettings, MatteSources, Screen
from service.api.bodies import BodyRoute
from service.api.pictures import AskedLook, Coordinate, PngResponse
from service.api.reach import Reach
from service.errors import BadInput, DropKeyError, NotFound
from service.jobs import JobRequest
from service.messages import PreviewMade, PreviewOrder, View
from service.paths import Paths
from service.previews.messages import Look, Over, Pass, Pixel, Source
from service.previews.reader import Reader
from service.queue import JobQueue
from service.requests import asked_over_http
from service.settings import Settings
from service.shots import Shot

KEPT = 16
LONGEST_WAIT = 60.0
_WAITING = 16  # requests at a time: each takes one of the threads that all requests share
Shown = Literal["grey", "alpha", "foreground", "plate", "composite"]
_PASSES: dict[str, Pass] = {"grey": Pass.COMPOSITE, **{name.value: name for name in Pass}}
Wait = Annotated[float, Query(ge=0.0, le=LONGEST_WAIT)]


class PreviewRequest(BaseModel):
    """Which frame is wanted: of a job that is known, or of a plate as for `POST /jobs`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    job: JobRequest | None = None
    """The plate, range, settings and mattes, as for `POST /jobs`; nothing is queued."""

    job_id: str | None = None
    """A job whose plate, mattes and screen are meant, instead of `job`."""

    settings: KeySettings | None = None
    """With `job_id`: settings to try in place of the job's."""

    corrections: Corrections | None = None
    """With `job_id`: strokes to try in place of the job's; `null`, written out, tries it without any."""

    frame: int
    """Frame number, the plate's."""

    longest_side: Annotated[int | None, Field(ge=64, le=16384)] = None
    """Pixels; the picture is reduced before it is keyed. Unset: full size."""

    view: View = "grey"
    """Which picture `picture` names."""

    floats: bool = False
    """Keep the floats too, so that pictures in any exposure, and the values of pixels, can be asked for."""

    wait_seconds: Annotated[float, Field(ge=0.0, le=LONGEST_WAIT)] = 30.0
    """Answer after this long in any case; ask again with `GET /preview/{id}`."""


class PreviewState(BaseModel):
    """How far a preview is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """For `GET /preview/{id}` and `GET /preview/{id}/{view}.png`."""

    state: Literal["working", "done"]
    """`done` once the pictures are there."""

    frame: int
    """Frame number."""

    picture: str | None = None
    """The PNG file of the view that was asked for, on the service's machine."""

    pictures: dict[View, str] | None = None
    """The PNG file of each view that was drawn, to show another one without asking; all of them, without `floats`."""

    width: int | None = None
    """Pixels."""

    height: int | None = None
    """Pixels."""

    seconds: float | None = None
    """What keying it took."""

    inferred: bool | None = None
    """False where the raw answer of an earlier preview was used."""

    screen: Screen | None = None
    """The screen that was found, or that of the job."""

    notes: FrameNotes | None = None
    """What keying it came upon."""


_UNFINISHED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": PreviewState,
        "description": "Not keyed within `wait_seconds`.",
        "headers": {"Location": {"description": "Where to ask again.", "schema": {"type": "string"}}},
    }
}


@dataclass(frozen=True)
class _Try:
    future: Future[PreviewMade]
    order: PreviewOrder
    view: View
    beyond: Path | None  # a folder outside the roots: not for those who are bound to them

    def forget(self) -> None:
        """Remove what it left, once that is there."""
        self.future.add_done_callback(lambda _: shutil.rmtree(self.order.folder, ignore_errors=True))


class Trying:
    """The routes of previews, and the pictures that they left."""

    def __init__(self, queue: JobQueue, settings: Settings, paths: Paths, reach: Reach, reader: Reader) -> None:
        self._queue = queue
        self._settings = settings
        self._paths = paths
        self._reach = reach
        self._reader = reader
        self._place = settings.home / "previews"
        self._tries: OrderedDict[str, _Try] = OrderedDict()
        self._lock = threading.Lock()
        self._patient = threading.BoundedSemaphore(_WAITING)
        shutil.rmtree(self._place, ignore_errors=True)  # of an earlier service

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False, tags=["previews"], route_class=BodyRoute)
        shapes: dict[str, Any] = {"response_model": PreviewState, "responses": _UNFINISHED}
        router.add_api_route("/preview", self.make, methods=["POST"], **shapes)
        router.add_api_route("/preview/{preview_id}", self.get, methods=["GET"], **shapes)
        router.add_api_route(
            "/preview/{preview_id}/{view}.png", self.picture, methods=["GET"], response_class=PngResponse
        )
        router.add_api_route("/preview/{preview_id}/{view}/pixel", self.pixel, methods=["GET"], response_model=Pixel)
        return router

    def make(self, request: Request, asked: PreviewRequest) -> Response:
        """Key one frame between two frames of whatever runs; the result of no job is touched."""
        preview_id = uuid.uuid4().hex
        order = self._order(request, asked, self._place / preview_id)
        beyond = self._reach.beyond(order.shot, order.mattes)
        future = self._queue.preview(preview_id, order)
        tried = _Try(future, order, asked.view, beyond)
        with self._lock:
            self._tries[preview_id] = tried
            old = [self._tries.popitem(last=False)[1] for _ in range(len(self._tries) - KEPT)]
        for each in old:
            each.forget()
        return self._answer(preview_id, tried, asked.wait_seconds)

    def get(self, request: Request, preview_id: str, wait_seconds: Wait = 0.0) -> Response:
        """Say how far a preview is."""
        return self._answer(preview_id, self._find(request, preview_id), wait_seconds)

    def picture(
        self, request: Request, preview_id: str, view: Shown, look: AskedLook, over: Over = Over.GREY
    ) -> Response:
        """Return one view of a finished preview, as frames of a job are shown.

        `grey` is the composite over grey, whatever ``over``. In another look than the plain one it takes `floats`.
        """
        tried = self._find(request, preview_id)
        source = self._source(request, tried, view, over)
        if source is not None:
            return PngResponse(self._reader.picture(source, look))
        if look != Look() or (view == "composite" and over is not Over.GREY):
            raise _no_floats(tried.order)
        file = tried.order.folder / f"{'grey' if view == 'composite' else view}.png"
        if not file.is_file():
            raise _not_yet()
        return PngResponse(file.read_bytes())

    def pixel(
        self, request: Request, preview_id: str, view: Shown, x: Coordinate, y: Coordinate, over: Over = Over.GREY
    ) -> Response:
        """Return the linear values of a pixel, counted from the top left; it takes `floats`."""
        tried = self._find(request, preview_id)
        source = self._source(request, tried, view, over)
        if source is None:
            raise _no_floats(tried.order)
        return Response(self._reader.pixel(source, x, y).model_dump_json(), media_type="application/json")

    def _source(self, request: Request, tried: _Try, view: Shown, over: Over) -> Source | None:
        """Return where the floats of a view are; None where none were kept. Raises NotFound until it is done."""
        order = tried.order
        if not tried.future.done() or tried.future.exception() is not None:
            raise _not_yet()
        name = _PASSES[view]
        if not order.floats or (name is Pass.PLATE and order.longest_side is not None):
            return None
        # The plate is where its shot is; what was keyed lies in this service's own folder, which is none of the roots.
        own = order.shot.model_copy(update={"confined_to": ()})
        return Source(
            shot=self._reach.confined(order.shot, request) if name is Pass.PLATE else own,
            settings=order.settings,
            output=order.folder,
            frame=order.frame,
            name=name,
            over=Over.GREY if view == "grey" else over,
        )

    def _find(self, request: Request, preview_id: str) -> _Try:
        with self._lock:
            tried = self._tries.get(preview_id)
        if tried is None:
            raise NotFound(f"There is no preview {preview_id}.", fix="Ask for a new one.")
        if tried.beyond is not None and not request.state.trusted:
            raise self._reach.refusal(tried.order.shot.name, tried.beyond)
        return tried

    def _answer(self, preview_id: str, tried: _Try, patience: float) -> Response:
        if patience > 0.0 and self._patient.acquire(blocking=False):
            try:
                wait([tried.future], timeout=patience)
            finally:
                self._patient.release()
        if not tried.future.done():
            state = PreviewState(id=preview_id, state="working", frame=tried.order.frame)
            return JSONResponse(
                state.model_dump(mode="json"), status_code=202, headers={"location": f"/preview/{preview_id}"}
            )
        error = tried.future.exception()
        if isinstance(error, DropKeyError):
            raise type(error)(error.message, fix=error.fix, frame=tried.order.frame)
        made = tried.future.result()
        state = PreviewState(
            id=preview_id,
            state="done",
            frame=tried.order.frame,
            picture=_file(tried.order, tried.view),
            pictures={view: _file(tried.order, view) for view in tried.order.views},
            width=made.width,
            height=made.height,
            seconds=made.seconds,
            inferred=made.inferred,
            screen=made.screen,
            notes=made.notes,
        )
        return JSONResponse(state.model_dump(mode="json"))

    def _order(self, request: Request, asked: PreviewRequest, folder: Path) -> PreviewOrder:
        if (asked.job is None) == (asked.job_id is None):
            raise BadInput("A preview is of a job or of a job_id.", fix="Name one of them.")
        shot, settings, mattes, screen, frames = self._wanted(request, asked)
        return PreviewOrder(
            shot=shot,
            frame=asked.frame,
            frames=frames,
            settings=settings,
            mattes=mattes,
            screen=screen,
            longest_side=asked.longest_side,
            folder=folder,
            views=_pictures(asked),
            floats=asked.floats,
        )

    def _wanted(
        self, request: Request, asked: PreviewRequest
    ) -> tuple[Shot, KeySettings, MatteSources, Screen | None, tuple[int, ...]]:
        if asked.job_id is not None:
            job = self._reach.job(asked.job_id, request)
            settings = asked.settings or job.request.settings
            mattes = job.mattes
            if "corrections" in asked.model_fields_set:
                mattes = mattes.model_copy(update={"corrections": asked.corrections})
            same_screen = settings.screen_color == job.request.settings.screen_color
            return job.shot, settings, mattes, job.screen if same_screen else None, job.frames
        assert asked.job is not None
        order, shot = asked_over_http(asked.job, self._paths, self._settings, trusted=bool(request.state.trusted))
        return shot, order.request.settings, order.mattes, None, shot.frames


def _file(order: PreviewOrder, view: View) -> str:
    return str(order.folder / f"{view}.png")


def _pictures(asked: PreviewRequest) -> tuple[View, ...]:
    """Return what to draw at once: with floats, the other views can be drawn later, but for a reduced plate."""
    if not asked.floats:
        return get_args(View)
    return (asked.view,) if asked.longest_side is None else tuple(dict.fromkeys((asked.view, "plate")))


def _not_yet() -> NotFound:
    return NotFound("There is no such picture yet.", fix="Ask how far the preview is.")


def _no_floats(order: PreviewOrder) -> BadInput:
    if order.floats:
        return BadInput("The plate of a reduced preview has no floats.", fix="Ask for it without `longest_side`.")
    return BadInput("This preview was kept as plain pictures only.", fix="Ask for it with `floats`.")
