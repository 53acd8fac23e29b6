"""What an untuned first click gives every peer: a key color taken from the border, and a trimap made from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.evaluation.sets import Picture

BORDER = 0.05
SURE_SCREEN = 0.15
SURE_SUBJECT = 0.95
UNKNOWN_PIXELS = 4


def key_color(plate: Picture) -> NDArray[np.float32]:
    """Median color (3,) of the frame's border, 5 % of the shorter side wide, the lower border left out.

    People stand on the lower border; the median of the other three is screen on most plates.
    """
    width = max(1, round(BORDER * min(plate.shape[:2])))
    border = (plate[:width], plate[width:, :width], plate[width:, -width:])
    return np.asarray(np.median(np.concatenate([part.reshape(-1, 3) for part in border]), axis=0), dtype=np.float32)


def color_difference(plate: Picture, key: NDArray[np.float32]) -> Picture:
    """1 − (a pixel's excess of the key's primary / the key's own), clipped to 0–1: the simplest alpha."""
    primary = int(key.argmax())
    others = [channel for channel in range(3) if channel != primary]
    excess = max(float(key[primary] - key[others].max()), 1e-6)
    alpha = 1.0 - (plate[..., primary] - plate[..., others].max(axis=-1)) / excess
    return np.asarray(np.clip(alpha, 0.0, 1.0))


def trimap(plate: Picture, key: NDArray[np.float32]) -> NDArray[np.float64]:
    """0 where the simplest alpha is under 0.15, 1 where it is over 0.95, both eroded by 4 pixels; 0.5 elsewhere."""
    alpha = ndimage.gaussian_filter(color_difference(plate, key), 0.7)
    size = 2 * UNKNOWN_PIXELS + 1
    highest = ndimage.maximum_filter(alpha, size)
    lowest = ndimage.minimum_filter(alpha, size)
    return np.where(highest < SURE_SCREEN, 0.0, np.where(lowest > SURE_SUBJECT, 1.0, 0.5))
