"""Shapes the edges of a finished matte in parts of a pixel, and continues the foreground's color beyond them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.fill import dilate, enlarge, erode, fill, reduce

_FLAT = 1.0 / 4096.0  # what changes less than this within reach is no edge
_POLE = math.sqrt(3.0) - 2.0  # of the cubic B-spline's inverse
_TAIL = 9  # pixels: beyond it the inverse is below 1e-5
_BLOCK = 8  # pixels
_COARSE = 2  # as many times smaller, what lies beyond an edge is worked out
_KNOWN, _WELL_KNOWN = 0.25, 0.5  # alpha between which an edge's color gains its say in what lies beyond


def choked(alpha: Tensor, pixels: float) -> Tensor:
    """Return alpha (1, H, W) with its edges moved inward by ``pixels``, outward where that is negative; 0: itself.

    Each pixel takes the least value so near along the slope of the matte, to either side, or the largest: grey
    morphology (Serra 1982) with a segment across the edge. Between pixels alpha is a cubic spline
    (Unser, Aldroubi and Eden 1993), held within its four neighbours, so that core and screen do not ring.
    """
    if pixels == 0.0:
        return alpha
    window = _Window(alpha, math.ceil(abs(pixels)) + 1)
    if window.empty:
        return alpha
    spline = _coefficients(window.alpha)
    pick = torch.minimum if pixels > 0.0 else torch.maximum
    count = math.ceil(abs(pixels))  # a hair is thinner than what lies between both ends
    found = window.own
    for number in range(1, count + 1):
        for step in (pixels * number / count, -pixels * number / count):
            found = pick(found, _spline(spline, window.alpha, *window.along(step)))
    return window.put(alpha, found)


def softened(alpha: Tensor, width: float) -> Tensor:
    """Return alpha (1, H, W) with its edges softened: a hard one becomes a ramp ``width`` pixels wide; 0: itself.

    The mean is taken along the slope of the matte, weighed by a raised cosine: core and screen farther from the edge
    than half the width keep their bits, and an edge stays as sharp along itself as it was.
    """
    if width == 0.0:
        return alpha
    half = width / 2.0
    window = _Window(alpha, math.ceil(half) + 1)
    if window.empty:
        return alpha
    count = math.ceil(half)
    steps = [half * step / (count + 1) for step in range(-count, count + 1)]
    weights = [1.0 + math.cos(math.pi * step / half) for step in steps]
    change = torch.zeros_like(window.own)
    for step, weight in zip(steps, weights, strict=True):
        change += (weight / sum(weights)) * (_linear(window.alpha, *window.along(step)) - window.own)
    return window.put(alpha, window.own + change)


def extended(foreground: Tensor, alpha: Tensor, pixels: float) -> Tensor:
    """Return straight foreground (3, H, W) with its color continued ``pixels`` beyond where ``alpha`` ends; 0: itself.

    What has an alpha keeps its bits.
    """
    reach = math.ceil(pixels)
    if reach == 0 or not bool((alpha > 0.0).any()):
        return foreground
    known = ((alpha - _KNOWN) / (_WELL_KNOWN - _KNOWN)).clamp(0.0, 1.0)
    if not bool((known > 0.0).any()):
        known = alpha
    beyond = (dilate((alpha > 0.0).to(alpha), reach) > 0.0) & (alpha <= 0.0)
    top, bottom, left, right = _box(beyond[0], reach + 1)
    there = (slice(None), slice(top, bottom), slice(left, right))
    continued = foreground.clone()
    color, weight = foreground[there], known[there]
    small = reduce(weight, _COARSE)
    mean = reduce(color * weight, _COARSE) / small.clamp_min(1e-6)
    filled = enlarge(fill(mean, (4.0 * small).clamp_max(1.0)), color.shape[-2:], _COARSE)
    continued[there] = torch.where(beyond[there], filled, color)
    return continued


class _Window:
    """The pixels of a matte that an edge is within reach of, and the direction across it at each."""

    def __init__(self, alpha: Tensor, reach: int) -> None:
        blocks = _changing(alpha, reach)
        self.empty = not bool(blocks.any())
        if self.empty:
            return
        rough = enlarge(blocks.to(alpha), alpha.shape[-2:], _BLOCK, smooth=False) > 0.0
        top, bottom, left, right = _box(rough[0], reach + 1)
        self._there = (slice(None), slice(top, bottom), slice(left, right))
        self.alpha = alpha[self._there].contiguous()
        slopes = _slopes(self.alpha)
        near = dilate((slopes.abs().amax(dim=0, keepdim=True) > _FLAT).to(alpha), reach)
        self._where = near.flatten().nonzero()[:, 0]
        self.own = self.alpha.flatten()[self._where]
        width = self.alpha.shape[-1]
        self._x = (self._where % width).to(alpha)
        self._y = (self._where // width).to(alpha)
        self._right, self._down = _across(slopes, reach, self._where)

    def along(self, step: float) -> tuple[Tensor, Tensor]:
        """Return the places (N,) that lie ``step`` pixels away across the edge."""
        height, width = self.alpha.shape[-2:]
        return (
            (self._x + step * self._right).clamp(0.0, width - 1.0),
            (self._y + step * self._down).clamp(0.0, height - 1.0),
        )

    def put(self, alpha: Tensor, values: Tensor) -> Tensor:
        """Return the matte with other ``values`` (N,) at these pixels."""
        shaped = alpha.clone()
        part = self.alpha.flatten().clone()
        part[self._where] = values.clamp(0.0, 1.0)
        shaped[self._there] = part.view_as(self.alpha)
        return shaped


def _changing(alpha: Tensor, reach: int) -> Tensor:
    """Return in which blocks (1, h, w) of a matte a pixel has an edge within ``reach``; some more may be among them."""
    most = functional.max_pool2d(alpha[None], _BLOCK, ceil_mode=True)[0]
    least = -functional.max_pool2d(-alpha[None], _BLOCK, ceil_mode=True)[0]
    around = math.ceil(reach / _BLOCK)
    return dilate(most, around) - erode(least, around) > _FLAT


def _box(mask: Tensor, margin: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is true in (H, W), with a margin."""
    height, width = mask.shape
    rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
    if rows.numel() == 0:
        return 0, 0, 0, 0
    top, bottom = max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + 1 + margin)
    left, right = max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + 1 + margin)
    return top, bottom, left, right


