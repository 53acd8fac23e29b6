"""What stands in a farm worker between Dask and the processes that key: any executor, asked piece by piece."""

from __future__ import annotations

import queue
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin

from service.errors import DropKeyError, WorkerLost
from service.executor.dask import tasks
from service.executor.dask.handshake import introduction
from service.executor.dask.places import preview_order, shot_order
from service.executor.dask.words import Errand, PieceLost, PreviewAnswer, Question, Told, statuses
from service.executor.memory import Cards
from service.executor.port import CapacityChanged, Executor, ExecutorEvent, ShotLost
from service.jobs import Problem
from service.messages import PreviewMade, ShotFailed, ShotFinished
from service.paths import Paths
from service.settings import Settings

LOOK_SECONDS = 0.2
MEASURE_SECONDS = 5.0
PATIENCE_SECONDS = 20.0  # for a place that was free when the piece was sent
ATTEMPT = 1  # of a piece; the shot's own attempts are the service's affair
_UNWANTED = ("cancelled", "released", "forgotten")


class Host(WorkerPlugin):
    """Takes errands from Dask's threads to an executor, and its words back."""

    name = tasks.HOST

    def __init__(self, executor: Executor, settings: Settings, say: Callable[[str], None]) -> None:
        self._executor = executor
        self._settings = settings
        self._paths = Paths(settings)
        self._say = say
        self._verdicts: dict[str, str | None] = {}
        self._inboxes: dict[str, queue.SimpleQueue[ExecutorEvent]] = {}
        self._changed = threading.Event()
        self._dask: Worker | None = None
        self._cards = Cards()
        self._measured = executor.workers()
        self._closing = threading.Event()

    def start(self) -> None:
        """Start the processes that key."""
        self._executor.start(self._hear)
        threading.Thread(target=self._measure, name="memory", daemon=True).start()

    def close(self) -> None:
        """Let the frames at hand finish, and end the processes."""
        self._closing.set()
        self._executor.close()

    def setup(self, worker: Worker) -> None:
        """Be there for what comes over this connection."""
        self._dask = worker

    def teardown(self, worker: Worker) -> None:
        """End all pieces: whoever wanted them has lost sight of them, and gives them to others."""
        del worker
        self._dask = None
        for piece in list(self._inboxes):
            self._executor.stop(piece)

    @property
    def busy(self) -> bool:
        """Whether a piece is in hand."""
        return bool(self._inboxes)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces in hand."""
        return tuple(self._inboxes)

    # ---- what Dask's threads call

    def key(self, text: str) -> None:
        """Key a piece until it ends, or nobody wants it any more."""
        errand = Errand.model_validate_json(text)
        dask = self._dask
        if dask is None:
            return
        inbox: queue.SimpleQueue[ExecutorEvent] = queue.SimpleQueue()
        self._inboxes[errand.id] = inbox
        try:
            if not self._begin(errand, dask):
                return
            while True:
                try:
                    event = inbox.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    if self._is_unwanted(errand.id, dask):
                        self._executor.stop(errand.id)
                    continue
                if self._tell(errand, event, dask):
                    return
        finally:
            del self._inboxes[errand.id]

    def preview(self, text: str) -> tuple[str, dict[str, bytes]]:
        """Key one frame; return what came of it and its files by name."""
        errand = Errand.model_validate_json(text)
        folder = Path(tempfile.mkdtemp(prefix="dropkey-preview-"))
        try:
            order = preview_order(errand.order, self._paths, str(folder))
            future: Future[PreviewMade] = self._executor.preview(errand.id, order)
            while not wait([future], timeout=LOOK_SECONDS).done:
                if self._dask is None:
                    raise WorkerLost("The line to the worker broke.", fix="Ask for the preview again.")
            answer = PreviewAnswer(made=future.result())
            files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        except DropKeyError as error:
            answer, files = PreviewAnswer(problem=Problem.of(error)), {}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return answer.model_dump_json(), files

    def introduce(self, text: str) -> str:
        """Say what this worker is and sees."""
        return introduction(Question.model_validate_json(text), self._settings).model_dump_json()

    # ---- what Dask's loop calls

    def stop(self, piece: str) -> None:
        """End a piece between two frames."""
        if piece in self._inboxes:
            self._executor.stop(piece)

    def drain(self, place: str, drained: bool) -> None:
        """Give a place nothing new, or take it back."""
        self._executor.drain(place, drained)

    def hear_verdict(self, service: str, problem: Problem | None) -> None:
        """Say, once, that a service takes this worker, or why it does not."""
        verdict = None if problem is None else f"{problem.message} {problem.fix}"
        if service in self._verdicts and self._verdicts[service] == verdict:
            return
        self._verdicts[service] = verdict
        self._say(f"{service} takes this worker." if verdict is None else f"{service} refuses this worker: {verdict}")

    def status(self, _worker: Worker) -> list[dict[str, Any]]:
        """Return how the places are, for the heartbeat."""
        memories = {worker.name: worker.memory for worker in self._measured}
        told = [
            replace(worker, host=socket.gethostname(), memory=memories.get(worker.name))
            for worker in self._executor.workers()
        ]
        return [dict(entry) for entry in statuses.dump_python(tuple(told), mode="json")]

    # ---- inside

    def _begin(self, errand: Errand, dask: Worker) -> bool:
        """Hand the piece to a process; a place is free, or is about to be."""
        try:
            order = shot_order(errand.order, self._paths)
        except DropKeyError as error:
            failed = ShotFailed(job_id=errand.id, attempt=ATTEMPT, problem=Problem.of(error), transient=True)
            self._tell(errand, failed, dask)
            return False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._executor.submit(errand.id, ATTEMPT, order, 0):
            if time.monotonic() > deadline:
                problem = Problem(kind=WorkerLost.kind, message="No process that keys is ready on this machine.")
                self._tell(errand, ShotLost(errand.id, ATTEMPT, problem, blameless=True), dask)
                return False
            if self._is_unwanted(errand.id, dask):
                return False
            self._changed.wait(LOOK_SECONDS)
            self._changed.clear()
        return True

    def _is_unwanted(self, piece: str, dask: Worker) -> bool:
        task = dask.state.tasks.get(piece)
        return self._dask is not dask or task is None or task.state in _UNWANTED

    def _tell(self, errand: Errand, event: ExecutorEvent, dask: Worker) -> bool:
        """Pass an event on; True where it was the last."""
        if isinstance(event, CapacityChanged):
            return False
        said = PieceLost(problem=event.problem, blameless=event.blameless) if isinstance(event, ShotLost) else event
        dask.log_event(errand.topic, Told(piece=errand.id, said=said).model_dump_json())
        return isinstance(event, ShotFinished | ShotFailed | ShotLost)

    def _hear(self, event: ExecutorEvent) -> None:
        self._changed.set()
        if isinstance(event, CapacityChanged):
            return
        inbox = self._inboxes.get(event.job_id)
        if inbox is not None:
            inbox.put(event)

    def _measure(self) -> None:
        while not self._closing.is_set():
            self._measured = self._cards.measured(self._executor.workers())
            self._closing.wait(MEASURE_SECONDS)
