"""Shadows that the subjects throw on what stands behind them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.blur import gaussian, shift
from model.data.config import DataConfig
from model.data.lighting import rgb
from model.data.seeding import Draw
from model.data.truth import ALPHA
from model.data.view import View

_DARKEST = 0.92  # share of its light that a place in the shadow of all lamps lacks at most


def shadowed(draw: Draw, config: DataConfig, view: View, stack: Tensor, background: Tensor) -> Tensor:
    """Return the background (T, 3, H, W) with the shadow of a stack (T, 11, H, W) of subjects.

    Mostly it is their own shape, moved and softened; with chance ``config.lamps`` each of one to three lamps throws one
    that begins at the subject's foot, leans away from the lamp and grows softer on the way. With chance
    ``config.contact_shadow``, the floor is dark where the subject stands on it.
    """
    touching = draw.child("contact")
    if touching.chance(config.contact_shadow):
        background = background * (1 - _contact(touching, view, stack[:, ALPHA]))
    if not draw.chance(config.shadow):
        return background
    lamps = draw.child("lamps")
    if lamps.chance(config.lamps):
        return _of_lamps(lamps, config, view, stack[:, ALPHA], background)
    strength, softness = draw.uniform(*config.shadow_strength), draw.log_uniform(0.006, 0.06)
    reach = min(draw.log_uniform(0.01, 0.2) / view.pixel, 0.4 * min(view.height, view.width))
    heading = draw.uniform(-0.3, math.pi + 0.3) - view.angle
    still = torch.zeros(1, 1, 1, device=view.device)
    moved = shift(stack[:, ALPHA], still - reach * math.cos(heading), still - reach * math.sin(heading))
    shadow = gaussian(moved, min(softness / view.pixel, 0.12 * view.width))
    return background * (1 - strength * shadow)


def _contact(draw: Draw, view: View, alpha: Tensor) -> Tensor:
    """Return the share (T, 1, H, W) of its light that the floor lacks around the foot of what stands on it."""
    foot = _foot(alpha)
    row = torch.arange(view.height, device=view.device).view(1, 1, -1, 1)
    lowest = foot[:, 1].view(-1, 1, 1, 1)
    stands = lowest < view.height  # otherwise the border cuts it, or there is none
    low = alpha * (row > lowest - draw.uniform(0.05, 0.15) * view.height) * stands
    flat = torch.diag(torch.tensor([draw.uniform(1.0, 1.3), draw.uniform(0.15, 0.5)], device=view.device))
    moved = _leaning(low, flat, foot, (0.0, draw.uniform(-0.01, 0.01) * view.height))
    near = draw.log_uniform(0.004, 0.012) * view.height
    dark = torch.maximum(gaussian(moved, near), 0.7 * gaussian(moved, 3 * near))
    return (draw.uniform(0.3, 0.9) * dark).clamp(max=_DARKEST)


def _of_lamps(draw: Draw, config: DataConfig, view: View, alpha: Tensor, background: Tensor) -> Tensor:
    lost = torch.zeros_like(background)
    foot = _foot(alpha)
    for index in range(draw.integer(1, 3)):
        own = draw.child(str(index))
        # The lamp's light is missing, not all of the room's: what remains leans to the colors of the others.
        tint = rgb((1 + own.normal(0.06), 1 + own.normal(0.03), 1 + own.normal(0.08)), view.device)
        lost = lost + own.uniform(*config.shadow_strength) * tint * _thrown(own, view, alpha, foot)
    return background * (1 - lost.clamp(max=_DARKEST))


def _thrown(draw: Draw, view: View, alpha: Tensor, foot: Tensor) -> Tensor:
    """Return the shadow (T, 1, H, W) that one lamp throws, 1 where all of its light is missing."""
    heading = draw.uniform(-math.pi - 0.5, 0.5)  # where upright things lean: mostly up the wall, or along the floor
    length, breadth = draw.log_uniform(0.5, 1.6), draw.uniform(0.85, 1.35)
    lean = torch.tensor(
        [[breadth, -length * math.cos(heading)], [0.0, -length * math.sin(heading)]], device=view.device
    )
    if abs(float(torch.linalg.det(lean))) < 0.2:
        lean = torch.diag(torch.tensor([breadth, length], device=view.device))
    away = draw.uniform(0.0, 0.25) * view.height
    beside = draw.uniform(0, 2 * math.pi)
    moved = _leaning(alpha, lean, foot, (away * math.cos(beside), away * math.sin(beside)))
    near = draw.log_uniform(0.003, 0.03) * view.height
    far = near * draw.uniform(1.5, 5.0)
    sharp, soft = (gaussian(moved, min(sigma, 0.12 * view.width)) for sigma in (near, far))
    row = torch.arange(view.height, device=view.device).view(1, 1, -1, 1)
    distance = ((foot[:, 1].view(-1, 1, 1, 1) - row).abs() / (0.7 * view.height)).clamp(0, 1)
    return sharp + (soft - sharp) * distance


def _leaning(alpha: Tensor, lean: Tensor, foot: Tensor, away: tuple[float, float]) -> Tensor:
    """Return coverage (T, 1, H, W) laid down by the matrix ``lean`` around ``foot`` (T, 2), in pixels, and moved."""
    frames, _, height, width = alpha.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=alpha.device) + 0.5, torch.arange(width, device=alpha.device) + 0.5, indexing="ij"
    )
    here = torch.stack((x - away[0], y - away[1]), dim=-1) - foot.view(frames, 1, 1, 2)
    there = here @ torch.linalg.inv(lean).T + foot.view(frames, 1, 1, 2)
    grid = there * torch.tensor((2 / width, 2 / height), device=alpha.device) - 1
    return functional.grid_sample(alpha, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _foot(alpha: Tensor) -> Tensor:
    """Return where the subjects stand (T, 2), x and y in pixels: the middle of the lowest covered row."""
    frames, _, height, width = alpha.shape
    solid = (alpha[:, 0] > 0.5).float()
    rows = torch.arange(1, height + 1, device=alpha.device)
    lowest = (solid.amax(2) * rows).amax(1)  # (T,), 0 where nothing is covered
    line = solid[torch.arange(frames, device=alpha.device), (lowest.long() - 1).clamp(min=0)]
    columns = torch.arange(width, device=alpha.device) + 0.5
    middle = (line * columns).sum(1) / line.sum(1).clamp(min=1.0)
    return torch.stack((torch.where(lowest > 0, middle, width / 2), torch.where(lowest > 0, lowest, height)), dim=1)
