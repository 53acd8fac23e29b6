"""The subject's own color in half-transparent pixels, the inverse of compositing; and light without coverage."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import fill

_UNSURE, _SURE = 0.03, 0.25  # alpha between which the division by alpha gains its full say
GLOW_ALPHA = 1.0 / 512.0
"""Least alpha of pixels that carry light without coverage."""


def unmix(plate: Tensor, clean_plate: Tensor, alpha: Tensor, expected: Tensor | None = None) -> Tensor:
    """Return straight foreground (3, H, W): the plate's own pixels where alpha is 1, 0 where alpha is 0.

    Between, (plate − (1 − alpha)·clean plate) / alpha; towards alpha 0, where that would blow up noise, the colors that
    are ``expected`` (3, H, W) there, or else those of the surely opaque pixels continued outward. Values above 1
    survive; a channel goes below 0 only as far as the plate itself does.
    """
    if bool(((alpha <= 0) | (alpha >= 1)).all()):
        return torch.where(alpha >= 1, plate, torch.zeros_like(plate))
    solved = (plate - (1.0 - alpha) * clean_plate) / alpha.clamp_min(_UNSURE)
    solved = torch.maximum(solved, plate.clamp_max(0.0))
    trust = seen_share(alpha)
    thin = fill(solved, trust.square()) if expected is None else expected
    foreground = torch.lerp(thin, solved, trust)
    return torch.where(alpha >= 1, plate, torch.where(alpha > 0, foreground, torch.zeros_like(plate)))


def seen_share(alpha: Tensor) -> Tensor:
    """Return, 0–1, how far a pixel's color is its own, and not continued from others."""
    return ((alpha - _UNSURE) / (_SURE - _UNSURE)).clamp(0.0, 1.0)


def with_emission(foreground: Tensor, alpha: Tensor, emission: Tensor) -> tuple[Tensor, Tensor]:
    """Return straight foreground and alpha that carry light without coverage (3, H, W) where alpha is thin.

    Straight color cannot hold light where alpha is 0, so alpha is at least ``GLOW_ALPHA`` there: premultiplied, that
    is the light itself over a background which is as good as untouched. Thicker alpha was unmixed with its light.
    """
    thin = 1.0 - seen_share(alpha)
    light = emission * thin
    glowing = light.amax(dim=0, keepdim=True) > 0
    carrying = torch.where(glowing, alpha.clamp_min(GLOW_ALPHA), alpha)
    carried = (foreground * alpha + light) / carrying.clamp_min(GLOW_ALPHA)
    return torch.where(glowing, carried, foreground), carrying
