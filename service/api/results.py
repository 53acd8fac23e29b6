"""What is done with results: taken off the list, removed from disk, carried away as a zip."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from service.api.bodies import BodyRoute
from service.api.reach import Reach
from service.errors import DropKeyError
from service.jobs import Problem
from service.manifest import Manifest, read_manifest
from service.queue import JobQueue
from service.results import pack_result
from service.settings import Settings

MOST_AT_ONCE = 500


class Removal(BaseModel):
    """Which jobs go, and how far."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    jobs: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    """Ids of jobs that are over."""

    files: bool = False
    """Remove their version folders too, as far as DropKey wrote them; plates are never touched."""


class Removed(BaseModel):
    """What went."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    removed: tuple[str, ...]
    """Ids of jobs that are off the list."""

    refused: dict[str, Problem]
    """Why others are still there, by id."""


class ZipResponse(FileResponse):
    """A result as one file."""

    media_type = "application/zip"


class Results:
    """The routes over finished jobs."""

    def __init__(self, queue: JobQueue, reach: Reach, settings: Settings) -> None:
        self._queue = queue
        self._reach = reach
        self._place = settings.home / "downloads"

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False, tags=["results"], route_class=BodyRoute)
        router.add_api_route("/removals", self.remove, methods=["POST"], response_model=Removed)
        router.add_api_route("/jobs/{job_id}/manifest", self.manifest, methods=["GET"], response_model=Manifest)
        router.add_api_route("/jobs/{job_id}/result.zip", self.pack, methods=["GET"], response_class=ZipResponse)
        return router

    def remove(self, request: Request, asked: Removal) -> JSONResponse:
        """Take jobs that are over off the list, with their results on disk or without."""
        removed: list[str] = []
        refused: dict[str, Problem] = {}
        for job_id in asked.jobs:
            try:
                self._reach.job(job_id, request)
                self._queue.remove(job_id, files=asked.files)
                removed.append(job_id)
            except DropKeyError as error:
                refused[job_id] = Problem.of(error)
        return JSONResponse(Removed(removed=tuple(removed), refused=refused).model_dump(mode="json"))

    def manifest(self, request: Request, job_id: str) -> JSONResponse:
        """Return what the manifest says of a result as a whole; what became of each frame, `/frames` says."""
        job = self._reach.job(job_id, request)
        found = read_manifest(job.output / "manifest.json").model_copy(update={"frames": ()})
        return JSONResponse(found.model_dump(mode="json"))

    def pack(self, request: Request, job_id: str) -> Response:
        """Return all files of a result, with its manifest, as one zip."""
        job = self._reach.job(job_id, request)
        self._place.mkdir(parents=True, exist_ok=True)
        target = self._place / f"{uuid.uuid4().hex}.zip"
        pack_result(job.output, job.shot, target)
        name = f"{job.shot.name}_v{job.version:03d}.zip"
        return ZipResponse(target, filename=name, background=BackgroundTask(target.unlink, missing_ok=True))
