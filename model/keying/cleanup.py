"""Repairs NaN and infinite pixels from their valid neighbours, and counts them."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import fill


def repair_nonfinite(plate: Tensor) -> tuple[Tensor, int]:
    """Return the plate (3, H, W) with every pixel finite, and how many pixels were repaired.

    A pixel with any NaN or infinite channel is replaced as a whole, by interpolation from valid pixels around it; a
    plate without one valid pixel becomes black. A sound plate is returned as it is, not copied.
    """
    valid = torch.isfinite(plate).all(dim=0, keepdim=True)
    broken = int((~valid).sum())
    if broken == 0:
        return plate, 0
    known = torch.where(valid, plate, torch.zeros_like(plate))
    return torch.where(valid, plate, fill(known, valid.to(plate.dtype))), broken
