"""What a job is, the states it can be in, and which state may follow which. Pure: no clock, no disk, no database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from model.settings import FrameNotes, KeySettings, MatteSources, Screen
from service.errors import BadInput, DropKeyError, WrongState
from service.installation import fitting
from service.presets import PresetName
from service.shots import Shot


class JobState(StrEnum):
    """Where a job stands."""

    WAITING_INPUT = "waiting_input"  # the shot is known, its files have not settled yet
    QUEUED = "queued"  # complete, waits for a worker
    RUNNING = "running"  # a worker keys it
    PAUSED = "paused"  # stopped between two frames, keeps its finished frames
    ROOT_OFFLINE = "root_offline"  # the folder or share of its plate or output is away
    NEEDS_ATTENTION = "needs_attention"  # finished with holes, or a person must decide
    DONE = "done"  # every frame is there (or its holes were accepted)
    FAILED = "failed"  # nothing useful came out; the error says why
    CANCELLED = "cancelled"  # somebody asked to stop


_S = JobState
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.WAITING_INPUT: frozenset({_S.QUEUED, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.NEEDS_ATTENTION, _S.ROOT_OFFLINE}),
    # Back to waiting: its plates are written anew before its turn came.
    _S.QUEUED: frozenset(
        {_S.RUNNING, _S.WAITING_INPUT, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.NEEDS_ATTENTION, _S.ROOT_OFFLINE}
    ),
    _S.RUNNING: frozenset(
        {_S.DONE, _S.QUEUED, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.NEEDS_ATTENTION, _S.ROOT_OFFLINE}
    ),
    _S.PAUSED: frozenset({_S.QUEUED, _S.WAITING_INPUT, _S.CANCELLED}),
    _S.ROOT_OFFLINE: frozenset({_S.QUEUED, _S.WAITING_INPUT, _S.CANCELLED, _S.FAILED}),
    _S.NEEDS_ATTENTION: frozenset({_S.QUEUED, _S.DONE, _S.CANCELLED}),
    _S.DONE: frozenset(),
    _S.FAILED: frozenset({_S.QUEUED}),
    # Back to waiting: its files had gone away, and come again.
    _S.CANCELLED: frozenset({_S.QUEUED, _S.WAITING_INPUT, _S.NEEDS_ATTENTION}),
}

FINAL = frozenset({_S.DONE, _S.FAILED, _S.CANCELLED})
RESTING = FINAL | {_S.NEEDS_ATTENTION, _S.PAUSED}  # nothing more happens until somebody acts


def check_transition(current: JobState, following: JobState) -> None:
    """Raise WrongState unless ``following`` may come after ``current``."""
    if following not in TRANSITIONS[current]:
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing"
        raise WrongState(f"A job that is {current} cannot become {following}.", fix=f"It can become: {allowed}.")


class FrameState(StrEnum):
    """Where one frame of a job stands."""

    WAITING = "waiting"  # not keyed yet
    DONE = "done"  # written, checksum known
    FAILED = "failed"  # could not be keyed; the reason says why


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Problem(_Frozen):
    """An error as data: what failed, where, and what to do."""

    kind: str
    """Machine-readable kind, from service.errors."""

    message: str
    """What failed and why."""

    fix: str = ""
    """What to do about it."""

    frame: int | None = None
    """The frame it happened on, where it was one."""

    @classmethod
    def of(cls, error: DropKeyError) -> Self:
        """Return ``error`` as data, in words that fit this installation: it is read on the page, and in files."""
        fix = fitting(error.fix, anywhere=True)
        return cls(kind=error.kind, message=error.message, fix=fix, frame=error.frame)


def error_from(problem: Problem) -> DropKeyError:
    """Return the error that ``problem`` was made of, of its own class where its kind names one."""
    known: list[type[DropKeyError]] = [DropKeyError]
    for kind in known:
        known.extend(kind.__subclasses__())
        if kind.kind == problem.kind:
            return kind(problem.message, fix=problem.fix, frame=problem.frame)
    return BadInput(problem.message, fix=problem.fix, frame=problem.frame)


class FrameResult(_Frozen):
    """What became of one frame."""

    frame: int
    """Frame number, the plate's."""

    state: FrameState
    """waiting, done or failed."""

    checksums: dict[str, str] = {}
    """Pass → xxh3-128 of the written file, hexadecimal."""

    plate_fingerprint: str | None = None
    """Identifies the plate file that this frame was keyed from."""

    matte_fingerprint: str | None = None
    """Identifies the matte files that were used with it; null where there were none."""

    around_fingerprint: str | None = None
    """Identifies the plates around it that were heard when it was keyed; null where none were."""

    notes: FrameNotes | None = None
    """What keying it came upon."""

    problem: Problem | None = None
    """Why it failed."""


