"""What the routes take and give, where it is not a Job, JobRequest or FrameResult itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.executor import WorkerState
from service.jobs import FrameResult, JobState, Problem


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class JobSummary(_Reply):
    """A job in a list: what a queue window shows, small enough that a page stays under 64 KiB."""

    id: str
    """Unique; `GET /jobs/{id}` has the rest."""

    shot: str
    """Name of the shot."""

    shot_id: str
    """Equal for all versions of a shot under one output root, however each of them was asked for."""

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
    """Why it failed or needs attention; while it waits for its files, those that do not come."""

    warnings: tuple[str, ...]
    """The first few of the manifest's sentences for the artist; `GET /jobs/{id}` has all."""

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


class RootStatus(_Reply):
    """A configured folder."""

    id: str
    """Name it by this in `POST /jobs` and `GET /browse`."""

    path: str
    """On the service's machine."""

    watched: bool
    """Whether it is a drop folder."""

    online: bool
    """Whether it is there."""

    free_bytes: int | None
    """Room on its disk."""

    problem: str | None = None
    """Why no shots are taken from this drop folder although it is there; null while they are."""


class RootList(_Reply):
    """The configured folders."""

    roots: tuple[RootStatus, ...]
    """Drop folders first."""


class Folder(_Reply):
    """A folder in a folder."""

    name: str
    """Its name."""

    path: str
    """Relative to the root, POSIX style."""


class FoundShot(_Reply):
    """A shot that lies in a folder."""

    name: str
    """Its name."""

    kind: Literal["sequence", "still", "movie"]
    """Kind of plate."""

    plate: str
    """Send this with the root's id to `POST /jobs`."""

    frames: int | None
    """How many there are; null for a movie."""

    first_frame: int | None
    """Lowest number; null for a movie."""

    last_frame: int | None
    """Highest number; null for a movie."""

    missing: int
    """How many are missing in between."""


class FolderList(_Reply):
    """What lies in a folder of a root."""

    root: str
    """Id of the root."""

    path: str
    """Relative to the root, POSIX style; empty for the root itself."""

    folders: tuple[Folder, ...]
    """By name."""

    shots: tuple[FoundShot, ...]
    """By name."""

    cut: bool
    """Whether there is more than is listed."""


class Worker(_Reply):
    """One worker."""

    name: str
    """Its number, or its name in the farm."""

    state: WorkerState
    """`waiting`: it died, and is started again after a delay. `refused`: of a farm; `problem` says why."""

    host: str | None
    """The machine that it runs on; null: the service's own."""

    device: str | None
    """cuda:0, mps or cpu, once it said so."""

    device_name: str | None
    """As the driver calls it."""

    card: str | None
    """The only CUDA card that it sees: number or UUID."""

    pid: int | None
    """Process id, on its machine."""

    shot: str | None
    """That it keys now."""

    frame: int | None
    """Which frame of it entered the keyer last."""

    drained: bool
    """True where it gets nothing new: see `POST /workers/{worker}/drain`."""

    deaths_in_a_row: int
    """Since the last finished frame."""

    problem: Problem | None
    """Why it last died, or cannot work."""

    memory_used_bytes: int | None
    """Of the machine's memory."""

    memory_total_bytes: int
    """Memory of the machine."""

    gpu_memory_used_bytes: int | None
    """Of its card's memory, where the driver tells."""

    gpu_memory_total_bytes: int | None
    """Memory of its card."""


class WorkerList(_Reply):
    """The workers."""

    workers: tuple[Worker, ...]
    """By number."""
