"""What the service has at hand: roots and what lies in them, workers, and figures for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.metrics import Metrics
from service.api.roots import Roots
from service.api.schemas import Folder, FolderList, FoundShot, RootList, RootStatus, Worker, WorkerList
from service.errors import NotFound
from service.executor import WorkerMemory, WorkerStatus
from service.executor.memory import Cards
from service.paths import Paths
from service.queue import JobQueue
from service.shots import Shot, find_shots, is_own_output

MOST_ENTRIES = 1000
WorkerName = Annotated[str, PathParameter(max_length=200)]
_HIDDEN = (".", "~", "$")


class PlainText(Response):
    """What Prometheus reads."""

    media_type = "text/plain"


class Machine:
    """The routes about the machine."""

    def __init__(self, queue: JobQueue, paths: Paths, roots: Roots, metrics: Metrics) -> None:
        self._queue = queue
        self._paths = paths
        self._roots = roots
        self._metrics = metrics
        self._cards = Cards()

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False, tags=["machine"])
        router.add_api_route("/roots", self.roots, methods=["GET"], response_model=RootList)
        router.add_api_route("/browse", self.browse, methods=["GET"], response_model=FolderList)
        router.add_api_route("/workers", self.workers, methods=["GET"], response_model=WorkerList)
        for verb, act in (("drain", self.drain), ("take-back", self.take_back)):
            router.add_api_route(f"/workers/{{worker:path}}/{verb}", act, methods=["POST"], response_model=WorkerList)
        router.add_api_route("/metrics", self.figures, methods=["GET"], response_class=PlainText)
        return router

    def roots(self) -> Response:
        """Return the configured folders."""
        health = self._roots.health()
        found = [
            RootStatus(
                id=root.id,
                path=str(root.path),
                watched=root.watched,
                online=health[root.id].online,
                free_bytes=health[root.id].free_bytes,
                problem=health[root.id].problem,
            )
            for root in self._paths.roots
        ]
        return JSONResponse(RootList(roots=tuple(found)).model_dump(mode="json"))

    def browse(
        self, root: Annotated[str, Query(max_length=200)], path: Annotated[str, Query(max_length=4096)] = ""
    ) -> Response:
        """List the folders and shots in a folder of a root; ``path`` is relative to it, and empty for the root."""
        top = self._paths.root(root).path
        inside = path.strip("/") not in ("", ".")
        folder = self._paths.resolve(path, trusted=False, root=root) if inside else top
        if not os.path.isdir(folder):  # pathlib's raises where a name is longer than any can be
            raise NotFound(
                f"There is no folder '{path}' in {root}.", fix="It may have been moved, or its disk be away."
            )
        relative = folder.relative_to(top).as_posix() if folder.is_relative_to(top) else path
        here = "" if relative == "." else relative
        shots = find_shots(folder)
        names = _subfolders(folder)
        answer = FolderList(
            root=root,
            path=here,
            folders=tuple(Folder(name=name, path=_join(here, name)) for name in names[:MOST_ENTRIES]),
            shots=tuple(_found(shot, here) for shot in shots[:MOST_ENTRIES]),
            cut=len(names) > MOST_ENTRIES or len(shots) > MOST_ENTRIES,
        )
        return JSONResponse(answer.model_dump(mode="json"))

    def workers(self) -> Response:
        """Return how the workers are."""
        workers = self._cards.measured(self._queue.workers())
        return JSONResponse(WorkerList(workers=tuple(map(_worker, workers))).model_dump(mode="json"))

    def drain(self, worker: WorkerName) -> Response:
        """Give a worker nothing new: it finishes what it has in hand, and then rests."""
        self._queue.drain(worker, True)
        return self.workers()

    def take_back(self, worker: WorkerName) -> Response:
        """Let a drained worker key again."""
        self._queue.drain(worker, False)
        return self.workers()

    def figures(self) -> Response:
        """Return the figures that Prometheus gathers."""
        return Response(self._metrics.text(self._cards), media_type=CONTENT_TYPE_LATEST)


def _worker(worker: WorkerStatus) -> Worker:
    memory = worker.memory or WorkerMemory(None, 0)
    return Worker(
        name=worker.name,
        state=worker.state,
        host=worker.host,
        device=worker.device,
        device_name=worker.device_name,
        card=worker.card or None,
        pid=worker.pid,
        shot=worker.shot,
        frame=worker.frame,
        drained=worker.drained,
        deaths_in_a_row=worker.deaths_in_a_row,
        problem=worker.problem,
        memory_used_bytes=memory.used_bytes,
        memory_total_bytes=memory.total_bytes,
        gpu_memory_used_bytes=memory.gpu_used_bytes,
        gpu_memory_total_bytes=memory.gpu_total_bytes,
    )


def _found(shot: Shot, here: str) -> FoundShot:
    return FoundShot(
        name=shot.name,
        kind=shot.kind,
        plate=_join(here, shot.pattern),
        frames=None if shot.kind == "movie" else len(shot.frames),
        first_frame=shot.frames[0] if shot.frames else None,
        last_frame=shot.frames[-1] if shot.frames else None,
        missing=len(shot.missing),
    )


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [e.name for e in entries if not e.name.startswith(_HIDDEN) and e.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise NotFound(f"{folder.name} cannot be read: {error.strerror}.", fix="See whether it is there.") from None
    return sorted((name for name in found if not is_own_output(folder / name)), key=str.casefold)


def _join(here: str, name: str) -> str:
    return f"{here}/{name}" if here else name
