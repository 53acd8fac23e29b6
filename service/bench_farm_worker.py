"""A process full of farm workers that only wait instead of keying: what is left of a farm's time is then its own."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from model.settings import Screen
from service.errors import NotFound, WorkerLost
from service.executor.dask.worker import offer
from service.executor.port import CapacityChanged, ExecutorEvent, WorkerStatus
from service.jobs import FrameResult, FrameState
from service.messages import (
    FrameFinished,
    FrameStarted,
    PreviewMade,
    PreviewOrder,
    ShotFinished,
    ShotOrder,
    ShotStarted,
)
from service.settings import load_settings

_SCREEN = Screen(color=(0.05, 0.4, 0.08), coverage=0.6)


class WaitingExecutor:
    """One place that takes so many seconds for each frame, and leaves no file; satisfies `Executor`.

    ``note_idle`` hears from when to when it had nothing to do, each time that it gets something.
    """

    def __init__(self, seconds: float, note_idle: Callable[[float, float], None]) -> None:
        self._seconds = seconds
        self._note_idle = note_idle
        self._idle_since = time.monotonic()
        self._tell: Callable[[ExecutorEvent], None] = lambda _event: None
        self._lock = threading.Lock()
        self._busy: str | None = None
        self._stopped = threading.Event()

    def start(self, listener: Callable[[ExecutorEvent], None]) -> None:
        """Be ready."""
        self._tell = listener

    def capacity(self, priority: int) -> int:
        """Return 1 while nothing is at hand."""
        del priority
        return int(self._busy is None)

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        """Wait for the frames of ``order`` in a thread."""
        del priority
        with self._lock:
            if self._busy is not None:
                return False
            self._busy = job_id
            self._note_idle(self._idle_since, time.monotonic())
            self._stopped.clear()
        threading.Thread(target=self._wait, args=(job_id, attempt, order), daemon=True).start()
        return True

    def stop(self, job_id: str) -> None:
        """End between two frames."""
        if self._busy == job_id:
            self._stopped.set()

    def set_priority(self, job_id: str, priority: int) -> None:
        """Change nothing: the piece is in hand."""

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Make none. Raises WorkerLost."""
        raise WorkerLost(f"No preview {preview_id} of {order.shot.name}: this worker only waits.")

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the place is."""
        return (WorkerStatus("0", "ready" if self._busy is None else "busy", "cpu", "waits"),)

    def drain(self, name: str, drained: bool) -> None:
        """Know no such worker. Raises NotFound."""
        raise NotFound(f"{name} cannot be drained ({drained}): this worker only waits.")

    def close(self) -> None:
        """End."""
        self._stopped.set()

    def _wait(self, job_id: str, attempt: int, order: ShotOrder) -> None:
        self._tell(ShotStarted(job_id=job_id, attempt=attempt, screen=_SCREEN, frames=order.frames, kept=()))
        for frame in order.frames if order.role == "part" else ():
            if self._stopped.is_set():
                break
            self._tell(FrameStarted(job_id=job_id, attempt=attempt, frame=frame))
            self._stopped.wait(self._seconds)
            result = FrameResult(frame=frame, state=FrameState.DONE)
            self._tell(FrameFinished(job_id=job_id, attempt=attempt, result=result))
        outcome = "stopped" if self._stopped.is_set() or order.role == "look" else "done"
        with self._lock:
            self._busy = None
            self._idle_since = time.monotonic()
        self._tell(
            ShotFinished(job_id=job_id, attempt=attempt, outcome=outcome, manifest=order.output / "manifest.json")
        )
        self._tell(CapacityChanged())


async def offer_many(scheduler: str, names: list[str], seconds: float, idle: IO[str]) -> None:
    """Offer a waiting worker for each name, for ever; what each had no work for goes into ``idle``, a line each."""
    settings = load_settings()
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(since: float, until: float) -> None:
        idle.write(f"{since} {until}\n")

    with tempfile.TemporaryDirectory() as folder:
        workers = [WaitingExecutor(seconds, note) for _ in names]
        await asyncio.gather(
            *(
                offer(settings, scheduler, name, worker, Path(folder), print, asyncio.shield(never))
                for name, worker in zip(names, workers, strict=True)
            )
        )


def main() -> None:
    """Run waiting workers until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scheduler")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--idle", type=Path, required=True)
    chosen = parser.parse_args()
    with chosen.idle.open("a", encoding="utf-8", buffering=1) as idle:
        asyncio.run(offer_many(chosen.scheduler, chosen.names, chosen.seconds, idle))


if __name__ == "__main__":
    main()
