"""What the routes take and give, where it is not a Job, JobRequest or FrameResult itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.jobs import FrameResult, JobState, Problem


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class JobSummary(_Reply):
    """A job in a list: what a queue window shows, small enough that a page stays under 64 KiB."""

    id: str
    """Unique; `GET /jobs/{id}` has the rest."""

    shot: str
    """Name of the shot."""

    plate: str
    """As the asker wrote it."""

    state: JobState
    """Where it stands."""

    priority: int
    """Higher is sooner."""

    version: int
    """1 for `v001`."""

    client: str | None
    """Who asked."""

    frames_total: int
    """Frames to key; 0 while a movie's pictures are not counted."""

    first_frame: int | None
    """Number of the first of them, whose picture stands for the shot; null while they are not counted."""

    frames_done: int
    """How many are finished."""

    frames_failed: int
    """How many failed for good."""

    frames_per_second: float | None
    """Rate."""

    eta_seconds: float | None
    """Estimated seconds to the end, while running."""

    problem: Problem | None
    """Why it failed or needs attention."""

    output: str
    """Version folder, in the asker's words."""

    manifest: str | None
    """The manifest, once there is one, in the asker's words."""

    created_at: datetime
    """UTC."""

    updated_at: datetime
    """UTC."""


class JobList(_Reply):
    """A page of jobs, newest first."""

    jobs: tuple[JobSummary, ...]
    """The jobs."""

    next_cursor: str | None
    """Send as `cursor` for the next page; null at the end."""


class FrameList(_Reply):
    """The frames of a job."""

    frames: tuple[FrameResult, ...]
    """Ascending."""


class JobPatch(_Reply):
    """What can be changed about a waiting or running job."""

    priority: Annotated[int, Field(ge=0, le=100)]
    """Higher is sooner."""


class Check(_Reply):
    """One thing that the service needs in order to work."""

    ok: bool
    """Whether it is there."""

    detail: str = ""
    """What was found."""


class Readiness(_Reply):
    """Whether jobs can be done now. Without the token only `ready` is told."""

    ready: bool
    """True when all checks are."""

    checks: dict[str, Check] | None = None
    """Check by name."""


class BrowserLink(_Reply):
    """A door for one browser."""

    url: str
    """Open it within an hour; it works once."""
