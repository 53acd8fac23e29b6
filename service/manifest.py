"""The result of a job as the panel reads it: a versioned schema, written last, paths relative to the file."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model.settings import Association, KeySettings, MatteSources, Screen
from service.jobs import FrameResult, Problem

SCHEMA_VERSION = 1


class ManifestState(StrEnum):
    """How far the result is."""

    RUNNING = "running"  # frames are still being added
    INCOMPLETE = "incomplete"  # finished, but frames are missing: see their reasons
    DONE = "done"  # complete; the only state in which a result exists
    STOPPED = "stopped"  # cancelled or paused between two frames
    FAILED = "failed"  # nothing useful came out


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Pass(_Frozen):
    """One output sequence."""

    name: Literal["foreground", "alpha", "preview"]
    """What it shows."""

    folder: str
    """Relative to the manifest, POSIX style."""

    pattern: str
    """File names, fileseq style: `shot_foreground.####.exr`."""

    channels: tuple[str, ...]
    """Channel names, in order."""

    compression: str
    """EXR compression."""


class KeyerInfo(_Frozen):
    """What keyed the shot."""

    name: str
    """Keyer name."""

    weights: str | None = None
    """Identifies its weights."""

    device: str
    """cuda, mps or cpu."""

    dropkey: str
    """DropKey's version."""


class PlateInfo(_Frozen):
    """What was keyed."""

    path: str
    """Folder and pattern, or file, as the asker wrote it."""

    kind: Literal["sequence", "still", "movie"]
    """Kind of plate."""

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    encoding: str
    """The encoding that was used, resolved: never `auto`."""

    encoding_reason: str
    """Why that one: asked for, a tag in the file, or the file type's default."""


class Manifest(_Frozen):
    """`manifest.json`."""

    schema_version: Literal[1] = 1
    """Version of this schema."""

    state: ManifestState
    """`done` is the only state in which a result exists."""

    job_id: str | None = None
    """The job, where a service ran it."""

    shot: str
    """Name of the shot."""

    version: int
    """1 for `v001`."""

    plate: PlateInfo
    """What was keyed."""

    first_frame: int
    """First frame of the range."""

    last_frame: int
    """Last frame of the range."""

    padding: int
    """Digits of the frame numbers."""

    fps: str | None
    """Frames per second as a fraction, `24000/1001`; null when unknown, never guessed."""

    pixel_aspect_ratio: float
    """Width of a pixel by its height."""

    color_space: Literal["scene-linear Rec.709 D65"] = "scene-linear Rec.709 D65"
    """Of foreground and alpha."""

    association: Association
    """Whether the foreground's RGB is multiplied by alpha."""

    screen: Screen | None
    """What the survey found."""

    keyer: KeyerInfo
    """What keyed the shot."""

    settings: KeySettings
    """All choices about the key."""

    mattes: MatteSources
    """Helpers that were given."""

    passes: tuple[Pass, ...]
    """One entry per output sequence."""

    frames: tuple[FrameResult, ...]
    """Per-frame state, checksums, notes and reasons."""

    warnings: tuple[str, ...] = ()
    """Sentences for the artist."""

    problem: Problem | None = None
    """Why the shot failed or is incomplete."""

    accepted: bool = False
    """True when a person accepted the listed holes."""
