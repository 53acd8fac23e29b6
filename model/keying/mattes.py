"""Draws an artist's polygons as a matte: exact coverage of each pixel, feather and expansion by true distance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.settings import Polygon

_FINEST_RAMP = 32  # grid points across a feather: wider feathers are sampled more coarsely, then interpolated
_SNAP = 1e-9  # rounding left over by the sums below; certain inside and outside are exactly 1 and 0


def rasterize(polygons: Sequence[Polygon], width: int, height: int) -> Tensor:
    """Return the matte (1, height, width), 0–1, that ``polygons`` draw in order; on the CPU.

    ``add`` unites with what is there (a + b − a·b), ``subtract`` cuts from it (a · (1 − b)); a first shape that
    subtracts cuts from the full picture. Outlines are closed and filled by the nonzero winding rule. Without feather
    and expansion every value is the exact share of the pixel inside the outline (pixels where an outline crosses
    itself excepted). With them it follows from the distance to the outline: a smooth ramp as wide as the feather, its
    middle on the outline moved by the expansion; lines of an outline inside its own shape count as outline there.
    """
    if not polygons:
        return torch.zeros(1, height, width)
    matte = torch.full((height, width), 1.0 if polygons[0].mode == "subtract" else 0.0)
    for polygon in polygons:
        shape = _shape(polygon, width, height)
        if polygon.inverted:
            shape = 1.0 - shape
        shape = shape * polygon.opacity
        matte = matte * (1.0 - shape) if polygon.mode == "subtract" else matte + shape - matte * shape
    return matte.clamp_(0.0, 1.0)[None]


def _shape(polygon: Polygon, width: int, height: int) -> Tensor:
    points = torch.tensor(polygon.points, dtype=torch.float64)
    if polygon.feather == 0.0 and polygon.expansion == 0.0:
        return coverage(points, width, height)
    ramp = max(polygon.feather, 1.0)
    step = max(1, int(ramp) // _FINEST_RAMP)
    columns, rows = -(-width // step), -(-height // step)
    # Cells of the coarse grid are `step` pixels wide; their centers are the points to be measured.
    reach = abs(polygon.expansion) + ramp
    distance = signed_distance(points / step, columns, rows, reach / step) * step
    if step > 1:
        grown = distance[None, None]
        size = (rows * step, columns * step)
        distance = torch.nn.functional.interpolate(grown, size, mode="bilinear")[0, 0, :height, :width]
    rise = (0.5 + (distance + polygon.expansion) / ramp).clamp(0.0, 1.0)
    return rise * rise * (3.0 - 2.0 * rise)


def coverage(points: Tensor, width: int, height: int) -> Tensor:
    """Return the share of each pixel (height, width) inside the closed outline ``points`` (N, 2), float32, 0–1.

    Signed areas are summed from left to right: each piece of the outline adds its height to all pixels right of it,
    and to its own pixel the part on its right (the accumulation buffer of Levien, "Inside the fastest font renderer in
    the world", 2016). Overlaps count once (nonzero winding).
    """
    start, end = _clipped(points, torch.roll(points, -1, 0), height)
    if not len(start):
        return torch.zeros(height, width)
    start, end = _pieces(start, end, width)
    middle = 0.5 * (start + end)
    rise = end[:, 1] - start[:, 1]
    x = middle[:, 0].clamp(0.0, float(width))
    column = x.floor().clamp_max(width).long()
    row = middle[:, 1].floor().long().clamp(0, height - 1)
    right = x - column
    sums = torch.zeros(height * (width + 2), dtype=torch.float64)
    index = row * (width + 2) + column
    sums.index_add_(0, index, rise * (1.0 - right))
    sums.index_add_(0, index + 1, rise * right)
    covered = sums.view(height, width + 2).cumsum(1)[:, :width].abs().clamp_(max=1.0)
    covered = torch.where(covered < _SNAP, 0.0, torch.where(covered > 1.0 - _SNAP, 1.0, covered))
    return covered.float()


def signed_distance(points: Tensor, width: int, height: int, reach: float) -> Tensor:
    """Return each pixel center's distance (height, width) to the closed outline ``points`` (N, 2), in pixels.

    Positive inside, negative outside, no farther than ``reach``; float32.
    """
    nearest = torch.full((height, width), reach * reach, dtype=torch.float32)
    x = torch.arange(width, dtype=torch.float32) + 0.5
    y = (torch.arange(height, dtype=torch.float32) + 0.5)[:, None]
    for (ax, ay), (bx, by) in zip(points.tolist(), torch.roll(points, -1, 0).tolist(), strict=True):
        left, right = _span(min(ax, bx) - reach, max(ax, bx) + reach, width)
        top, bottom = _span(min(ay, by) - reach, max(ay, by) + reach, height)
        if left >= right or top >= bottom:
            continue
        dx, dy = bx - ax, by - ay
        px, py = x[left:right] - ax, y[top:bottom] - ay
        along = ((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-12)).clamp_(0.0, 1.0)
        square = (px - along * dx).square_() + (py - along * dy).square_()
        window = nearest[top:bottom, left:right]
        torch.minimum(window, square, out=window)
    distance = nearest.sqrt_()
    return torch.where(_inside(points, width, height), distance, -distance)


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, math.floor(min(low, size))), min(size, math.ceil(max(high, 0.0)))


def _inside(points: Tensor, width: int, height: int) -> Tensor:
    """Tell which pixel centers (height, width) have a winding number other than zero."""
    start, end = points, torch.roll(points, -1, 0)
    low, high = torch.minimum(start[:, 1], end[:, 1]), torch.maximum(start[:, 1], end[:, 1])
    # Rows whose center y + 0.5 lies in [low, high).
    first = (low - 0.5).ceil().clamp(0, height).long()
    count = ((high - 0.5).ceil().clamp(0, height).long() - first).clamp_min(0)
    edge, nth = _enumerate(count)
    row = first[edge] + nth
    slope = (end[:, 0] - start[:, 0]) / torch.where(high > low, end[:, 1] - start[:, 1], 1.0)
    crossing = start[edge, 0] + (row + 0.5 - start[edge, 1]) * slope[edge]
    column = (crossing - 0.5).ceil().clamp(0, width).long()
    turns = torch.zeros(height * (width + 1), dtype=torch.int32)
    direction = torch.where(end[edge, 1] > start[edge, 1], 1, -1).int()
    turns.index_add_(0, row * (width + 1) + column, direction)
    return turns.view(height, width + 1).cumsum(1)[:, :width] != 0


def _clipped(start: Tensor, end: Tensor, height: int) -> tuple[Tensor, Tensor]:
    """Cut lines (N, 2) at the top and bottom of the picture; level ones are left out, for they cover nothing."""
    keep = start[:, 1] != end[:, 1]
    start, end = start[keep], end[keep]
    delta = end - start
    at_top, at_bottom = -start[:, 1] / delta[:, 1], (height - start[:, 1]) / delta[:, 1]
    enter = torch.minimum(at_top, at_bottom).clamp(0.0, 1.0)[:, None]
    leave = torch.maximum(at_top, at_bottom).clamp(0.0, 1.0)[:, None]
    begin = torch.where(enter > 0.0, start + enter * delta, start)
    finish = torch.where(leave < 1.0, start + leave * delta, end)
    visible = (leave > enter)[:, 0]
    return begin[visible], finish[visible]


def _pieces(start: Tensor, end: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cut lines (N, 2) wherever they pass from one pixel to the next."""
    count = len(start)
    edges, places = (
        [torch.arange(count).repeat(2)],
        [torch.tensor([0.0, 1.0], dtype=torch.float64).repeat_interleave(count)],
    )
    for axis, size in ((0, width), (1, None)):
        a, b = start[:, axis], end[:, axis]
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        if size is not None:
            low, high = low.clamp(-1.0, size + 1.0), high.clamp(-1.0, size + 1.0)
        first = low.floor() + 1.0
        edge, nth = _enumerate((high.ceil() - first).clamp_min(0.0).long())
        edges.append(edge)
        places.append((first[edge] + nth - a[edge]) / (b - a)[edge])
    edge, place = torch.cat(edges), torch.cat(places).clamp(0.0, 1.0)
    order = torch.argsort(place, stable=True)
    order = order[torch.argsort(edge[order], stable=True)]
    edge, place = edge[order], place[order]
    points = start[edge] + place[:, None] * (end - start)[edge]
    points = torch.where((place == 1.0)[:, None], end[edge], points)
    same = edge[1:] == edge[:-1]
    return points[:-1][same], points[1:][same]


def _enumerate(count: Tensor) -> tuple[Tensor, Tensor]:
    """Return, for each i, ``count[i]`` times (i, 0), (i, 1), …: two index tensors."""
    owner = torch.repeat_interleave(torch.arange(len(count)), count)
    return owner, torch.arange(len(owner)) - (count.cumsum(0) - count)[owner]
