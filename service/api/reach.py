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
        beyond = self.beyond(job.shot, job.mattes, job.output)
        if beyond is not None:
            raise self.refusal(job.shot.name, beyond)
        return job.model_copy(update={"shot": self.confined(job.shot, request)})

    def confined(self, shot: Shot, request: Request) -> Shot:
        """Return ``shot`` with its files held to the folders that the caller may read."""
        if request.state.trusted:
            return shot
        return shot.model_copy(update={"confined_to": self._paths.confinement(trusted=False)})

    def beyond(self, shot: Shot, mattes: MatteSources, output: Path | None = None) -> Path | None:
        """Return a folder outside the roots that is read or written for a shot; ``output`` is its version's folder."""
        mattes_at = [Path(path) for path in matte_pictures(mattes).values()]
        named = [(shot.folder, shot.folder), *((path, path.parent) for path in mattes_at)]
        if output is not None:
            named.append((output, output.parent.parent))
        return next((folder for path, folder in named if not self._paths.holds(path)), None)

    def refusal(self, shot: str, beyond: Path) -> PathRefused:
        """Return what is said of a shot that has files in a folder beyond the roots."""
        if self._paths.locate(beyond) is not None:
            fix = f"'{beyond}' is or holds a link: put the files themselves there, or set follow_links in dropkey.toml"
        else:
            fix = f"Add '{beyond}' to extra_roots in dropkey.toml"
        return PathRefused(
            f"'{shot}' has files outside the folders that this request may use.",
            fix=f"{fix} and start the service anew; or ask with the token on the service's machine.",
            shot=shot,
        )
