"""Alpha from the color difference between plate and clean plate: the first estimate, everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.screen import rotate

_LEAST = 1e-4  # a clean plate with less color difference than this says nothing


def color_difference_alpha(plate: Tensor, clean_plate: Tensor, rotation: Tensor) -> Tensor:
    """Return 1 − D(plate) / D(clean plate) with D = G − max(R, B) after the hue rotation; (1, H, W), not clamped.

    Right for grey subjects, too high beside warm ones (their own D is negative), too low on green ones.
    Source: P. Vlahos, US patent 3,158,477 (1964); Smith and Blinn, "Blue Screen Matting" (1996), section 5.
    """
    whole = color_difference(rotate(rotation, clean_plate)).clamp_min(_LEAST)
    return 1.0 - color_difference(rotate(rotation, plate)) / whole


def color_difference(rotated: Tensor) -> Tensor:
    """Return D = G − max(R, B) of a hue-rotated picture (3, H, W); (1, H, W)."""
    return rotated[1:2] - torch.maximum(rotated[0:1], rotated[2:3])
