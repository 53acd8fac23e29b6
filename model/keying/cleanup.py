"""Repairs NaN, infinite and impossible pixels from their valid neighbours, and counts them."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import fill

_POSSIBLE = 1e8  # linear light: the sun is some 1e5 times a white wall; the square of more than this has lost all else


def repair_nonfinite(plate: Tensor) -> tuple[Tensor, int]:
    """Return the plate (3, H, W) with every pixel finite, and how many pixels were repaired.

    A pixel with a channel that is NaN, infinite or beyond any light (1e8) is replaced as a whole, by interpolation from
    valid pixels around it; a plate without one valid pixel becomes black. A sound plate is returned as it is, not
    copied.
    """
    valid = (plate.abs() <= _POSSIBLE).all(dim=0, keepdim=True)  # NaN is not
    broken = int((~valid).sum())
    if broken == 0:
        return plate, 0
    known = torch.where(valid, plate, torch.zeros_like(plate))
    return torch.where(valid, plate, fill(known, valid.to(plate.dtype))), broken
