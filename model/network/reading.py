"""Reads the raw answers of the `neural` network: alpha as a mixture of choices, foreground, emission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying import priors
from model.keying.refinements import project
from model.network.neural import CHOICES, SOLVED_CHOICE

_NEAR, _INSIDE = 2, 1  # pixels of a coarse alpha


@dataclass(frozen=True)
class Reading:
    """What the network says of (B, …, H, W) pixels; light is hue-rotated and in units of `model.keying.priors`."""

    alpha: Tensor  # (B, 1, H, W), 0–1
    unsolved: Tensor  # (B, 1, H, W), the same mixture with the color difference in place of the solved alpha
    own: Tensor  # (B, 1, H, W), the alpha that owes nothing to a classical key
    choices: Tensor  # (B, CHOICES, H, W), the alphas that were mixed
    projected: Tensor  # (B, 1, H, W), the plate projected on the line from screen to foreground
    foreground: Tensor  # (B, 3, H, W), straight, without screen light
    emission: Tensor  # (B, 3, H, W), light that no coverage carries


def read(raw: Tensor, features: Tensor) -> Reading:
    """Return the reading of raw answers (B, ANSWERS, H, W) to features (B, 18, H, W)."""
    raw = raw.float()
    weights = raw[:, :CHOICES].softmax(dim=1)
    own = raw[:, CHOICES : CHOICES + 1].sigmoid()
    color, glowing = raw[:, CHOICES + 1 : CHOICES + 4], raw[:, CHOICES + 4 :]
    foreground = priors.expand((features[:, priors.CONTINUED] + color).clamp(-6.0, 6.0))
    from_screen = priors.expand(features[:, priors.FROM_SCREEN])
    screen = priors.expand(features[:, priors.LIGHT]) - from_screen
    projected = project(from_screen, foreground - screen)
    plain, solved = priors.plain_difference(features[:, priors.DIFFERENCE]), features[:, priors.SOLVED]
    choices = torch.cat((torch.zeros_like(own), torch.ones_like(own), plain, solved, projected, own), dim=1)
    alpha = (weights * choices).sum(dim=1, keepdim=True)
    unsolved = alpha + weights[:, SOLVED_CHOICE : SOLVED_CHOICE + 1] * (plain - solved)
    emission = glowing.sigmoid() * from_screen.clamp_min(0.0)
    return Reading(alpha, unsolved, own, choices, projected, foreground, emission)


def around(coarse: Tensor, factor: int, size: Sequence[int]) -> Tensor:
    """Return how much subject there is around each pixel, at most and at least: (B, 2, H, W), 0–1.

    ``coarse`` (B, 1, h, w) is a coarse alpha; a pixel of it covers ``factor`` × ``factor`` of the frame of ``size``.
    Around is two of its pixels at most, a thirtieth of the frame's shorter side, and one at least.
    """
    coarse = coarse.float()
    pooled = torch.cat((_most(coarse, _NEAR), -_most(-coarse, _INSIDE)), dim=1)
    padded = [-(-side // 8) * 8 for side in size]
    eighths = on_eighths(pooled, factor, [(0, 0)] * len(coarse), padded)
    found = functional.interpolate(eighths, scale_factor=8.0, mode="bilinear", align_corners=False)
    return found[..., : size[0], : size[1]]


def _most(coarse: Tensor, reach: int) -> Tensor:
    """Return the maximum over a square of (2·reach + 1)² pixels; beyond its border a picture goes on as it ends."""
    return functional.max_pool2d(functional.pad(coarse, (reach,) * 4, mode="replicate"), 2 * reach + 1, stride=1)


def on_eighths(maps: Tensor, factor: int, corners: Sequence[tuple[int, int]], size: Sequence[int]) -> Tensor:
    """Return the guide's maps (B, C, h, w) upon the eighths of a window each: (B, C, size[0] / 8, size[1] / 8).

    A map's pixel covers ``factor`` × ``factor`` pixels of the frame; a window of ``size`` begins at its (top, left).
    """
    begin = torch.tensor(corners, dtype=torch.float32, device=maps.device)

    def places(axis: int) -> Tensor:
        centers = torch.arange(size[axis] // 8, device=maps.device) * 8.0 + 4.0 + begin[:, axis, None]
        return centers * (2.0 / (factor * maps.shape[2 + axis])) - 1.0

    rows, columns = places(0)[:, :, None], places(1)[:, None, :]
    grid = torch.stack((columns.expand(-1, size[0] // 8, -1), rows.expand(-1, -1, size[1] // 8)), dim=-1)
    return functional.grid_sample(maps.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def guide_factor(height: int, width: int, lines: int) -> int:
    """Return by how much a frame is reduced for the guide, so that its shorter side has about ``lines``."""
    return max(1, round(min(height, width) / lines))
