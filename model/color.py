"""Transfer functions for networks that were made for display-encoded pictures."""

from __future__ import annotations

import torch
from torch import Tensor


def srgb_from_linear(light: Tensor) -> Tensor:
    """Return scene-linear light, any shape, as sRGB signal (IEC 61966-2-1), clamped to 0–1."""
    light = light.clamp(0.0, 1.0)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp_min(0.0031308) ** (1.0 / 2.4) - 0.055)


def eight_bit_srgb(light: Tensor) -> Tensor:
    """Return scene-linear light as sRGB signal in the 256 steps of an 8-bit file, still 0–1."""
    return (srgb_from_linear(light) * 255.0).round() / 255.0
