"""What the rest of DropKey sees of a plate: its format, and one picture at a time in scene-linear Rec.709."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from service.plates.levels import Levels


@dataclass(frozen=True)
class PlateFormat:
    """What all frames of a plate share."""

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    fps: Fraction | None
    """Frames per second as the file says; None when it does not."""

    pixel_aspect_ratio: float
    """Width of a pixel by its height."""

    encoding: str
    """How the pixels were decoded: an alias or a name of the OpenColorIO config, never `auto`."""

    encoding_reason: str
    """Asked for, a tag in the file, or the default of the file type."""

    frames: tuple[int, ...]
    """Frame numbers, ascending; a movie's are counted."""

    warnings: tuple[str, ...] = ()
    """What the file asks for and does not get, in sentences for the artist."""

    lost_frames: tuple[int, ...] = ()
    """Frames after those, which a movie cut short should have; one where nobody knows how many."""


@dataclass(frozen=True)
class Picture:
    """One frame."""

    color: NDArray[np.float32]
    """(H, W, 3), scene-linear Rec.709 D65, unclamped; NaN and infinities as the file has them."""

    alpha: NDArray[np.float32] | None
    """(H, W), the plate's own alpha, where there is one and the settings ask for it."""

    notes: tuple[str, ...] = ()
    """What is odd about this frame, in sentences for the artist."""

    levels: Levels | None = None
    """What its levels are like, where they were looked at."""

    empty: float | None = None
    """Share of its own alpha that is 0, where it was looked at; None without an alpha."""
