"""What everybody asks of jobs: submit, settle, list, cancel, pause, resume, retry, accept. Any thread may call."""

from __future__ import annotations

import builtins
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from pathlib import Path

from model.settings import MatteSources
from service.errors import ShotGone, WrongState
from service.executor import Executor, WorkerStatus
from service.jobs import FINAL, RESTING, FrameResult, Job, JobRequest, JobState, Problem
from service.manifest import accept_holes
from service.messages import FrameFinished, PreviewMade, PreviewOrder
from service.paths import Paths
from service.queue.disks import Disks
from service.queue.dispatcher import Dispatcher
from service.queue.intake import UNSTARTED, Intake, check, root_of, vanished, wish_again
from service.queue.status_file import StatusFiles, done_identity
from service.queue.subscription import Hub, Subscription
from service.results import remove_result
from service.settings import Settings
from service.shots import Shot
from service.store import Event, JobPage, JobStore
from service.store.store import utc_now
from service.versions import Wish, gap_problem, wanted_frames

_REMOVABLE = FINAL | {JobState.NEEDS_ATTENTION}


class JobQueue:
    """The queue of one service: its store, its executor, and the thread that runs jobs."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        executor: Executor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._paths = Paths(settings)
        self._store = store
        self._executor = executor
        self._lock = threading.RLock()
        self._hub = Hub()
        self._disks = Disks(store)
        self._status: StatusFiles | None = None
        self._dispatcher = Dispatcher(settings, store, executor, self._lock, self._changed, clock)
        self._intake = Intake(store, self._changed, self._again)

    def start(self) -> None:
        """Begin to run jobs, those of an earlier service first."""
        self._store.listener = self._hub.tell
        self._status = StatusFiles(self._store.newest_at, self.why_away, self._paths.output_confinement)
        self._dispatcher.start()

    def stop(self) -> None:
        """Let the frames at hand finish, then end workers and threads; queued jobs wait for the next start."""
        self._dispatcher.close()
        if self._status is not None:
            self._status.close()
        self._store.listener = None

    # ---- new jobs

    def submit(
        self,
        request: JobRequest,
        shot: Shot,
        *,
        output_root: Path | None = None,
        mattes: MatteSources | None = None,
        settled: bool = True,
        unchanged: Callable[[], bool] = lambda: True,
    ) -> tuple[Job, bool]:
        """Take a shot; return its job, and whether that is a new one.

        The same plate with the same settings is the same job, unless ``request.key_again``; a failed or cancelled one
        is queued again. Anything else becomes the shot's next version. ``mattes`` are those of the request with paths
        of this machine, where they differ. ``settled=False``: files are still arriving, wait for `settle`.
        ``unchanged`` tells, after the files were looked at, whether they are still those that settled.
        Raises BadInput, PlateMissing, and PlateChanged where they are not.
        """
        wish = Wish(request, shot, self._output_root(request, output_root), mattes)
        check(unchanged)
        if settled:
            wish.check()
        with self._lock:
            known = self._intake.same_job(wish)
            if known is not None:
                return self._intake.meet(known, wish, settled=settled), False
            return self._intake.add(wish, settled=settled), True

    def settle(
        self,
        job_id: str,
        shot: Shot,
        request: JobRequest,
        *,
        mattes: MatteSources | None = None,
        unchanged: Callable[[], bool] = lambda: True,
    ) -> Job:
        """All files of a waiting job have arrived: queue it, or return the equal job that was there before.

        ``unchanged`` as for `submit`. Raises NotFound, BadInput, PlateMissing and PlateChanged.
        """
        wish = Wish(request, shot, root_of(self._store.get(job_id)), mattes)
        check(unchanged)
        wish.check()
        with self._lock:
            job = self._store.get(job_id)
            if self._store.keys(job_id).settled or job.state in FINAL:
                return job
            equal = self._store.with_identity(wish.identity, other_than=job_id)
            if equal is not None and not request.key_again and not vanished(equal):
                self._store.remove(job_id)
                self._changed(equal)
                return self._intake.meet(equal, wish, settled=True)
            return self._intake.adopt(job, wish)

    def done_elsewhere(
        self, request: JobRequest, shot: Shot, *, output_root: Path | None = None, mattes: MatteSources | None = None
    ) -> bool:
        """Tell whether another service with our output root has keyed this very shot, as its status file says.

        Or whether it was `dismissed`.
        """
        root = self._output_root(request, output_root)
        known = done_identity(root / shot.name)
        identity = Wish(request, shot, root, mattes).identity
        return known == identity or self._store.is_dismissed(identity)

    def dismissed(
        self, request: JobRequest, shot: Shot, *, output_root: Path | None = None, mattes: MatteSources | None = None
    ) -> bool:
        """Tell whether somebody took the result of this very shot off the list: only who asks has it keyed again."""
        wish = Wish(request, shot, self._output_root(request, output_root), mattes)
        return self._store.is_dismissed(wish.identity)

    # ---- looking

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        return self._store.get(job_id)

    def list(
        self,
        *,
        states: Collection[JobState] = (),
        client: str | None = None,
        search: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> JobPage:
        """Return jobs, newest first, at most 200 a page; ``search`` is part of their shot, plate or client."""
        return self._store.list(states=states, client=client, search=search, cursor=cursor, limit=limit)

    def frames(self, job_id: str) -> builtins.list[FrameResult]:
        """Return what became of each frame so far, by number; raises NotFound."""
        self._store.get(job_id)
        return builtins.list(self._store.frames(job_id))

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs are in each state."""
        return self._store.counts()

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the workers are."""
        return self._executor.workers()

    def drain(self, name: str, drained: bool) -> None:
        """Give a worker nothing new, or take it back. Raises NotFound."""
        self._executor.drain(name, drained)
        self._dispatcher.wake()

    @property
    def problem(self) -> str:
        """Why jobs do not go on, as a sentence; empty while they do."""
        return self._dispatcher.problem

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Have one frame keyed between two frames of whatever runs. Raises WorkerLost while no worker is ready."""
        return self._executor.preview(preview_id, order)

    def watch_frames(self, watcher: Callable[[FrameFinished], None]) -> None:
        """Tell ``watcher`` of each frame that a worker finished, from the thread that runs jobs."""
        self._dispatcher.frame_watchers.append(watcher)

    def subscribe(self) -> Subscription:
        """Listen to events from now on."""
        return self._hub.subscribe()

    def events_since(self, event_id: int, *, job_id: str | None = None, limit: int = 1000) -> Sequence[Event]:
        """Return what happened after an event, oldest first."""
        return self._store.events_since(event_id, job_id=job_id, limit=limit)

    def wait(self, job_id: str, timeout: float, states: Collection[JobState] = RESTING) -> Job:
        """Return the job once it is in one of ``states``, or as it is after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._hub.count
            job = self._store.get(job_id)
            left = deadline - time.monotonic()
            if job.state in states or left <= 0 or not self._hub.wait_beyond(seen, left):
                return job

    # ---- acting

    def cancel(self, job_id: str) -> Job:
        """End a job within one frame; what is finished stays on disk. Cancelling twice is once. Raises WrongState."""
        return self._end(job_id, JobState.CANCELLED)

    def wait_for(self, job_id: str, problem: Problem | None) -> Job:
        """Say what a job that waits for its files waits for, and what to do; None: it goes on by itself."""
        with self._lock:
            job = self._store.get(job_id)
            if job.state is not JobState.WAITING_INPUT or job.problem == problem:
                return job
            return self._changed(self._store.update(job_id, problem=problem))

    def refuse(self, job_id: str, problem: Problem) -> Job:
        """Fail a job before it began: what orders it cannot be used. Raises WrongState once a worker was on it."""
        with self._lock:
            job = self._store.get(job_id)
            if job.attempt > 0 or job.state not in UNSTARTED:
                raise WrongState(f"A job that is {job.state} cannot be refused any more.", fix="Cancel it.")
            return self._changed(
                self._store.update(job_id, state=JobState.FAILED, problem=problem, finished_at=utc_now())
            )

    def give_up(self, job_id: str, why: str) -> Job:
        """End a job that waits for files which are gone; it comes back with them. One whose files are all there stays.

        Raises NotFound.
        """
        with self._lock:
            job = self._store.get(job_id)
            if self._store.keys(job_id).settled or job.attempt > 0 or job.state in FINAL:
                return job
            problem = Problem(kind=ShotGone.kind, message=why, fix="It is taken again once its files are back.")
            return self._changed(
                self._store.update(job_id, state=JobState.CANCELLED, problem=problem, finished_at=utc_now())
            )

    def pause(self, job_id: str) -> Job:
        """Hold a job within one frame, until `resume`. Raises WrongState."""
        return self._end(job_id, JobState.PAUSED)

    def resume(self, job_id: str) -> Job:
        """Go on with a paused job at its first missing frame. Raises WrongState."""
        with self._lock:
            job = self._store.get(job_id)
            if job.state in (JobState.QUEUED, JobState.RUNNING, JobState.WAITING_INPUT):
                return job
            if job.state is not JobState.PAUSED:
                raise WrongState(f"A job that is {job.state} cannot be resumed.", fix="Retry it, or submit it again.")
            return self._requeue(job, forgive=False)

    def retry(self, job_id: str) -> Job:
        """Do again what failed or is missing, in the same version; finished frames are kept. Raises WrongState."""
        wish = wish_again(self._store.get(job_id))  # without the lock: it reads files
        with self._lock:
            job = self._store.get(job_id)
            if job.state is JobState.QUEUED:
                return job
            if job.state not in (JobState.FAILED, JobState.CANCELLED, JobState.NEEDS_ATTENTION):
                raise WrongState(f"A job that is {job.state} cannot be retried.", fix="Submit it with key_again.")
            return self._again(job, wish)

    def accept(self, job_id: str) -> Job:
        """Take a result with its listed holes, or key a shot although frames are missing. Raises WrongState."""
        with self._lock:
            job = self._store.get(job_id)
            if job.state is not JobState.NEEDS_ATTENTION:
                raise WrongState(f"A job that is {job.state} has nothing to accept.", fix="See its state.")
            if job.attempt == 0:
                request = job.request.model_copy(update={"accept_gaps": True})
                return self._requeue(self._store.update(job_id, request=request), forgive=True)
            if job.manifest is None or job.problem is None or job.problem.kind != "incomplete":
                raise WrongState("The job has no result that could be accepted.", fix="Remove the cause, then retry.")
            accept_holes(job.manifest, within=self._paths.output_confinement(root_of(job)))
            accepted = job.problem.model_copy(update={"fix": "It was accepted as it is."})
            return self._changed(self._store.update(job_id, state=JobState.DONE, problem=accepted))

    def remove(self, job_id: str, *, files: bool = False) -> None:
        """Take a job that is over off the list, with its result on disk or without; plates are never touched.

        Raises WrongState while it is not over, and as removing files does.
        """
        job = self._removable(job_id)
        if files:  # outside of the lock: there may be thousands
            remove_result(job.output, job.shot, within=self._paths.output_confinement(root_of(job)))
        with self._lock:
            job = self._removable(job_id)
            self._store.dismiss([job.identity])
            self._store.remove(job_id)

    def _removable(self, job_id: str) -> Job:
        job = self._store.get(job_id)
        if job.state not in _REMOVABLE:
            raise WrongState(f"A job that is {job.state} cannot be removed.", fix="Cancel it first.")
        return job

    def set_priority(self, job_id: str, priority: int) -> Job:
        """Let a job go sooner (higher) or later. Raises WrongState when it is over."""
        with self._lock:
            job = self._store.get(job_id)
            if job.state in FINAL:
                raise WrongState(f"A job that is {job.state} has no priority any more.", fix="Submit it again.")
            job = self._changed(self._store.update(job_id, priority=priority))
            self._dispatcher.set_priority(job_id, priority)
            return job

    def why_away(self, folder: Path) -> str:
        """Say that the disk of ``folder``, which was there before, is away; nothing where it is there."""
        return self._disks.why_away(folder)

    def root_lost(self, root: Path) -> None:
        """A drop folder or output root is away: freeze its jobs, delete nothing."""
        with self._lock:
            for state in (JobState.WAITING_INPUT, JobState.QUEUED, JobState.RUNNING):
                for job in self._store.in_state(state):
                    if job.shot.folder.is_relative_to(root) or job.output.is_relative_to(root):
                        self._changed(self._store.update(job.id, state=JobState.ROOT_OFFLINE, eta_seconds=None))
                        self._dispatcher.stop_shot(job.id)

    def root_back(self, root: Path) -> None:
        """The folder is there again: go on."""
        with self._lock:
            for job in self._store.in_state(JobState.ROOT_OFFLINE):
                if job.shot.folder.is_relative_to(root) or job.output.is_relative_to(root):
                    self._requeue(job, forgive=True)

    # ---- inside

    def _output_root(self, request: JobRequest, told: Path | None) -> Path:
        return (told or Path(request.output or self._settings.output)).absolute()

    # ---- inside; the lock is held

    def _again(self, job: Job, wish: Wish | None) -> Job:
        """Do again what failed; ``wish`` is the job with the plates as they are now, None where they are not there."""
        before = job.identity
        if wish is not None:
            job = self._intake.take_anew(job, wish)
        self._store.forget_frames(job.id, only_failed=True)
        job = self._requeue(job, forgive=True)
        if job.identity != before:
            # Somebody may be writing them: the worker sees whether they are the same after as long as files settle.
            self._dispatcher.delay(job.id, self._settings.settle_stable_seconds)
        return job

    def _requeue(self, job: Job, *, forgive: bool) -> Job:
        """Queue a job again, or let it wait for its files or for a person."""
        waits = not self._store.keys(job.id).settled and job.state in (JobState.PAUSED, JobState.ROOT_OFFLINE)
        gap = None
        if not waits and job.attempt == 0:
            gap = gap_problem(job.request, wanted_frames(job.request, job.shot)[1])
        if gap is not None and job.state is JobState.NEEDS_ATTENTION:
            return self._changed(self._store.update(job.id, problem=gap))
        if forgive:
            self._store.update(job.id, faults=0)
            self._dispatcher.forgive(job.id)
        state = JobState.WAITING_INPUT if waits else JobState.QUEUED
        job = self._store.update(job.id, state=state, settled=not waits, problem=None, finished_at=None)
        if gap is not None:
            job = self._store.update(job.id, state=JobState.NEEDS_ATTENTION, problem=gap)
        return self._changed(job)

    def _end(self, job_id: str, state: JobState) -> Job:
        """Cancel or pause: the state changes at once and for good, the worker follows within a frame."""
        with self._lock:
            job = self._store.get(job_id)
            if job.state is state:
                return job
            over = utc_now() if state is JobState.CANCELLED else None
            job = self._changed(self._store.update(job_id, state=state, eta_seconds=None, finished_at=over))
            self._dispatcher.stop_shot(job_id)
            return job

    def _changed(self, job: Job) -> Job:
        """Let the status file follow, and the dispatcher look."""
        if self._status is not None:
            self._status.update(job.output.parent)
        if job.state is JobState.QUEUED:
            self._dispatcher.wake()
        return job