def _slopes(alpha: Tensor) -> Tensor:
    """Return how a matte rises to the right and downward: (2, H, W)."""
    wide = functional.pad(alpha[None], (1, 1, 1, 1), mode="replicate")[0]
    right = wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2]
    return torch.cat((right, wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1])) / 2.0


def _across(slopes: Tensor, reach: int, where: Tensor) -> tuple[Tensor, Tensor]:
    """Return the unit vectors (N,) along which a matte changes most around each pixel, x and y.

    They are the main axes of the structure tensor (Förstner and Gülch 1987): an axis has no sign, so that the middle of
    a hair has one too.
    """
    tensor = torch.stack(((slopes[0] - slopes[1]) * (slopes[0] + slopes[1]), 2.0 * slopes[0] * slopes[1]))
    taps = [1.0] * (reach + 1)
    smooth = _weighed(_weighed(tensor, taps).mT.contiguous(), taps).mT.flatten(1)[:, where]
    angle = torch.atan2(smooth[1], smooth[0]) / 2.0
    return angle.cos(), angle.sin()


def _coefficients(alpha: Tensor) -> Tensor:
    """Return the coefficients (1, H, W) of the cubic B-spline through the pixels of a matte."""
    taps = [_POLE**tap for tap in range(_TAIL + 1)]
    whole = taps[0] + 2.0 * sum(taps[1:])
    taps = [tap / whole for tap in taps]
    return _weighed(_weighed(alpha, taps).mT.contiguous(), taps).mT.contiguous()


def _weighed(planes: Tensor, taps: list[float]) -> Tensor:
    """Return planes (C, H, W) convolved along their rows; ``taps`` are the middle one and those to either side.

    Sums of shifted planes: a tenth of what a convolution of one channel takes on a CPU.
    """
    reach, width = len(taps) - 1, planes.shape[-1]
    wide = functional.pad(planes[None], (reach, reach, 0, 0), mode="replicate")[0]
    total = wide[..., reach : reach + width] * taps[0]
    for tap in range(1, reach + 1):
        sides = wide[..., reach - tap : reach - tap + width] + wide[..., reach + tap : reach + tap + width]
        total.add_(sides, alpha=taps[tap])
    return total


def _spline(spline: Tensor, alpha: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the spline at places (N,), held between the pixels around each."""
    height, width = alpha.shape[-2:]
    left, top = x.floor().clamp(0, max(width - 2, 0)), y.floor().clamp(0, max(height - 2, 0))
    across, down = _cubic(x - left), _cubic(y - top)
    wide = functional.pad(spline[None], (1, 2, 1, 2), mode="replicate")[0].flatten()
    first = top.long() * (width + 3) + left.long()
    value = torch.zeros_like(x)
    for row in range(4):
        line = torch.zeros_like(x)
        for column in range(4):
            line.addcmul_(across[column], wide.take(first + (row * (width + 3) + column)))
        value.addcmul_(down[row], line)
    corners = _corners(alpha, left.long(), top.long())
    return torch.minimum(torch.maximum(value, corners.amin(dim=0)), corners.amax(dim=0))


def _linear(alpha: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return alpha between its pixels at places (N,)."""
    height, width = alpha.shape[-2:]
    left, top = x.floor().clamp(0, max(width - 2, 0)), y.floor().clamp(0, max(height - 2, 0))
    corners = _corners(alpha, left.long(), top.long())
    upper = torch.lerp(corners[0], corners[1], x - left)
    return torch.lerp(upper, torch.lerp(corners[2], corners[3], x - left), y - top)


def _corners(alpha: Tensor, left: Tensor, top: Tensor) -> Tensor:
    """Return the four pixels (4, N) from each place to the right and downward."""
    height, width = alpha.shape[-2:]
    right, below = (left + 1).clamp_max(width - 1), (top + 1).clamp_max(height - 1)
    return torch.stack([alpha.take(row * width + column) for row in (top, below) for column in (left, right)])


def _cubic(part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the weights of four neighbours, ``part`` of a pixel beyond the second: the uniform cubic B-spline."""
    rest = 1.0 - part
    square, rest_square = part.square(), rest.square()
    return (
        rest_square * rest / 6.0,
        2.0 / 3.0 - square * (2.0 - part) / 2.0,
        2.0 / 3.0 - rest_square * (2.0 - rest) / 2.0,
        square * part / 6.0,
    )