class JobRequest(_Frozen):
    """What somebody asks for: the body of `POST /jobs`, of a sidecar and of a job file."""

    plate: Annotated[str, Field(min_length=1, max_length=4096)]
    """Folder, pattern (`shot.####.exr`), picture or movie; absolute, or relative to `root`."""

    root: str | None = None
    """Id of a configured root that `plate` is relative to."""

    frames: Annotated[str, Field(max_length=2000)] | None = None
    """Frames to key, for example `1001-1100`; unset: all that are there."""

    first_frame: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)] | None = None
    """Number of a movie's first frame; unset: 1."""

    fps: Annotated[str, Field(pattern=r"^([1-9]\d{0,8}(/[1-9]\d{0,8}|\.\d{1,6})?|0\.\d{0,5}[1-9])$")] | None = None
    """Frame rate, `24`, `23.976` or `24000/1001`; unset: the plate's own, where it says."""

    pixel_aspect: Annotated[float, Field(ge=0.01, le=100.0)] | None = None
    """Width of a pixel over its height, for the header of the EXRs; unset: the plate's own, where it says, else 1."""

    encoded_like: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...], Field(max_length=8)] = ()
    """Files whose own tags say how the plate is encoded where `encoding` is `auto`: for a plate that was rendered from
    them without any conversion of color, as After Effects renders in a project without working space."""

    preset: PresetName | None = None
    """Name of a preset that counts where `settings` say nothing of their own; they are told with it filled in."""

    settings: KeySettings = KeySettings()
    """All choices about the key."""

    mattes: MatteSources = MatteSources()
    """Hint, clean plate, garbage and core mattes."""

    output: Annotated[str, Field(max_length=4096)] | None = None
    """Output root; unset: the service's."""

    priority: Annotated[int, Field(ge=0, le=100)] = 50
    """Higher is sooner."""

    client: Annotated[str, Field(max_length=200)] | None = None
    """Who asks; jobs can be listed by it."""

    key_again: bool = False
    """Make a new version even though the same plate was keyed with the same settings."""

    accept_gaps: bool = False
    """Key the frames that are there although some in between are missing."""


class Job(_Frozen):
    """A shot on its way through the queue; the answer of `GET /jobs/{id}` and the content of `status.json`."""

    id: str
    """Unique, 32 hexadecimal digits."""

    request: JobRequest
    """What was asked for, paths as the asker wrote them."""

    shot: Shot
    """The plate, resolved on this machine."""

    mattes: MatteSources = MatteSources()
    """Hint, clean plate, garbage and core mattes, resolved on this machine."""

    identity: str
    """Hash of shot, plate fingerprint, frames, settings and mattes: equal for the same job however it arrives."""

    state: JobState
    """Where it stands."""

    priority: int
    """Higher is sooner."""

    version: int
    """1 for `v001`."""

    output: Path
    """Absolute version folder, for example `<output root>/<shot>/v001`."""

    reuse: Path | None = None
    """Earlier version folder whose unchanged frames are taken over."""

    frames: tuple[int, ...]
    """Frames to key; empty for a whole movie until a worker has counted its pictures."""

    frames_done: int = 0
    """How many are finished."""

    frames_failed: int = 0
    """How many failed for good."""

    frames_per_second: float | None = None
    """Current rate while running; afterwards of the whole run."""

    eta_seconds: float | None = None
    """Estimated seconds to the end, while running."""

    screen: Screen | None = None
    """What the survey found."""

    problem: Problem | None = None
    """Why it failed or needs attention; while it waits for its files, those that do not come."""

    warnings: tuple[str, ...] = ()
    """The manifest's sentences for the artist, of the latest attempt that came to an end."""

    attempt: int = 0
    """How often a worker started on it."""

    manifest: Path | None = None
    """The manifest, once there is one."""

    created_at: datetime
    """UTC."""

    started_at: datetime | None = None
    """UTC, of the latest attempt."""

    finished_at: datetime | None = None
    """UTC."""

    updated_at: datetime
    """UTC."""
