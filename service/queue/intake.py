"""What a wish becomes: the job that stands for it already, or the next version. The queue's lock is held."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from service.errors import PlateChanged, PlateMissing, ShotGone, WrongState
from service.jobs import Job, JobState
from service.shots import Shot, unique_name
from service.store import JobKeys, JobStore
from service.store.store import utc_now
from service.versions import Wish, any_unchanged, next_version, version_folder, wanted_frames

UNSTARTED = frozenset({JobState.WAITING_INPUT, JobState.QUEUED, JobState.NEEDS_ATTENTION, JobState.PAUSED})


class Intake:
    """Matches wishes with the jobs of one store; ``changed`` hears of each job, ``again`` retries one."""

    def __init__(self, store: JobStore, changed: Callable[[Job], Job], again: Callable[[Job, Wish], Job]) -> None:
        self._store = store
        self._changed = changed
        self._again = again

    def same_job(self, wish: Wish) -> Job | None:
        """Return the job that already stands for this wish."""
        if wish.request.key_again:
            return None
        known = self._store.with_identity(wish.identity)
        if known is not None and not vanished(known):
            return known
        # The shot as it was before more of it arrived: same place, same recipe, nothing keyed yet.
        for job, keys in self._store.with_shot(wish.key):
            if _untouched(job) and keys.recipe == wish.recipe and root_of(job) == wish.root:
                return job
        return None

    def meet(self, job: Job, wish: Wish, *, settled: bool) -> Job:
        """Bring the job that was there before in line with the wish."""
        if _untouched(job):
            fresh = settled and not self._store.keys(job.id).settled
            opened = wish.request.accept_gaps and job.state is JobState.NEEDS_ATTENTION
            anew = fresh or opened or job.state is JobState.CANCELLED or job.identity != wish.identity
            return self.adopt(job, wish, settled=settled) if anew else job
        if settled and job.state in (JobState.FAILED, JobState.CANCELLED):
            return self._again(job, wish)
        return job

    def add(self, wish: Wish, *, settled: bool) -> Job:
        """Make the wish a job of its own."""
        shot = self._named(wish)
        place = wish.root / shot.name
        at_place = self._store.at_place(place)
        version = next_version(place, (job.version for job, _ in at_place))
        earlier = self._reusable(wish, at_place)
        now = utc_now()
        state = JobState.WAITING_INPUT if not settled else JobState.NEEDS_ATTENTION if wish.gap else JobState.QUEUED
        job = Job(
            id=uuid.uuid4().hex,
            request=wish.request,
            shot=shot,
            mattes=wish.mattes,
            identity=wish.identity,
            state=state,
            priority=wish.request.priority,
            version=version,
            output=version_folder(place, version),
            reuse=earlier.output if earlier else None,
            frames=wish.frames,
            problem=wish.gap if settled else None,
            created_at=now,
            updated_at=now,
        )
        return self._changed(
            self._store.add(job, JobKeys(wish.key, wish.recipe, str(place), settled, content=wish.content))
        )

    def adopt(self, job: Job, wish: Wish, *, settled: bool = True) -> Job:
        """Give a job that was never started the plate as it is now."""
        place = job.output.parent
        earlier = self._reusable(wish, self._store.at_place(place))
        state = job.state
        if settled and state is not JobState.PAUSED:
            state = JobState.NEEDS_ATTENTION if wish.gap else JobState.QUEUED
        elif not settled and state in (JobState.QUEUED, JobState.CANCELLED):
            state = JobState.WAITING_INPUT  # its plates are being written anew, or come back
        # From one state of rest into the same one, with a new reason, is no transition.
        return self._changed(
            self._store.update(
                job.id,
                state=state,
                request=wish.request,
                shot=wish.shot.model_copy(update={"name": job.shot.name}),
                mattes=wish.mattes,
                identity=wish.identity,
                recipe=wish.recipe,
                content=wish.content,
                frames=wish.frames,
                settled=settled,
                priority=wish.request.priority,
                reuse=earlier.output if earlier else None,
                screen=None,
                finished_at=None,
                problem=wish.gap if settled else None,
            )
        )

    def take_anew(self, job: Job, wish: Wish) -> Job:
        """Bring a job that is to be tried again up to the plates as they are now; the one that it was, where they are.

        Raises WrongState where another version is made of them.
        """
        if wish.identity == job.identity:
            return self._store.update(job.id, content=wish.content)
        for other, keys in self._store.at_place(job.output.parent):
            newer = other.version > job.version or other.identity == wish.identity
            if other.id == job.id or keys.shot_key != wish.key or keys.recipe != wish.recipe or not newer:
                continue
            if other.state not in (JobState.FAILED, JobState.CANCELLED) and not vanished(other):
                raise WrongState(
                    f"Its plates were written anew, and v{other.version:03d} has come of them.",
                    fix=f"Take v{other.version:03d}; to key the plates as they are now once more, submit the shot "
                    "with key_again.",
                )
        frames = wish.frames or job.frames  # of a whole movie, a worker has counted them
        return self._store.update(
            job.id, identity=wish.identity, content=wish.content, shot=wish.shot, frames=frames, recipe=wish.recipe
        )

    def _named(self, wish: Wish) -> Shot:
        """Keep shots of the same name from different folders apart, and a shot in the folder that it has."""
        for job, _ in self._store.with_shot(wish.key):
            if root_of(job) == wish.root:
                return wish.shot.model_copy(update={"name": job.shot.name})
        taken: set[str] = set()
        name = wish.shot.name
        while any(keys.shot_key != wish.key for _, keys in self._store.at_place(wish.root / name)):
            taken.add(name)
            name = unique_name(wish.shot.name, wish.shot.folder.name, taken)
        return wish.shot.model_copy(update={"name": name})

    def _reusable(self, wish: Wish, at_place: Sequence[tuple[Job, JobKeys]]) -> Job | None:
        """Return the earlier version whose unchanged frames can be taken over: only the plates differ."""
        if wish.request.key_again:
            return None
        for job, keys in at_place:
            if keys.recipe == wish.recipe and keys.shot_key == wish.key and job.frames_done > 0 and job.screen:
                return job if any_unchanged(wish.shot, self._store.frames(job.id)) else None
        return None


def root_of(job: Job) -> Path:
    """Return the output root that a job was given."""
    return job.output.parent.parent


def _untouched(job: Job) -> bool:
    """Tell whether nothing was made of a job yet, so that it may become one of other plates."""
    gone = job.state is JobState.CANCELLED and job.problem is not None and job.problem.kind == ShotGone.kind
    return job.attempt == 0 and (job.state in UNSTARTED or gone)


def vanished(job: Job) -> bool:
    """Tell whether somebody took the result of a finished job away: then the artist wants it anew."""
    return job.state is JobState.DONE and not (job.output / "manifest.json").is_file()


def check(unchanged: Callable[[], bool]) -> None:
    """Raise PlateChanged where the files of a shot are not ``unchanged``."""
    if not unchanged():
        raise PlateChanged("Its files changed while they were looked at.", fix="Wait until nothing writes there.")


def wish_again(job: Job) -> Wish | None:
    """Return what a job asks for with the plates as they are now, frames that have come since among them."""
    absent = wanted_frames(job.request, job.shot)[1]
    arrived = [number for number in absent if job.shot.frame_path(number).is_file()]
    shot = job.shot.model_copy(update={"frames": tuple(sorted({*job.shot.frames, *arrived}))})
    try:
        return Wish(job.request, shot, root_of(job), job.mattes)
    except PlateMissing:
        return None
