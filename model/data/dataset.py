"""The layout of a set of shots with known answers on disk: writing it, reading it back, and checking it.

``<set>/<shot>/shot.json`` describes the shot; beside it lie the folders ``plate``, ``foreground``, ``alpha``,
``background``, ``clean_plate`` and, where there is light without coverage or screen light, ``emission`` and ``spill``.
Each holds ``<folder>.<frame, four digits>.exr``: float32, scene-linear Rec.709, alpha as one gray picture.
Any renderer can fill it. This module knows no picture format: callers hand it the reader and the writer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.data.truth import ShotBatch

Picture = NDArray[np.float32]
ReadPicture = Callable[[Path], Picture]  # path → (H, W, 3) float32, scene-linear
WritePicture = Callable[[Path, Picture], None]
Part = Literal["plate", "foreground", "alpha", "background", "clean_plate", "emission", "spill"]
REQUIRED: tuple[Part, ...] = ("plate", "foreground", "alpha", "background", "clean_plate")
OPTIONAL: tuple[Part, ...] = ("emission", "spill")
DESCRIPTION = "shot.json"


class ShotDescription(BaseModel):
    """What ``shot.json`` says of a shot."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    """Version of this layout."""

    name: str
    """The shot's name, equal to its folder's."""

    generator: str
    """What made it: `procedural`, `blender`, `houdini`, …"""

    width: int = Field(gt=0)
    """Width of every picture in pixels."""

    height: int = Field(gt=0)
    """Height of every picture in pixels."""

    first_frame: int = Field(default=1, ge=0)
    """Number of the first frame."""

    frames: int = Field(gt=0)
    """How many frames there are, without gaps."""

    optional_parts: tuple[Part, ...] = ()
    """Which of `emission` and `spill` are present."""

    noiseless: bool = False
    """Whether the plate is free of camera faults, so that the parts must recompose to it."""

    recompose_tolerance: float = Field(default=1e-4, ge=0)
    """Largest difference between a noiseless plate and its recomposition. Rendered shots need about 0.03: the wall
    receives shadow and bounce of the subject."""

    recipe: dict[str, Any] = Field(default_factory=dict)
    """How it was made: seed, settings, versions."""


def picture_path(shot: Path, part: Part, frame: int) -> Path:
    """Return where a part's picture of one frame lies in the folder of a shot."""
    return shot / part / f"{part}.{frame:04d}.exr"


def write_shots(
    folder: Path, batch: ShotBatch, write: WritePicture, *, noiseless: bool = False, generator: str = "procedural"
) -> list[Path]:
    """Write each shot of the batch into ``folder`` and return their folders; ``shot.json`` comes last.

    A folder without ``shot.json`` is unfinished and no reader takes it for a shot.
    """
    shots = []
    for index, recipe in enumerate(batch.recipes):
        name = f"{generator}_{recipe['seed']}"
        shot = folder / name
        for part in (*REQUIRED, *OPTIONAL):
            (shot / part).mkdir(parents=True, exist_ok=True)
            for frame in range(batch.frames):
                pixels = getattr(batch, part)[index * batch.frames + frame].expand(3, -1, -1)
                picture = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
                write(picture_path(shot, part, frame + 1), picture)
        description = ShotDescription(
            name=name,
            generator=generator,
            width=batch.plate.shape[-1],
            height=batch.plate.shape[-2],
            frames=batch.frames,
            optional_parts=OPTIONAL,
            noiseless=noiseless,
            recipe=recipe,
        )
        write_description(shot, description)
        shots.append(shot)
    return shots


def write_description(shot: Path, description: ShotDescription) -> None:
    """Write ``shot.json``, which makes the folder a finished shot."""
    temporary = shot / f".{DESCRIPTION}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(description.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, shot / DESCRIPTION)


def read_description(shot: Path) -> ShotDescription:
    """Return what a shot's ``shot.json`` says. Raises OSError or ValueError (pydantic's ValidationError is one)."""
    return ShotDescription.model_validate_json((shot / DESCRIPTION).read_text(encoding="utf-8"))


def find_shots(folder: Path) -> list[Path]:
    """Return the folders of finished shots below ``folder``, by name."""
    return sorted(path.parent for path in folder.rglob(DESCRIPTION))


