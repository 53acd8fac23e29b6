"""The subject's own color in half-transparent pixels: the inverse of compositing."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import fill

_UNSURE, _SURE = 0.03, 0.25  # alpha between which the division by alpha gains its full say


def unmix(plate: Tensor, clean_plate: Tensor, alpha: Tensor) -> Tensor:
    """Return straight foreground (3, H, W): the plate's own pixels where alpha is 1, 0 where alpha is 0.

    Between, (plate − (1 − alpha)·clean plate) / alpha; towards alpha 0, where that would blow up noise, the colors of
    the surely opaque pixels continued outward. Values above 1 survive; a channel goes below 0 only as far as the
    plate itself does.
    """
    if bool(((alpha <= 0) | (alpha >= 1)).all()):
        return torch.where(alpha >= 1, plate, torch.zeros_like(plate))
    solved = (plate - (1.0 - alpha) * clean_plate) / alpha.clamp_min(_UNSURE)
    solved = torch.maximum(solved, plate.clamp_max(0.0))
    trust = ((alpha - _UNSURE) / (_SURE - _UNSURE)).clamp(0.0, 1.0)
    continued = fill(solved, trust.square())
    foreground = torch.lerp(continued, solved, trust)
    return torch.where(alpha >= 1, plate, torch.where(alpha > 0, foreground, torch.zeros_like(plate)))
