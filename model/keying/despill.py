"""Takes away the screen's light that the subject reflects."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import box_blur, enlarge, reduce
from model.keying.screen import rotate
from model.settings import Color

_OPAQUE_POWER = 8  # of alpha: in half-transparent pixels an expected color is hardly known
_REFLECTED, _OWN = 0.05, 0.12  # shares of the screen's light: what black hair may reflect of it, and what is a color
_DARKEST = 0.02  # part of its brightest channel below which a channel of a bias color says nothing
_REC709_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709-6, table 4


def despill(
    foreground: Tensor,
    clean_plate: Tensor,
    alpha: Tensor,
    rotation: Tensor,
    *,
    angle: float,
    strength: Tensor | float = 1.0,
    restore_luminance: float = 0.0,
    own: Tensor | None = None,
    trust: float = 1.0,
    bias: Color | None = None,
    edges_only: bool = False,
    replacement: Color | None = None,
) -> Tensor:
    """Return the foreground (3, H, W) without the screen light on it; pixels without spill keep their bits.

    After the hue rotation a color has spill as far as G exceeds a limit: deep inside the subject max(R, B), so that
    yellow and cyan cloth is safe; near the screen, where spill falls, the mean of R and B. What is subtracted is
    light of the clean plate's own color, so that a bluish or yellowish screen leaves no cast. ``angle`` is that of the
    rotation in degrees: far from pure green or blue the mean would eat the warm colors of the subject itself.
    ``own`` (3, H, W) is what a keyer expects of the subject's own color: plainly the screen's hue, it is no spill,
    as far as that is to be trusted (``trust``, 0–1).

    Where a ``bias`` is given, that color counts as grey: excess is measured from it, so that it comes out in its own
    hue whatever screen light fell on it. ``edges_only`` leaves what lies deep inside the subject as it is. In place of
    the screen's light comes as much of the light of a ``replacement``, the color of the background to be.
    """
    nearness = _nearness(alpha)
    near = nearness * min(max((35.0 - _from_primary(angle)) / 15.0, 0.0), 1.0)
    rotated, screen = rotate(rotation, foreground), rotate(rotation, clean_plate)
    whole = (screen[1:2] - (screen[0:1] + screen[2:3]) / 2.0).clamp_min(1e-4)
    if bias is None:
        excess = _excess(rotated, near) / whole
    else:
        excess = _excess_over(bias, rotation, foreground, clean_plate, near)
    if own is not None:
        expected = _excess(rotate(rotation, own.clamp_min(0.0)), near) / whole
        colored = ((expected - _REFLECTED) / (_OWN - _REFLECTED)).clamp(0.0, 1.0)
        excess = (excess - trust * alpha**_OPAQUE_POWER * colored * expected).clamp_min(0.0)
    amount = excess * strength
    if edges_only:
        amount = amount * nearness
    light = torch.minimum(amount * clean_plate, foreground.clamp_min(0.0))
    if restore_luminance > 0.0:
        weights = torch.tensor(_REC709_LUMINANCE, dtype=light.dtype, device=light.device)[:, None, None]
        light = light - restore_luminance * (weights * light).sum(dim=0, keepdim=True)
    if replacement is not None:
        other = torch.tensor(replacement, dtype=light.dtype, device=light.device)[:, None, None]
        light = light - amount.clamp_max(1.0) * other
    return torch.where(amount > 0, foreground - light, foreground)


def _excess_over(bias: Color, rotation: Tensor, foreground: Tensor, clean_plate: Tensor, near: Tensor) -> Tensor:
    """Return how much of the clean plate's light leaves, once taken away, as little G as a color of that hue has."""
    color = torch.tensor(bias, dtype=rotation.dtype, device=rotation.device)[:, None, None]
    grey = rotate(rotation, color).clamp_min(_DARKEST * max(*bias, _DARKEST))
    red, green, blue = (rotate(rotation, foreground) / grey).unbind()
    behind_red, behind_green, behind_blue = (rotate(rotation, clean_plate) / grey).unbind()
    mean = green - (red + blue) / 2.0
    mean = mean / (behind_green - (behind_red + behind_blue) / 2.0).clamp_min(1e-4)
    least = torch.minimum(
        (green - red) / (behind_green - behind_red).clamp_min(1e-4),
        (green - blue) / (behind_green - behind_blue).clamp_min(1e-4),
    )
    return torch.lerp(least, mean, near).clamp_min(0.0)


def _excess(rotated: Tensor, near: Tensor) -> Tensor:
    """Return how far G exceeds its limit: the larger of R and B, or their mean where the screen is ``near``."""
    highest, mean = torch.maximum(rotated[0:1], rotated[2:3]), (rotated[0:1] + rotated[2:3]) / 2.0
    return (rotated[1:2] - torch.lerp(highest, mean, near)).clamp_min(0.0)


def _nearness(alpha: Tensor) -> Tensor:
    """1 beside the screen, 0 deep inside the subject; (1, H, W)."""
    shrink = max(1, min(alpha.shape[-2:]) // 180)
    small = reduce(1.0 - alpha, shrink)
    radius = max(2, round(min(small.shape[-2:]) / 30))
    outside = box_blur(box_blur(small, radius), radius)
    return enlarge((3.0 * outside).clamp(0.0, 1.0), alpha.shape[-2:], shrink)


def _from_primary(angle: float) -> float:
    """Degrees between the screen's hue and the nearest of pure red, green and blue."""
    return min(abs(angle - primary) for primary in (0.0, 120.0, 240.0, 360.0))
