"""Which jobs a caller may look into and act upon: who is bound to the roots, those only that lie in them.

Lists, events and the job itself tell everybody who was let in that a job is there, because it takes its turn in the
same queue. Its pictures and its course belong to those who could have asked for it.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import Request

from model.settings import MatteSources
from service.errors import PathRefused
from service.jobs import Job
from service.paths import Paths
from service.queue import JobQueue
from service.requests import matte_pictures
from service.shots import Shot


class Reach:
    """What the callers of one service may reach."""

    def __init__(self, queue: JobQueue, paths: Paths) -> None:
        self._queue = queue
        self._paths = paths

    def job(self, job_id: str, request: Request) -> Job:
        """Return a job that the caller may look into; raises NotFound, and PathRefused for one beyond the roots.

        Its files are confined as those of the caller's own jobs are: one may have become a link since.
        """
        job = self._queue.get(job_id)
        if request.state.trusted:
            return job
        if not self.inside(job.shot, job.mattes, job.output):
            raise refusal(job.shot.name)
        return job.model_copy(update={"shot": self.confined(job.shot, request)})

    def confined(self, shot: Shot, request: Request) -> Shot:
        """Return ``shot`` with its files held to the folders that the caller may read."""
        if request.state.trusted:
            return shot
        return shot.model_copy(update={"confined_to": self._paths.confinement(trusted=False)})

    def inside(self, shot: Shot, mattes: MatteSources, output: Path | None = None) -> bool:
        """Tell whether everything that is read and written for a shot lies in the roots."""
        named = [shot.folder, *(Path(path) for path in matte_pictures(mattes).values())]
        return all(self._paths.holds(path) for path in (*named, *([output] if output is not None else [])))


def refusal(shot: str) -> PathRefused:
    """Return what is said of a shot that lies beyond the roots."""
    return PathRefused(
        f"'{shot}' has files outside the folders that this request may use.",
        fix="Ask with the token on the service's machine, or add their folder to extra_roots in dropkey.toml.",
        shot=shot,
    )
