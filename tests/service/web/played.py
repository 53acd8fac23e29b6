"""A service in this process whose worker the test plays, and a page of it: what workers say, and when, is exact."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from model.settings import FrameNotes, Screen
from service.api import create_app
from service.errors import WorkerLost
from service.jobs import FrameResult, FrameState, Problem
from service.listening import answering
from service.messages import FrameFinished, PreviewMade, PreviewOrder, ShotFinished, ShotStarted
from service.paths import Paths
from service.queue import JobQueue
from service.settings import Settings
from service.store import JobStore
from tests.service.asking import TOKEN
from tests.service.running import OneWorker, make_shot, until

SCREEN = Screen(color=(0.1, 0.7, 0.2), coverage=0.5)


class Worker(OneWorker):
    """It makes no previews."""

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        raise WorkerLost("No worker is ready.")


@dataclass
class Played:
    """The service; its worker takes one job and keys nothing."""

    url: str
    folder: Path
    store: JobStore
    queue: JobQueue
    worker: Worker

    def post(self, path: str, body: object = None) -> httpx.Response:
        """Post ``body`` as JSON."""
        return httpx.post(self.url + path, json=body, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30)

    def submit(self, name: str = "hero", frames: range = range(1001, 1004), **more: Any) -> str:
        """Put a shot of files that are no pictures into the drop folder, and ask for it by its whole path."""
        shot = make_shot(self.folder / name, frames, name)
        reply = self.post("/jobs", {"plate": str(shot.folder / shot.pattern), **more})
        assert reply.status_code == 202, reply.text
        return str(reply.json()["id"])

    def start(self) -> None:
        """Say that the survey of the job at hand is done, once there is one."""
        until(lambda: self.worker.current, "the worker has a job")
        job_id, attempt, order = self.worker.current
        told = {"screen": SCREEN, "frames": order.frames, "kept": ()}
        self.worker.tell(ShotStarted(job_id=job_id, attempt=attempt, **told))

    def finish(self, frame: int, *, problem: str | None = None, fix: str = "", warnings: tuple[str, ...] = ()) -> None:
        """Say that a frame of the job at hand is done, or failed."""
        job_id, attempt, _ = self.worker.current
        result = FrameResult(
            frame=frame,
            state=FrameState.DONE if problem is None else FrameState.FAILED,
            notes=FrameNotes(warnings=warnings),
            problem=None if problem is None else Problem(kind="plate_unreadable", message=problem, fix=fix),
        )
        self.worker.tell(FrameFinished(job_id=job_id, attempt=attempt, result=result))

    def end(self) -> None:
        """Say that all of the job at hand is keyed."""
        job_id, attempt, order = self.worker.current
        self.worker.tell(
            ShotFinished(job_id=job_id, attempt=attempt, outcome="done", manifest=order.output / "manifest.json")
        )


@contextmanager
def playing(folder: Path) -> Iterator[Played]:
    """Run the application over a queue in memory; ``folder/drop`` is its drop folder."""
    drop = folder / "drop"
    drop.mkdir(parents=True)
    settings = Settings(home=folder / "home", drop_folders=(drop,), output_root=folder / "out")
    store, worker = JobStore(), Worker()
    queue = JobQueue(settings, store, worker)
    queue.start()
    app = create_app(queue, store, settings, TOKEN, paths=Paths(settings))
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        with answering(app, listener, ending=app.state.events.close):
            yield Played(f"http://127.0.0.1:{listener.getsockname()[1]}", drop, store, queue, worker)
    finally:
        app.state.reader.close()
        listener.close()
        queue.stop()
        store.close()