def read_shot(shot: Path, read: ReadPicture) -> ShotBatch:
    """Return a shot as one batch; parts that are not on disk are 0."""
    description = read_description(shot)
    numbers = range(description.first_frame, description.first_frame + description.frames)
    parts: dict[str, torch.Tensor] = {}
    for part in REQUIRED + OPTIONAL:
        if part in OPTIONAL and part not in description.optional_parts:
            parts[part] = torch.zeros_like(parts["plate"])
            continue
        pictures = [torch.from_numpy(read(picture_path(shot, part, n))).permute(2, 0, 1) for n in numbers]
        stacked = torch.stack(pictures).to(torch.float32).contiguous()
        parts[part] = stacked[:, :1].contiguous() if part == "alpha" else stacked
    return ShotBatch(**parts, recipes=[description.recipe], frames=description.frames)


def check(folder: Path, read: ReadPicture) -> Iterator[str]:
    """Yield one sentence for each fault of the shots below ``folder``; nothing when all is well."""
    shots, unfinished = find_shots(folder), _unfinished(folder)
    if not shots and not unfinished:
        yield f"{folder}: holds no shot. A shot is a folder with a {DESCRIPTION}."
    for shot in unfinished:
        yield f"{shot}: holds pictures of a shot but no {DESCRIPTION}, which comes last. Make it anew, or delete it."
    for shot in shots:
        try:
            description = read_description(shot)
        except (OSError, ValueError) as error:
            yield f"{shot / DESCRIPTION}: cannot be read: {_in_one_line(error)}"
            continue
        if description.name != shot.name:
            yield f"{shot / DESCRIPTION}: names the shot '{description.name}', the folder is called '{shot.name}'."
        yield from _faults_of_frames(shot, description, read)


def _unfinished(folder: Path) -> list[Path]:
    """Return folders that hold pictures as this layout names them but no description: no reader would see them."""
    pictures = (path for part in REQUIRED + OPTIONAL for path in folder.rglob(f"{part}/{part}.*.exr"))
    return sorted({path.parents[1] for path in pictures if not (path.parents[1] / DESCRIPTION).exists()})


def _in_one_line(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    wrong = error.errors(include_url=False)
    return "; ".join(": ".join([*(str(place) for place in one["loc"]), one["msg"]]) for one in wrong)


def _faults_of_frames(shot: Path, description: ShotDescription, read: ReadPicture) -> Iterator[str]:
    parts = (*REQUIRED, *description.optional_parts)
    for frame in range(description.first_frame, description.first_frame + description.frames):
        pictures: dict[str, Picture] = {}
        for part in parts:
            path = picture_path(shot, part, frame)
            if not path.is_file():
                yield f"{path}: is missing."
                continue
            try:
                pictures[part] = read(path)
            except Exception as error:  # any reader may be given, with exceptions of its own
                yield f"{path}: cannot be read: {error}"
                continue
            yield from _faults_of_picture(path, pictures[part], description, is_alpha=part == "alpha")
        same_size = all(p.shape == (description.height, description.width, 3) for p in pictures.values())
        if len(pictures) == len(parts) and same_size:
            yield from _faults_together(shot, frame, pictures, description)


def _faults_of_picture(path: Path, picture: Picture, description: ShotDescription, *, is_alpha: bool) -> Iterator[str]:
    if picture.shape != (description.height, description.width, 3):
        yield f"{path}: is {picture.shape}, {DESCRIPTION} says {(description.height, description.width, 3)}."
    if not np.isfinite(picture).all():
        yield f"{path}: holds {int((~np.isfinite(picture)).sum())} values that are not finite."
    if is_alpha and ((picture < 0) | (picture > 1)).any():
        yield f"{path}: alpha leaves 0–1: {float(picture.min()):.4f} to {float(picture.max()):.4f}."
    if is_alpha and np.abs(picture - picture[..., :1]).max() > 1e-6:
        yield f"{path}: alpha is not gray."


def _faults_together(
    shot: Path, frame: int, pictures: dict[str, Picture], description: ShotDescription
) -> Iterator[str]:
    alpha = pictures["alpha"]
    if description.noiseless:
        composed = pictures["foreground"] * alpha + pictures["background"] * (1 - alpha)
        for part in description.optional_parts:
            composed = composed + pictures[part]
        worst = float(np.abs(composed - pictures["plate"]).max())
        if worst > description.recompose_tolerance:
            yield (
                f"{shot}, frame {frame}: the parts do not recompose to the plate (largest difference {worst:.5f}, "
                f"allowed {description.recompose_tolerance}). Is the foreground straight and everything linear?"
            )
    uncovered = np.abs(pictures["foreground"] * (alpha == 0)).max()
    if uncovered > 0:
        yield f"{shot}, frame {frame}: the foreground is {uncovered:.4f} where alpha is 0; it must be 0 there."
