"""Keeps one worker alive: starts it, watches its deadlines, kills it when it hangs, starts it again."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from service.errors import DropKeyError, WorkerLost
from service.executor.endings import condemned, lost, reason_of
from service.executor.orphans import Register
from service.executor.port import CapacityChanged, ExecutorEvent, RestartReason, ShotLost, WorkerState, WorkerStatus
from service.executor.process import Ended, Heard, Rubbish, WorkerProcess
from service.jobs import FrameState, Problem, error_from
from service.messages import (
    FrameFinished,
    FrameStarted,
    KeyShot,
    MakePreview,
    PreviewFailed,
    PreviewMade,
    PreviewOrder,
    ShotFailed,
    ShotFinished,
    ShotOrder,
    ShotStarted,
    Shutdown,
    StopShot,
    WorkerFailed,
    WorkerReady,
)
from service.settings import Settings

LOOK_SECONDS = 0.25
LONGEST_LOOK_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 30.0
SECONDS_PER_KEPT_FRAME = 1.0


@dataclass
class _Shot:
    job_id: str
    attempt: int
    name: str
    frames: int
    started: bool = False  # ShotStarted was heard
    frame: int | None = None  # the last that entered the keyer


@dataclass
class _Life:
    """What is known about the process that runs now."""

    process: WorkerProcess
    ready: bool = False
    verdict: str = ""  # why it was killed, in words that follow "it"
    condemned_as: RestartReason | None = None  # … and in one
    problem: Problem | None = None
    silence: float = 0.0  # seconds that it said nothing while it should have
    looked: float = field(default=0.0)


class Slot:
    """One place for a worker, and the thread that looks after it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        settings: Settings,
        register: Register,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._settings = settings
        self._register = register
        self._log = log
        self._clock = clock
        self._tell: Callable[[ExecutorEvent], None] = lambda _event: None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._drained = False
        self._life: _Life | None = None
        self._shot: _Shot | None = None
        self._previews: dict[str, Future[PreviewMade]] = {}
        self._status = WorkerStatus(name=name, state="starting", card=environment.get("CUDA_VISIBLE_DEVICES"))
        self._deaths = 0
        self._ended_as: RestartReason | None = None  # the last process
        self._restarts: Counter[RestartReason] = Counter()
        self._thread = threading.Thread(target=self._run, name=f"slot-{name}", daemon=True)

    # ---- called by the executor, from any thread

    def start(self, tell: Callable[[ExecutorEvent], None]) -> None:
        """Start the worker; ``tell`` hears all that comes of it."""
        self._tell = tell
        self._thread.start()

    @property
    def status(self) -> WorkerStatus:
        """How the worker is."""
        with self._lock:
            shot = self._shot
            return replace(
                self._status,
                drained=self._drained,
                shot=None if shot is None else shot.name,
                frame=None if shot is None else shot.frame,
            )

    @property
    def free(self) -> bool:
        """Whether a shot could start now."""
        status = self.status
        return status.state == "ready" and not status.drained

    def drain(self, drained: bool) -> None:
        """Take nothing new, or be there again; what is at hand is finished."""
        with self._lock:
            self._drained = drained
        self._tell(CapacityChanged())

    def submit(self, job_id: str, attempt: int, order: ShotOrder) -> bool:
        """Start a shot, unless the worker is not free."""
        with self._lock:
            life = self._life
            if life is None or not life.ready or self._shot is not None or self._drained or self._closing.is_set():
                return False
            self._shot = _Shot(job_id, attempt, order.shot.name, len(order.frames))
            life.silence = 0.0
            self._set_state("busy")
            life.process.send(KeyShot(job_id=job_id, attempt=attempt, order=order))
            return True

    def stop(self, job_id: str) -> None:
        """Stop that shot between two frames, if it is keyed here."""
        with self._lock:
            if self._life is not None and self._shot is not None and self._shot.job_id == job_id:
                self._life.process.send(StopShot(job_id=job_id))

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade] | None:
        """Have a frame keyed soon; None when no worker is ready here."""
        with self._lock:
            life = self._life
            if life is None or not life.ready or self._closing.is_set():
                return None
            if self._shot is None:
                life.silence = 0.0
            future: Future[PreviewMade] = Future()
            self._previews[preview_id] = future
            life.process.send(MakePreview(preview_id=preview_id, order=order))
            return future

    def begin_close(self) -> None:
        """Ask the worker to finish its frame and to end."""
        self._closing.set()
        with self._lock:
            if self._life is not None:
                self._life.silence = 0.0
                self._life.process.send(Shutdown())

    def join(self) -> None:
        """Wait until it has ended; the stop deadline bounds that."""
        if self._thread.is_alive():
            self._thread.join()

    # ---- the slot's own thread

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                if self._ended_as is not None:
                    self._restarts[self._ended_as] += 1
            self._live()
            delay = self._settings.restart_delay_seconds * 2.0 ** min(max(self._deaths - 1, 0), 10)
            self._closing.wait(min(delay, LONGEST_DELAY_SECONDS))
        with self._lock:
            self._set_state("stopped")

    def _live(self) -> None:
        """Run one process from its start to its end."""
        try:
            process = WorkerProcess(self._command, self._environment, self._log)
        except OSError as error:
            self._deaths += 1
            problem = Problem(kind=WorkerLost.kind, message=f"The worker cannot be started: {error}.")
            with self._lock:
                self._ended_as = "not_started"
                self._set_state("waiting", problem=problem)
            self._tell(CapacityChanged())
            return
        self._register.add(process.pid)
        life = _Life(process, looked=self._clock())
        with self._lock:
            self._life = life
            self._set_state("starting")
            if self._closing.is_set():
                process.send(Shutdown())
        exit_code = self._watch(life)
        process.close()
        self._register.remove(process.pid)
        self._bury(life, exit_code)

    def _watch(self, life: _Life) -> int:
        """Pass on what the worker says until it is gone; return its exit code."""
        while True:
            try:
                heard = life.process.heard.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._look(life)
                continue
            life.silence, life.looked = (life.silence if self._closing.is_set() else 0.0), self._clock()
            if isinstance(heard, Ended):
                return heard.exit_code
            if not life.verdict:  # what a condemned worker still says is not to be trusted
                self._hear(life, heard)

    def _look(self, life: _Life) -> None:
        """Count the silence, and end it when it lasts too long."""
        now = self._clock()
        # A machine that slept for hours makes one long look: it must not read as a worker that hung for hours.
        life.silence += min(now - life.looked, LONGEST_LOOK_SECONDS)
        life.looked = now
        limit, what = self._patience(life)
        if life.silence > limit and not life.verdict:
            life.verdict, life.condemned_as = f"{what} for more than {limit:g} s", "hung"
            self._log.error("killed: it %s", life.verdict)
            life.process.kill()

    def _patience(self, life: _Life) -> tuple[float, str]:
        """Return how many seconds of silence are fine now, and what it is that takes them."""
        settings = self._settings
        with self._lock:
            shot, previews = self._shot, len(self._previews)
        if self._closing.is_set():
            return settings.stop_deadline_seconds, "did not end"
        if not life.ready:
            return settings.load_deadline_seconds, "was loading"
        if shot is None:
            previewing = settings.load_deadline_seconds + settings.frame_deadline_seconds
            return (previewing, "was busy with a preview") if previews else (math.inf, "")
        if shot.started:
            return settings.frame_deadline_seconds, "was busy with one frame"
        # Before the first frame: another keyer may load, and frames of an earlier attempt are verified.
        verifying = shot.frames * SECONDS_PER_KEPT_FRAME
        return settings.load_deadline_seconds + settings.frame_deadline_seconds + verifying, "was surveying"

    def _hear(self, life: _Life, heard: Heard) -> None:
        match heard:
            case WorkerReady():
                with self._lock:
                    life.ready = True
                    self._set_state("ready", device=heard.device, device_name=heard.device_name, pid=heard.pid)
                self._tell(CapacityChanged())
            case WorkerFailed():
                life.problem = heard.problem
            case Rubbish():
                life.verdict, life.condemned_as = f"said what is no message ('{heard.text[:80]}')", "garbled"
                life.process.kill()
            case PreviewMade():
                self._previewed(heard.preview_id, heard)
            case PreviewFailed():
                self._previewed(heard.preview_id, error_from(heard.problem))
            case ShotStarted() | FrameStarted() | FrameFinished() | ShotFinished() | ShotFailed():
                self._pass_on(heard)

    def _pass_on(self, heard: ShotStarted | FrameStarted | FrameFinished | ShotFinished | ShotFailed) -> None:
        with self._lock:
            shot = self._shot
            if shot is None or (heard.job_id, heard.attempt) != (shot.job_id, shot.attempt):
                return
            shot.started = True
            if isinstance(heard, FrameStarted):
                shot.frame = heard.frame
            if isinstance(heard, FrameFinished) and heard.result.state is FrameState.DONE:
                self._deaths = 0
            if isinstance(heard, ShotFinished | ShotFailed):
                self._shot = None
                self._set_state("ready")
        self._tell(heard)

    def _previewed(self, preview_id: str, outcome: PreviewMade | DropKeyError) -> None:
        with self._lock:
            future = self._previews.pop(preview_id, None)
        if future is None:
            return
        if isinstance(outcome, PreviewMade):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)

    def _bury(self, life: _Life, exit_code: int) -> None:
        with self._lock:
            shot, self._shot, self._life = self._shot, None, None
            unmade = list(self._previews)
        problem = life.problem or (
            condemned(life.verdict, self.name) if life.verdict else lost(exit_code, life.process.last_words, self.name)
        )
        for preview_id in unmade:
            self._previewed(preview_id, WorkerLost(problem.message, fix=problem.fix))
        with self._lock:
            if self._closing.is_set() and shot is None:
                return
            self._deaths += 1
            self._ended_as = life.condemned_as or ("unable" if life.problem else reason_of(exit_code))
            self._set_state("waiting", problem=problem)
        self._log.error("worker ended: %s %s", problem.message, problem.fix)
        self._tell(ShotLost(shot.job_id, shot.attempt, problem) if shot else CapacityChanged())

    def _set_state(
        self,
        state: WorkerState,
        *,
        device: str | None = None,
        device_name: str | None = None,
        pid: int | None = None,
        problem: Problem | None = None,
    ) -> None:
        before = self._status
        self._status = WorkerStatus(
            name=self.name,
            state=state,
            device=device or before.device,
            device_name=device_name or before.device_name,
            pid=pid or (before.pid if state in ("ready", "busy") else None),
            deaths_in_a_row=self._deaths,
            problem=problem or before.problem,
            restarts=dict(self._restarts),
            card=before.card,
        )
