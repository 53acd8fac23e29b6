"""Errors that only some trials ask for: the hue of what shines through, highlights, and residue in a place.

As in ``model.evaluation.metrics``: alpha (H, W); colors (H, W, 3), scene-linear; plain numbers, summed in float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.floating]
Mask = NDArray[np.bool_]

GREY = 0.01
"""A color whose chroma is less than this share of its brightest channel has no hue to speak of."""


def hue_error(foreground: Picture, true_foreground: Picture, where: Mask) -> float:
    """Mean angle in degrees, 0–180, between the hues of two straight foregrounds over ``where``.

    The hue is the angle of a color around the grey axis, in linear light: atan2(√3·(G − B), 2R − G − B); red 0, yellow
    60, green 120, cyan 180, blue 240. An answer that is grey, black or not finite has lost the hue and counts as 180.
    NaN where there is nothing to measure.
    """
    if not where.any():
        return math.nan
    answer, truth = (np.asarray(color, np.float64)[where] for color in (foreground, true_foreground))
    answer = np.where(np.isfinite(answer).all(axis=-1, keepdims=True), answer, 0.0)
    across, along = _chroma(answer)
    true_across, true_along = _chroma(truth)
    apart = np.arctan2(across, along) - np.arctan2(true_across, true_along)
    apart = np.abs((apart + math.pi) % (2.0 * math.pi) - math.pi)
    lost = np.hypot(across, along) <= GREY * np.maximum(np.abs(answer).max(axis=-1), 1e-6)
    return float(np.degrees(np.where(lost, math.pi, apart)).mean())


def highlight_error(alpha: Picture, foreground: Picture, plate: Picture, where: Mask) -> float:
    """Σ |alpha · foreground − plate| / Σ |plate| over ``where``: 0 where opaque light is the plate's own.

    NaN where there is nothing to measure.
    """
    light = (np.asarray(alpha, np.float64)[..., None] * np.asarray(foreground, np.float64))[where]
    own = np.asarray(plate, np.float64)[where]
    return float(np.abs(light - own).sum() / np.abs(own).sum()) if own.size else math.nan


def residue(alpha: Picture, where: Mask) -> float:
    """Mean alpha over ``where``, which the truth calls empty; NaN where there is nothing to measure."""
    return float(np.asarray(alpha, np.float64)[where].mean()) if where.any() else math.nan


def _chroma(color: Picture) -> tuple[Picture, Picture]:
    """The two parts of a color (N, 3) that are not grey, in its own units: towards red, and across that."""
    red, green, blue = color[:, 0], color[:, 1], color[:, 2]
    return math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0
