"""What the service has at hand: roots and what lies in them, workers, and figures for Prometheus."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import psutil
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.metrics import Metrics
from service.api.roots import Roots
from service.api.schemas import Folder, FolderList, FoundShot, RootList, RootStatus, Worker, WorkerList
from service.errors import NotFound
from service.executor import WorkerStatus
from service.executor.process import window_flags
from service.paths import Paths
from service.queue import JobQueue
from service.shots import Shot, find_shots, is_own_output

MOST_ENTRIES = 1000
_CARD_SECONDS = 5.0  # asking the driver takes a tenth of a second
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
        workers = self._queue.workers()
        cards = self._cards.memory(workers)
        told = WorkerList(workers=tuple(_worker(worker, cards) for worker in workers))
        return JSONResponse(told.model_dump(mode="json"))

    def figures(self) -> Response:
        """Return the figures that Prometheus gathers."""
        return Response(self._metrics.text(self._cards), media_type=CONTENT_TYPE_LATEST)


Memory = tuple[int, int]
"""Bytes in use, and all that there are."""


class Cards:
    """Memory of the CUDA cards by worker process, as the driver's tool says; asked every few seconds at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = -_CARD_SECONDS
        self._known = _Driver()

    def memory(self, workers: Sequence[WorkerStatus]) -> dict[int, Memory]:
        """Return (bytes in use by the process, bytes that its card has) by process id.

        Windows' driver tells no process's share, and one asked in a container does not know its processes: what the
        whole card has in use stands in for it there.
        """
        on_cards = [worker for worker in workers if (worker.device or "").startswith("cuda") and worker.pid is not None]
        if not on_cards:
            return {}
        with self._lock:
            if time.monotonic() - self._asked >= _CARD_SECONDS:
                self._known = _ask_driver()
                self._asked = time.monotonic()
            known = self._known
        found = {worker.pid: known.processes.get(worker.pid or 0) or known.card(worker.card) for worker in on_cards}
        return {pid: memory for pid, memory in found.items() if pid is not None and memory is not None}


@dataclass(frozen=True)
class _Driver:
    """What the driver's tool told."""

    processes: dict[int, Memory] = field(default_factory=dict)
    cards: tuple[tuple[str, str, Memory], ...] = ()  # number and UUID of each

    def card(self, name: str | None) -> Memory | None:
        """Return the memory of a card that is named as CUDA_VISIBLE_DEVICES does, the UUID perhaps cut short."""
        fits = [memory for number, uuid, memory in self.cards if name and (number == name or uuid.startswith(name))]
        return fits[0] if len(fits) == 1 else None


def _ask_driver() -> _Driver:
    rows = _driver_rows("--query-gpu=index,uuid,memory.used,memory.total")
    cards = tuple((row[0], row[1], (_bytes(row[2]), _bytes(row[3]))) for row in rows if _all_numbers(row[2:]))
    sizes = {uuid: size for _, uuid, (_, size) in cards}
    rows = _driver_rows("--query-compute-apps=gpu_uuid,pid,used_memory")
    told = [row for row in rows if row[0] in sizes and _all_numbers(row[1:])]
    return _Driver({int(pid): (_bytes(used), sizes[card]) for card, pid, used in told}, cards)


def _all_numbers(cells: Sequence[str]) -> bool:
    """Tell whether the driver knows them all; else it writes `[N/A]`."""
    return all(cell.isascii() and cell.isdigit() for cell in cells)


def _bytes(mebibytes: str) -> int:
    return int(mebibytes) * 2**20


def _driver_rows(query: str) -> list[list[str]]:
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            command, capture_output=True, timeout=5, check=True, text=True, creationflags=window_flags()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if line.strip()]


def _worker(worker: WorkerStatus, cards: dict[int, Memory]) -> Worker:
    used, size = cards.get(worker.pid or 0, (None, None))
    return Worker(
        name=worker.name,
        state=worker.state,
        device=worker.device,
        device_name=worker.device_name,
        pid=worker.pid,
        deaths_in_a_row=worker.deaths_in_a_row,
        problem=worker.problem,
        memory_used_bytes=_memory_of(worker.pid),
        memory_total_bytes=psutil.virtual_memory().total,
        gpu_memory_used_bytes=used,
        gpu_memory_total_bytes=size,
    )


def _memory_of(pid: int | None) -> int | None:
    try:
        return None if pid is None else int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


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
