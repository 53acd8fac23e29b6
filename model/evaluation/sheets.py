"""Turns one result into display pictures to look at, small or in full size: plate, alpha, foreground, error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.evaluation.hulls import Hull
from model.evaluation.metrics import display
from model.evaluation.results import Sheet
from model.evaluation.sets import Picture, shrink

LONGEST = 400
GREY = 0.18


def make_sheet(name: str, plate: Picture, alpha: Picture, foreground: Picture, truth: Picture | None) -> Sheet:
    """Shrink and encode one result; the error picture is red where alpha is too high and blue where it is too low."""
    factor = -(-max(alpha.shape) // LONGEST)
    over_grey = foreground * alpha[..., None] + GREY * (1.0 - alpha[..., None])
    error = None if truth is None else _flat(_signed(shrink(alpha - truth, factor)))
    grey = np.repeat(shrink(alpha, factor)[..., None], 3, axis=-1)
    return Sheet(
        name, _flat(display(shrink(plate, factor))), _flat(grey), _flat(display(shrink(over_grey, factor))), error
    )


def full_sheet(
    plate: Picture, alpha: Picture, foreground: Picture, truth: Picture | None = None, hull: Hull | None = None
) -> NDArray[np.uint8]:
    """Lay plate, alpha, foreground on grey, and what is wrong beside each other in full size: (H, W, 3).

    Wrong is red where alpha is too high and blue where it is too low: by the truth, else where a hull counts it.
    Without either there are three. Wide pictures stand in two rows, tall ones in one.
    """
    solid = alpha[..., None]
    tiles = [display(plate), np.repeat(solid, 3, axis=-1), display(foreground * solid + GREY * (1.0 - solid))]
    if truth is not None:
        tiles.append(_signed(alpha - truth))
    elif hull is not None:
        grey = np.repeat(0.5 * display(plate.mean(axis=-1, keepdims=True)), 3, axis=-1)
        residue, holes = hull.wrong(alpha)
        grey[residue], grey[holes] = (1.0, 0.15, 0.1), (0.2, 0.4, 1.0)
        tiles.append(grey)
    flat = [_flat(tile) for tile in tiles]
    if plate.shape[0] >= plate.shape[1] or len(flat) < 4:
        return np.concatenate(flat, axis=1)
    return np.concatenate([np.concatenate(flat[:2], axis=1), np.concatenate(flat[2:], axis=1)])


def _signed(difference: Picture) -> NDArray[np.floating]:
    stronger = np.sqrt(np.abs(difference))
    high, low = np.where(difference > 0, stronger, 0.0), np.where(difference < 0, stronger, 0.0)
    return np.stack([high, np.zeros_like(high), low], axis=-1)


def _flat(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(np.nan_to_num(picture), 0.0, 1.0) * 255.0).astype(np.uint8))
