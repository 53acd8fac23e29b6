"""Reads an artist's mattes and clean plates: a still for all frames, or the picture of each frame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.errors import BadInput, PlateMismatch, PlateMissing
from service.plates.encodings import as_float
from service.plates.sequences import linear_color
from service.plates.stills import Limits, read_still
from service.plates.tagged import choose_still_encoding
from service.shots import Shot, shot_from_plate

Floats = NDArray[np.float32]

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2


def matte_path(source: Path, frame: int) -> Path:
    """Return the file that holds ``frame`` of a matte: a picture for all frames, or one of a folder or pattern.

    Raises PlateMissing when it is not there, BadInput when ``source`` is a movie or ambiguous.
    """
    if os.path.isfile(source) and source.suffix:
        shot = shot_from_plate(source)
    else:
        shot = _sequence(str(source), _modified(source))
    if shot.kind == "movie":
        raise BadInput(f"{source.name} is a movie; a matte must be pictures.", fix="Export it as a PNG sequence.")
    if shot.kind == "still":
        return shot.frame_path(shot.frames[0])
    path = shot.frame_path(frame)
    if frame not in shot.frames and not path.is_file():
        raise PlateMissing(f"{shot.pattern} has no such frame.", fix="Render the matte for all frames.", frame=frame)
    return path


def read_matte(source: Path, frame: int, width: int, height: int, *, within: Sequence[Path] = ()) -> Floats:
    """Read a hint, garbage or core matte as float32 (height, width); values as stored, 0 to 1 for integers.

    A picture whose alpha is 1 everywhere, or that has none, is read by its luminance (equal R, G, B: exactly that
    value); any other by its alpha. ``within``: folders of which one must hold the file, links followed; of none, all
    are fine. Raises PlateMissing, PlateUnreadable, and PlateMismatch for another size.
    """
    path = matte_path(source, frame)
    return _matte(str(path), _modified(path), width, height, tuple(within)).copy()


def read_clean_plate(
    source: Path, frame: int, encoding: str, width: int, height: int, *, within: Sequence[Path] = ()
) -> Floats:
    """Read a clean plate as float32 (height, width, 3), scene-linear Rec.709.

    ``encoding`` is the plate's, as resolved, or `auto`. Raises as `read_matte` does.
    """
    path = matte_path(source, frame)
    return _clean_plate(str(path), _modified(path), encoding, width, height, tuple(within)).copy()


# A still is read once for all frames of a shot, unless it changes on disk.


@lru_cache(maxsize=4)
def _matte(path: str, _changed: int, width: int, height: int, within: tuple[Path, ...]) -> Floats:
    stored = read_still(Path(path), None, Limits(), with_alpha=True, within=within)
    _check_size(path, stored.color.shape, width, height)
    if stored.alpha is not None:
        alpha = as_float(stored.alpha)
        if np.any(alpha != 1):
            return np.ascontiguousarray(alpha)
    color = as_float(stored.color)
    if np.array_equal(color[..., 0], color[..., 1]) and np.array_equal(color[..., 0], color[..., 2]):
        return np.ascontiguousarray(color[..., 0])
    luminance: Floats = color @ _LUMINANCE
    return luminance


@lru_cache(maxsize=2)
def _clean_plate(path: str, _changed: int, encoding: str, width: int, height: int, within: tuple[Path, ...]) -> Floats:
    stored = read_still(Path(path), None, Limits(), with_alpha=False, within=within)
    _check_size(path, stored.color.shape, width, height)
    return linear_color(stored, choose_still_encoding(encoding, stored.header))


@lru_cache(maxsize=8)
def _sequence(source: str, _changed: int) -> Shot:
    return shot_from_plate(source)


def _modified(path: Path) -> int:
    """Return when a file, a folder, or the folder of a pattern changed last; 0 when it is not there."""
    for place in (path, path.parent):
        try:
            return place.stat().st_mtime_ns
        except OSError:
            continue
    return 0


def _check_size(path: str, shape: tuple[int, ...], width: int, height: int) -> None:
    if shape[:2] != (height, width):
        raise PlateMismatch(
            f"{Path(path).name} is {shape[1]} × {shape[0]} pixels; the plate is {width} × {height}.",
            fix="Render it in the plate's size.",
        )
