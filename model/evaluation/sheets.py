"""Turns one result into small display pictures to look at: plate, alpha, foreground on grey, error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def _signed(difference: Picture) -> NDArray[np.floating]:
    stronger = np.sqrt(np.abs(difference))
    high, low = np.where(difference > 0, stronger, 0.0), np.where(difference < 0, stronger, 0.0)
    return np.stack([high, np.zeros_like(high), low], axis=-1)


def _flat(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(np.nan_to_num(picture), 0.0, 1.0) * 255.0).astype(np.uint8))
