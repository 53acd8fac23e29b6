"""Reads the raw answers of the `neural` network: alpha as a mixture of choices, foreground, emission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying import priors
from model.keying.fill import erode
from model.network.neural import CHOICES, SOLVED_CHOICE

_NARROWED = 1.5  # power that keeps cores and the screen from following what is meant for the edges
_NEAR = 2  # pixels of the guide
_DOUBTFUL, _SURE = 0.7, 0.9  # of the guide's alpha
_FOLLOWED_SIDE = 270  # pixels; what is connected is followed at about this height
_REACH = 0.4  # of a frame's shorter side: how far something that the guide has not seen is followed
_SOLID, _SOME = 0.8, 0.1  # color difference, and alpha, along which it is followed
_OPAQUE = 0.95  # alpha from which an answer that can be wrong by a little counts as opaque
_COVERED = 0.87  # color difference alpha from which hardly any screen shows
_FROM_EDGES = 240  # of a frame's shorter side is how far inside that must be
_DECISIVE = 3.0  # power of the odds
_OPEN, _NEARLY = 0.8, 0.9  # alpha, or 1 − alpha: what is open, and what is as good as decided
_SHORT = 0.1  # by which the projection may fall short of what covers
_LEAST = 0.01  # squared distance of foreground and screen, below which no projection is possible


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


def in_the_edges(alpha: Tensor, near: Tensor, projected: Tensor, solved: Tensor) -> Tensor:
    """Return the mixture ``alpha`` (…, H, W) drawn towards what was solved and projected, where it is half-transparent.

    Where choices are hardest to make, two physical answers whose errors differ are nearer to the truth in the mean; the
    solution, which knows the core, counts twice.
    ``near`` is 1 where the subject is near, 0 elsewhere: markers and sets are solid to both, and stay what was chosen.
    """
    return torch.lerp(alpha, (projected + 2.0 * solved) / 3.0, near * (4.0 * alpha * (1.0 - alpha)) ** _NARROWED)


def decided(alpha: Tensor, difference: Tensor, projected: Tensor) -> Tensor:
    """Return alphas (N, H, W), nearer to 0 or 1 where ``difference`` (1, H, W), the classical alpha, finds no screen.

    What shows no light of the screen covers it wholly: it is subject or set, and alpha between is doubt which. Edges
    are left alone, where the color difference errs upward. In the blur of a warm color it does so far inside: where
    the first alpha is open, ``projected`` (1, H, W), which knows the foreground, must find no screen either.
    """
    first = alpha[:1]
    opened = ((_NEARLY - torch.maximum(first, 1.0 - first)) / (_NEARLY - _OPEN)).clamp(0.0, 1.0)
    difference = torch.lerp(difference, torch.minimum(difference, projected + _SHORT), opened)
    covered = ((difference - _COVERED) / (1.0 - _COVERED)).clamp(0.0, 1.0)
    inside = erode(covered, max(2, round(min(alpha.shape[-2:]) / _FROM_EDGES)))
    return alpha.lerp(_surer(alpha), inside)


def decided_by_both(alpha: Tensor, near: Tensor, difference: Tensor, solved: Tensor) -> Tensor:
    """Return ``alpha`` (1, H, W), nearer to 0 or 1 where neither ``difference`` nor ``solved`` finds any screen.

    The second solution knows the core and errs to neither side, so the two may speak up to the edge itself. Markers and
    sets are solid to both as well: only where a subject is ``near`` they count.
    """
    opaque = ((torch.minimum(difference, solved) - _OPAQUE) / (1.0 - _OPAQUE)).clamp(0.0, 1.0)
    return alpha.lerp(_surer(alpha), near * opaque)


def _surer(alpha: Tensor) -> Tensor:
    """Return alpha with its odds raised to a power: nearer to 0 or to 1, whichever it is nearer to."""
    odds = (alpha / (1.0 - alpha).clamp_min(1e-6)).pow(_DECISIVE)
    return odds / (1.0 + odds)


def near_subject(maps: Tensor, factor: int, size: Sequence[int]) -> Tensor:
    """Return where the guide's coarse alpha (B, 1, h, w), before its sigmoid, finds a subject near: (B, 1, H, W), 0–1.

    Near is two of its pixels, a thirtieth of the frame's shorter side. ``size`` is that of the frame, multiples of 8.
    """
    around = functional.max_pool2d(maps.float().sigmoid(), 2 * _NEAR + 1, stride=1, padding=_NEAR)
    eighths = on_eighths(around, factor, [(0, 0)] * len(maps), size)
    found = functional.interpolate(eighths, scale_factor=8.0, mode="bilinear", align_corners=False)
    return ((found - _DOUBTFUL) / (_SURE - _DOUBTFUL)).clamp(0.0, 1.0)


def along_the_subject(near: Tensor, difference: Tensor, alpha: Tensor) -> Tensor:
    """Return ``near`` (1, H, W) grown along what hangs on it: leaves, strands and limbs that the guide is blind to.

    The guide's lines are too coarse for a twig. Grown is where the color ``difference`` (1, H, W) finds something solid
    and the network's ``alpha`` (1, H, W) is not quite nothing: markers lie by themselves, and sets have none.
    """
    height, width = near.shape[-2:]
    factor = max(1, round(min(height, width) / _FOLLOWED_SIDE))

    def most(picture: Tensor) -> Tensor:
        return functional.max_pool2d(picture[None], factor, ceil_mode=True)

    way = (most(torch.minimum(difference / _SOLID, alpha / _SOME)) > 1.0).to(near.dtype)
    found = most(near)
    for _ in range(round(_REACH * min(height, width) / factor)):
        found = torch.maximum(found, _grown(found) * way)
    whole = functional.interpolate(_grown(found), scale_factor=float(factor), mode="bilinear", align_corners=False)
    return torch.maximum(near, whole[0, :, :height, :width])


def _grown(picture: Tensor) -> Tensor:
    return functional.max_pool2d(picture, 3, stride=1, padding=1)


def project(from_screen: Tensor, direction: Tensor) -> Tensor:
    """Return how far (N, 1, H, W), 0–1, light (N, 3, H, W) has gone from the screen in a foreground's ``direction``."""
    along = (from_screen * direction).sum(dim=1, keepdim=True)
    return (along / (direction.square().sum(dim=1, keepdim=True) + _LEAST)).clamp(0.0, 1.0)


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
