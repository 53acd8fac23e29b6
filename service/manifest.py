"""The result of a job as the panel reads it: a versioned schema, written last, paths relative to the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from model.settings import Association, KeySettings, MatteSources, Screen
from service.atomic import replace_file
from service.errors import BadInput, NotFound, WrongState
from service.jobs import FrameResult, Problem
from service.quality import ShotQuality

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
    """File names with a `#` for each digit of the frame number: `shot_foreground.####.exr`."""

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
    """Folder and pattern, or file; relative to the manifest, POSIX style (absolute where it is on another drive)."""

    kind: Literal["sequence", "still", "movie"]
    """Kind of plate."""

    width: int | None
    """Pixels; null when the plate could not be opened."""

    height: int | None
    """Pixels; null when the plate could not be opened."""

    encoding: str | None
    """The encoding that was used, resolved: never `auto`; null when the plate could not be opened."""

    encoding_reason: str | None
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

    first_frame: int | None
    """First frame of the range; null while a movie's pictures are not counted."""

    last_frame: int | None
    """Last frame of the range; null while a movie's pictures are not counted."""

    padding: int
    """Digits of the frame numbers."""

    fps: str | None
    """Frames per second as a fraction, `24000/1001`; null when unknown, never guessed."""

    pixel_aspect_ratio: float
    """Width of a pixel by its height."""

    color_space: str = "scene-linear Rec.709 D65"
    """Of the foreground and its layers, by OpenColorIO's name where it is another."""

    association: Association
    """Whether the foreground's RGB is multiplied by alpha."""

    screen: Screen | None
    """What the survey found."""

    surveyed: dict[int, str] = {}
    """Frames that the screen was found in, with their plates' fingerprints: it holds as long as they are the same."""

    keyer: KeyerInfo
    """What keyed the shot."""

    settings: KeySettings
    """All choices about the key."""

    mattes: MatteSources
    """Helpers that were given; paths relative to the manifest, as above."""

    passes: tuple[Pass, ...]
    """One entry per output sequence."""

    frames: tuple[FrameResult, ...]
    """Per-frame state, checksums, notes and reasons."""

    warnings: tuple[str, ...] = ()
    """Sentences for the artist."""

    quality: ShotQuality | None = None
    """What is usual in the shot and which frames stand out; null while it runs, or where nothing was measured."""

    problem: Problem | None = None
    """Why the shot failed or is incomplete."""

    accepted: bool = False
    """True when a person accepted the listed holes."""


def write_manifest(path: Path, manifest: Manifest, *, within: Sequence[Path] = ()) -> None:
    """Put ``manifest`` in its place in one step.

    ``within`` and what is raised: as for `replace_file`; an earlier manifest stays whole then.
    """
    replace_file(path, (manifest.model_dump_json(indent=1) + "\n").encode(), within=within)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises NotFound when there is none, BadInput when it is damaged or of a newer DropKey."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no manifest {path}.", fix="Key the shot first.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The manifest {path} cannot be read: {error}.", fix="Key the shot again.") from error
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadInput(f"The manifest {path} is damaged: {error}.", fix="Key the shot again.") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BadInput(
            f"The manifest {path} is of a newer DropKey: its schema is {version}, known is {SCHEMA_VERSION}.",
            fix="Update DropKey on this machine.",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"The manifest {path} is damaged: {place}: {first['msg']}.", fix="Key the shot again."
        ) from error


def accept_holes(path: Path, *, within: Sequence[Path] = ()) -> Manifest:
    """Make an incomplete result `done` with its listed holes, as somebody decided; returns the new manifest.

    Raises WrongState unless it is incomplete (accepting twice changes nothing).
    """
    manifest = read_manifest(path)
    if manifest.state is ManifestState.DONE and manifest.accepted:
        return manifest
    if manifest.state is not ManifestState.INCOMPLETE:
        raise WrongState(
            f"A result that is {manifest.state} has no holes to accept.", fix="Only an incomplete one can be accepted."
        )
    accepted = manifest.model_copy(update={"state": ManifestState.DONE, "accepted": True})
    write_manifest(path, accepted, within=within)
    return accepted
