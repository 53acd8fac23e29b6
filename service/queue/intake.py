"""What a wish becomes: the job that stands for it already, or the next version. The queue's lock is held."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from service.jobs import Job, JobState
from service.shots import Shot, unique_name
from service.store import JobKeys, JobStore
from service.store.store import utc_now
from service.versions import Wish, any_unchanged, next_version, version_folder

UNSTARTED = frozenset({JobState.WAITING_INPUT, JobState.QUEUED, JobState.NEEDS_ATTENTION, JobState.PAUSED})


class Intake:
    """Matches wishes with the jobs of one store; ``changed`` hears of each job, ``again`` retries one."""

    def __init__(self, store: JobStore, changed: Callable[[Job], Job], again: Callable[[Job], Job]) -> None:
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
            if job.attempt == 0 and job.state in UNSTARTED and keys.recipe == wish.recipe and root_of(job) == wish.root:
                return job
        return None

    def meet(self, job: Job, wish: Wish, *, settled: bool) -> Job:
        """Bring the job that was there before in line with the wish."""
        if job.attempt == 0 and job.state in UNSTARTED:
            fresh = settled and not self._store.keys(job.id).settled
            opened = wish.request.accept_gaps and job.state is JobState.NEEDS_ATTENTION
            return self.adopt(job, wish, settled=settled) if fresh or opened or job.identity != wish.identity else job
        if settled and job.state in (JobState.FAILED, JobState.CANCELLED):
            return self._again(job)
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
        return self._changed(self._store.add(job, JobKeys(wish.key, wish.recipe, str(place), settled)))

    def adopt(self, job: Job, wish: Wish, *, settled: bool = True) -> Job:
        """Give a job that was never started the plate as it is now."""
        place = job.output.parent
        earlier = self._reusable(wish, self._store.at_place(place))
        state = job.state
        if settled and state is not JobState.PAUSED:
            state = JobState.NEEDS_ATTENTION if wish.gap else JobState.QUEUED
        elif not settled and state is JobState.QUEUED:
            state = JobState.WAITING_INPUT  # its plates are being written anew
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
                frames=wish.frames,
                settled=settled,
                priority=wish.request.priority,
                reuse=earlier.output if earlier else None,
                screen=None,
                problem=wish.gap if settled else None,
            )
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


def vanished(job: Job) -> bool:
    """Tell whether somebody took the result of a finished job away: then the artist wants it anew."""
    return job.state is JobState.DONE and not (job.output / "manifest.json").is_file()
