"""All that service and worker may say to each other: one JSON object a line, over the worker's stdin and stdout."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from model.settings import FrameNotes, KeySettings, MatteSources, Screen
from service.jobs import FrameResult, Problem
from service.shots import Shot

View = Literal["grey", "alpha", "foreground", "plate"]  # of a preview, as a picture
Role = Literal["whole", "look", "part", "gather", "tidy"]
"""What an order is of a shot: all of it, or one of the steps in which several workers key it together. `look` finds the
screen and what is finished already, and keys nothing; each `part` keys some frames in a folder of its own; `gather`
moves them to their places, keys what is missing, and writes the manifest; `tidy` does so too, but keys nothing."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShotOrder(_Message):
    """Everything the pipeline needs to key a shot; paths are this machine's, mattes and settings are final."""

    shot: Shot
    frames: tuple[int, ...]  # to key, ascending; empty for a movie: all of it
    settings: KeySettings
    output: Path  # version folder, absolute; it is there
    output_within: tuple[Path, ...] = ()  # real folders that no link may lead out of; none: links are fine
    version: int = 1
    fps: str | None = None  # overrides the plate's own rate
    pixel_aspect: float | None = None  # overrides the plate's own
    mattes: MatteSources = MatteSources()
    screen: Screen | None = (
        None  # that the whole shot uses; unset: as before where its plates are the same, else survey
    )
    reuse: Path | None = None  # earlier version folder whose unchanged frames are taken over
    accept_gaps: bool = False
    given_up: tuple[FrameResult, ...] = ()  # of `frames`, not to be keyed: each killed a worker twice
    careful: bool = False  # after a worker died: one frame at a time, so that the one that kills is known
    role: Role = "whole"
    job_id: str | None = None  # that the manifest is to name; unset: the one under which the order came
    surveyed: dict[int, str] = {}  # of `screen`: the frames that it was found in, with their plates' fingerprints
    content: str | None = (
        None  # of the plates that this version is of, as `content_of` says it; unset: those that are there
    )
    plates: dict[int, str] = {}  # fingerprints that the plates had when the shot was looked at: they are held to these
    known: tuple[FrameResult, ...] = ()  # what parts made of their frames in this attempt; not looked at again
    warned: tuple[str, ...] = ()  # sentences for the artist that the look at the shot brought

    @property
    def fps_fraction(self) -> Fraction | None:
        """The frame rate as an exact fraction."""
        return Fraction(self.fps) if self.fps else None


class PreviewOrder(_Message):
    """One frame to be keyed now, whole or reduced, into pictures and floats; the shot's result is not touched."""

    shot: Shot
    frame: int
    frames: tuple[int, ...]  # of the job that it previews: the screen is surveyed in these; empty for a movie: all
    settings: KeySettings
    mattes: MatteSources = MatteSources()
    screen: Screen | None = None  # from a job of the same shot; unset: survey
    longest_side: int | None = None  # pixels at most; unset: as large as the plate
    folder: Path  # where the pictures go, absolute
    views: tuple[View, ...] = get_args(View)  # which, as PNG
    floats: bool = False  # the result as float EXR too, laid out as in a version folder


# ---- from service to worker


class KeyShot(_Message):
    """Key this shot; frames that are finished in the output folder already are kept."""

    type: Literal["key_shot"] = "key_shot"
    job_id: str
    attempt: int
    order: ShotOrder


class StopShot(_Message):
    """Stop between two frames; what is finished stays."""

    type: Literal["stop_shot"] = "stop_shot"
    job_id: str


class MakePreview(_Message):
    """Key one frame as soon as the frame at hand is done; an idle worker does it at once."""

    type: Literal["make_preview"] = "make_preview"
    preview_id: str
    order: PreviewOrder


class Shutdown(_Message):
    """Finish the frame at hand and exit. A closed stdin means the same, at once."""

    type: Literal["shutdown"] = "shutdown"


# ---- from worker to service


class WorkerReady(_Message):
    """The keyer is loaded."""

    type: Literal["worker_ready"] = "worker_ready"
    pid: int
    device: str  # cuda:0, mps or cpu
    device_name: str


class ShotStarted(_Message):
    """The survey is done; `kept` frames were finished before."""

    type: Literal["shot_started"] = "shot_started"
    job_id: str
    attempt: int
    screen: Screen
    frames: tuple[int, ...]  # all frames of the order; a movie's are only known now
    kept: tuple[FrameResult, ...]
    surveyed: dict[int, str] = {}  # frames that the screen was found in, with their plates' fingerprints
    plates: dict[int, str] = {}  # of all frames that are there; only after a look


class FrameStarted(_Message):
    """A frame enters the keyer: the poison-frame detector needs to know which one killed the worker."""

    type: Literal["frame_started"] = "frame_started"
    job_id: str
    attempt: int
    frame: int


class FrameFinished(_Message):
    """A frame is on disk, or failed for good."""

    type: Literal["frame_finished"] = "frame_finished"
    job_id: str
    attempt: int
    result: FrameResult
    read_seconds: float = 0.0
    key_seconds: float = 0.0
    write_seconds: float = 0.0


class ShotFinished(_Message):
    """The pipeline is through: `done`, `incomplete` (frames failed) or `stopped` (between two frames)."""

    type: Literal["shot_finished"] = "shot_finished"
    job_id: str
    attempt: int
    outcome: Literal["done", "incomplete", "stopped"]
    manifest: Path
    warnings: tuple[str, ...] = ()  # the manifest's


class ShotFailed(_Message):
    """The shot as a whole cannot be keyed, or not now."""

    type: Literal["shot_failed"] = "shot_failed"
    job_id: str
    attempt: int
    problem: Problem
    transient: bool  # true: worth another attempt later


class PreviewMade(_Message):
    """What was ordered of a preview lies in its folder."""

    type: Literal["preview_made"] = "preview_made"
    preview_id: str
    width: int
    height: int
    seconds: float
    inferred: bool  # false: the raw answer of an earlier preview was finished with other settings
    screen: Screen
    notes: FrameNotes


class PreviewFailed(_Message):
    """The frame cannot be keyed."""

    type: Literal["preview_failed"] = "preview_failed"
    preview_id: str
    problem: Problem


class WorkerFailed(_Message):
    """The worker cannot work at all (no keyer, no device)."""

    type: Literal["worker_failed"] = "worker_failed"
    problem: Problem


ToWorker = Annotated[KeyShot | StopShot | MakePreview | Shutdown, Field(discriminator="type")]
FromWorker = Annotated[
    WorkerReady
    | ShotStarted
    | FrameStarted
    | FrameFinished
    | ShotFinished
    | ShotFailed
    | PreviewMade
    | PreviewFailed
    | WorkerFailed,
    Field(discriminator="type"),
]
to_worker: TypeAdapter[ToWorker] = TypeAdapter(ToWorker)
from_worker: TypeAdapter[FromWorker] = TypeAdapter(FromWorker)
