"""Takes queued jobs to the executor, and what the executor says to the store. The only place that runs jobs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from service.atomic import make_folder, write_error
from service.confined import check_written
from service.errors import OutputAway, OutputFull, OutputReadOnly, PathRefused, PlateAway, Transient, WorkerLost
from service.executor import POISON, CapacityChanged, Executor, ExecutorEvent, ShotLost, poisonous
from service.jobs import FrameResult, FrameState, Job, JobState, Problem
from service.messages import FrameFinished, FrameStarted, ShotFailed, ShotFinished, ShotOrder, ShotStarted
from service.paths import Paths
from service.queue.disks import Disks
from service.queue.intake import root_of
from service.queue.loop import Loop
from service.queue.room import Room
from service.queue.run import Run, next_together
from service.requests import matte_pictures
from service.settings import Settings
from service.shots import format_frames
from service.store import JobChanges, JobStore
from service.store.store import utc_now
from service.versions import claimed_version

LONGEST_DELAY_SECONDS = 30.0

log = logging.getLogger(__name__)


class Dispatcher:
    """The thread that runs jobs. ``lock`` is held during every change, so that the queue's callers see whole ones."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        executor: Executor,
        lock: threading.RLock,
        changed: Callable[[Job], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._store = store
        self._disks = Disks(store)
        self._paths = Paths(settings)
        self._executor = executor
        self._lock = lock
        self._changed = changed
        self._clock = clock
        self.frame_watchers: list[Callable[[FrameFinished], None]] = []
        """Hear of each finished frame."""
        self._loop = Loop(self._step)
        self._runs: dict[str, Run] = {}
        self._not_before: dict[str, float] = {}
        self._room = Room(settings.minimum_free_gib, clock)

    def start(self) -> None:
        """Put jobs back that an earlier service was running, and begin."""
        for job in self._store.in_state(JobState.RUNNING):
            self._changed(self._store.update(job.id, state=JobState.QUEUED, eta_seconds=None))
        self._executor.start(self._loop.put)
        self._loop.start()

    @property
    def problem(self) -> str:
        """Why jobs do not go on; empty while they do."""
        return self._loop.problem

    def close(self) -> None:
        """Let the frames at hand finish and be recorded, then end."""
        self._loop.begin_close()
        self._executor.close()
        self._loop.join()
        with self._lock:
            for job in self._store.in_state(JobState.RUNNING):
                self._changed(self._store.update(job.id, state=JobState.QUEUED, eta_seconds=None))

    def wake(self) -> None:
        """Look at the queue now."""
        self._loop.wake()

    def stop_shot(self, job_id: str) -> None:
        """End a running shot between two frames; its state was changed already."""
        if job_id in self._runs:
            self._executor.stop(job_id)

    def set_priority(self, job_id: str, priority: int) -> None:
        """Let what is left of a running shot go sooner or later."""
        if job_id in self._runs:
            self._executor.set_priority(job_id, priority)

    def forgive(self, job_id: str) -> None:
        """Start a job without the delay that earlier faults brought."""
        self._not_before.pop(job_id, None)
        self._room.forgive(job_id)

    def delay(self, job_id: str, seconds: float) -> None:
        """Start a job no sooner than in so many seconds."""
        self._not_before[job_id] = self._clock() + seconds

    # ---- the thread

    def _step(self, events: list[ExecutorEvent]) -> None:
        with self._lock:
            self._apply_all(events)
            if not self._loop.ending:
                self._watch_disks()
                self._dispatch()

    def _apply_all(self, events: list[ExecutorEvent]) -> None:
        """Apply and take off the list one by one, so that a fault of the store loses none."""
        while events:
            together = next_together(events)
            try:
                self._apply(together)
            except Transient:
                raise
            except Exception as error:
                log.exception("an event could not be applied: %r", events[0])
                if isinstance(events[0], ShotFinished | ShotFailed | ShotLost):
                    self._abandon(events[0].job_id, error)  # nobody would hear of it any more
            done = {id(event) for event in together}
            events[:] = [event for event in events if id(event) not in done]

    def _apply(self, events: list[ExecutorEvent]) -> None:
        event = events[0]
        if isinstance(event, CapacityChanged):
            return
        run = self._runs.get(event.job_id)
        if run is None or run.attempt != event.attempt:
            return  # late words of an attempt that is over
        match event:
            case ShotStarted():
                self._on_started(run, event)
            case FrameStarted() | FrameFinished():
                self._on_frames(run, [e for e in events if isinstance(e, FrameStarted | FrameFinished)])
            case ShotFinished():
                self._on_finished(run, event)
                del self._runs[event.job_id]
            case ShotFailed():
                self._on_fault(event.job_id, event.problem, transient=event.transient)
                del self._runs[event.job_id]
            case ShotLost():
                self._on_lost(run, event)
                del self._runs[event.job_id]

    # ---- what the executor says

    def _on_started(self, run: Run, event: ShotStarted) -> None:
        run.started = self._clock()
        job = self._store.record_frames(event.job_id, event.kept, screen=event.screen)
        if not job.frames:
            job = self._store.update(event.job_id, frames=event.frames)
        self._changed(job)

    def _on_frames(self, run: Run, events: list[FrameStarted | FrameFinished]) -> None:
        job_id = events[0].job_id
        results: dict[int, FrameResult] = {}
        for event in events:
            if isinstance(event, FrameStarted):
                run.in_flight[event.frame] = None
                continue
            run.in_flight.pop(event.result.frame, None)
            results[event.result.frame] = event.result
            for watcher in self.frame_watchers:
                watcher(event)
            run.finished.append(self._clock())
            run.keyed += 1
        if not results:
            return
        before = self._store.get(job_id)
        left = len(before.frames) - before.frames_done - before.frames_failed - len(results)
        rate = run.rate()
        eta = max(left, 0) / rate if rate else None
        # A frame that got through shows that the last fault was no lasting one.
        done = any(r.state is FrameState.DONE for r in results.values())
        faults = 0 if done else self._store.keys(job_id).faults
        if done:
            self._room.forgive(job_id)
        running = before.state is JobState.RUNNING
        self._changed(
            self._store.record_frames(
                job_id,
                list(results.values()),
                frames_per_second=rate or before.frames_per_second,
                eta_seconds=eta if running else None,
                faults=faults,
            )
        )

    def _on_finished(self, run: Run, event: ShotFinished) -> None:
        job = self._store.get(event.job_id)
        seconds = self._clock() - run.started
        rate = run.keyed / seconds if run.keyed > 1 and seconds > 0 else job.frames_per_second
        changes = JobChanges(manifest=event.manifest, warnings=event.warnings, frames_per_second=rate, eta_seconds=None)
        if job.state is JobState.RUNNING:  # neither paused nor cancelled meanwhile
            states = {"done": JobState.DONE, "incomplete": JobState.NEEDS_ATTENTION, "stopped": JobState.QUEUED}
            state = changes["state"] = states[event.outcome]
            changes["problem"] = self._holes(job) if state is JobState.NEEDS_ATTENTION else None
            changes["finished_at"] = None if state is JobState.QUEUED else utc_now()
        self._changed(self._store.update(job.id, **changes))

    def _on_fault(self, job_id: str, problem: Problem, *, transient: bool) -> None:
        """Decide what a whole-shot fault means: try again, ask a person, or give up."""
        job = self._store.get(job_id)
        if job.state is not JobState.RUNNING:
            self._changed(self._store.update(job_id, eta_seconds=None))
            return
        if problem.kind in (OutputFull.kind, OutputReadOnly.kind):
            if problem.kind == OutputFull.kind:
                self._room.lacked(job_id)
            self._rest(job, JobState.NEEDS_ATTENTION, problem)
        elif not transient:
            self._rest(job, JobState.FAILED, problem)
        else:
            faults = self._store.keys(job_id).faults + 1
            if faults >= self._settings.attempts:
                tried = problem.model_copy(update={"message": f"{problem.message} ({faults} attempts in a row.)"})
                self._rest(job, JobState.FAILED, tried)
                return
            delay = min(self._settings.restart_delay_seconds * 2.0 ** (faults - 1), LONGEST_DELAY_SECONDS)
            self._not_before[job_id] = self._clock() + delay
            self._changed(
                self._store.update(job_id, state=JobState.QUEUED, problem=problem, faults=faults, eta_seconds=None)
            )

    def _on_lost(self, run: Run, event: ShotLost) -> None:
        if not event.blameless:
            in_flight = tuple(run.in_flight)
            given_up = poisonous(in_flight, self._store.count_deaths(event.job_id, in_flight), event.problem)
            if given_up is not None:
                self._store.record_frames(event.job_id, [given_up], faults=0)
        self._on_fault(event.job_id, event.problem, transient=True)

    # ---- decisions

    def _dispatch(self) -> None:
        """Start queued jobs while somebody is free."""
        while True:
            now = self._clock()
            waiting = {job_id for job_id, moment in self._not_before.items() if moment > now}
            job = self._store.next_queued(exclude=waiting | self._runs.keys())
            if job is None or self._executor.capacity(job.priority) <= 0 or not self._start_surely(job):
                return

    def _start_surely(self, job: Job) -> bool:
        """Start a job; one that cannot be started for a reason that nobody foresaw fails, and holds up no other."""
        try:
            return self._start(job)
        except Transient:
            raise
        except Exception as error:
            log.exception("job %s cannot be started", job.id)
            self._abandon(job.id, error)
            return True

    def _abandon(self, job_id: str, error: Exception) -> None:
        """Fail a job over what nobody foresaw."""
        self._runs.pop(job_id, None)
        self._not_before[job_id] = self._clock() + LONGEST_DELAY_SECONDS  # should it stay queued after all
        self._executor.stop(job_id)
        problem = Problem(
            kind="unexpected",
            message=f"Something unforeseen went wrong: {type(error).__name__}: {error}.",
            fix="Retry it; if it fails again, please report it with the service's log.",
        )
        try:
            self._rest(self._store.get(job_id), JobState.FAILED, problem)
        except Transient:
            raise
        except Exception:
            log.exception("job %s cannot be failed", job_id)

    def _start(self, job: Job) -> bool:
        """Hand a job to the executor; False when nobody took it."""
        poison = tuple(r for r in self._store.frames(job.id) if r.problem is not None and r.problem.kind == POISON)
        if job.frames and len(poison) == len(job.frames):
            self._rest(job, JobState.NEEDS_ATTENTION, self._holes(job))
            return True
        try:
            self._check_disks(job)
        except (OutputAway, PlateAway) as error:
            self._changed(self._store.update(job.id, state=JobState.ROOT_OFFLINE, problem=Problem.of(error)))
            return True
        lost = job.problem is not None and job.problem.kind == WorkerLost.kind
        within = self._paths.output_confinement(root_of(job))
        try:
            check_written(job.output.parent, within)
            job = self._begin(job)
        except PathRefused as error:
            self._rest(job, JobState.FAILED, Problem.of(error))
            return True
        except OSError as error:
            self._store.update(job.id, state=JobState.RUNNING)
            self._on_fault(job.id, Problem.of(write_error(error, job.output)), transient=True)
            return True
        order = ShotOrder(
            shot=job.shot,
            frames=job.frames,
            settings=job.request.settings,
            output=job.output,
            output_within=within,
            version=job.version,
            fps=job.request.fps,
            pixel_aspect=job.request.pixel_aspect,
            mattes=job.mattes,
            content=self._store.keys(job.id).content or None,
            reuse=job.reuse,
            accept_gaps=job.request.accept_gaps,
            given_up=poison,
            careful=lost or bool(self._store.suspects(job.id)),
        )
        if not self._executor.submit(job.id, job.attempt, order, job.priority):
            self._changed(self._store.update(job.id, state=JobState.QUEUED))
            return False
        self._runs[job.id] = Run(job.attempt, self._clock())
        self._not_before.pop(job.id, None)
        self._changed(job)
        return True

    def _check_disks(self, job: Job) -> None:
        """Raise PlateAway or OutputAway where a disk that the job needs is not there."""
        self._disks.check_plates([job.shot.folder, *map(Path, matte_pictures(job.mattes).values())])
        self._disks.check_output(root_of(job))

    def _begin(self, job: Job) -> Job:
        """Count an attempt, committed before the worker hears of it: its number is never used twice.

        The first one claims the version folder: others that share the output may have taken it meanwhile, and then the
        job gets the next one. Later ones make it anew if somebody deleted it. Raises OSError when none can be made.
        """
        changes = JobChanges(
            state=JobState.RUNNING, attempt=job.attempt + 1, started_at=utc_now(), finished_at=None, problem=None
        )
        if job.attempt > 0:
            make_folder(job.output)
            return self._store.update(job.id, **changes)
        place = job.output.parent
        known = [other.version for other, _ in self._store.at_place(place)]
        with claimed_version(place, first=job.version, known=known) as (output, version):
            changes["output"], changes["version"] = output, version
            return self._store.update(job.id, **changes)

    def _rest(self, job: Job, state: JobState, problem: Problem) -> None:
        manifest = job.output / "manifest.json"
        self._changed(
            self._store.update(
                job.id,
                state=state,
                problem=problem,
                eta_seconds=None,
                manifest=manifest if manifest.is_file() else job.manifest,
                finished_at=utc_now(),
            )
        )

    def _holes(self, job: Job) -> Problem:
        failed = [result for result in self._store.frames(job.id) if result.state is FrameState.FAILED]
        reason = next((f": {r.problem.message}" for r in failed if r.problem), ".")
        which = format_frames(result.frame for result in failed)
        return Problem(
            kind="incomplete",
            message=f"{len(failed)} of {len(job.frames)} frames failed ({which}){reason}",
            fix="Replace their plates and retry, or accept the result with these holes.",
            frame=failed[0].frame if failed else None,
        )

    def _watch_disks(self) -> None:
        """Go on with jobs whose output disk was full or away, once it has room or is there again."""
        if not self._room.is_time_to_look():
            return
        for job in self._store.in_state(JobState.NEEDS_ATTENTION):
            full = job.problem is not None and job.problem.kind == OutputFull.kind
            if full and self._room.may_try(job.id, job.output):
                self._changed(self._store.update(job.id, state=JobState.QUEUED, problem=None))
        for job in self._store.in_state(JobState.ROOT_OFFLINE):
            # Others wait for their drop folder, which tells itself when it is back.
            if job.problem is None or job.problem.kind not in (OutputAway.kind, PlateAway.kind):
                continue
            with contextlib.suppress(OutputAway, PlateAway):
                self._check_disks(job)
                self._changed(self._store.update(job.id, state=JobState.QUEUED, problem=None, faults=0))
