"""Draws thousands of thin tapered curves with exact area coverage, whatever their width in pixels.

Each segment goes row by row along its longer axis; the covered share of every pixel is the area of a parallelogram,
in closed form. Sums are made of whole numbers, so their order (on a GPU: chance) does not matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

FRACTION = 1 << 18
DEPTH_CONTRAST = 7.0
LENGTH_PER_PIXEL = 0.8


def rasterize(
    points: Tensor,
    widths: Tensor,
    colors: Tensor,
    opacity: Tensor,
    depth: Tensor,
    height: int,
    width: int,
) -> tuple[Tensor, Tensor]:
    """Return straight color (T, 3, H, W) and coverage (T, H, W) of strands.

    ``points`` (T, S, K + 1, 2) in pixels, ``widths`` (S, K) in pixels, ``colors`` (S, K, 3), ``opacity`` (S,) 0–1,
    ``depth`` (S,): larger is nearer. Strands cover each other as if placed by chance; in the color the nearer one
    counts more (weighted blending, McGuire and Bavoil 2013), which needs no sorting.
    """
    frames = points.shape[0]
    strand, piece, start, end, half, frame = _visible_segments(points, widths, height, width)
    if start.shape[0] == 0:
        empty = torch.zeros(frames, height, width, device=points.device)
        return torch.zeros(frames, 3, height, width, device=points.device), empty
    last = points.shape[2] - 2
    joints = torch.stack((piece > 0, piece < last), dim=-1)
    area, length, shared, column, row, owner = _covered_areas(start, end, half, joints)
    strand, piece, frame = strand[owner], piece[owner], frame[owner]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    across = (area * opacity[strand].view(-1, 1)).clamp(0, 0.9995) * inside
    covered = across * length
    # Where two pieces of a strand share a row of pixels, their parts add up to what one piece would cover.
    blocked = torch.where(shared, -length * torch.log1p(-across), -torch.log1p(-covered))
    place = torch.where(inside, (frame.view(-1, 1) * height + row) * width + column, 0).view(-1)
    weight = covered * torch.exp(DEPTH_CONTRAST * (depth[strand] - 1)).view(-1, 1)
    color = colors[strand, piece]
    count = frames * height * width
    thickness = _sum_at(place, blocked, count)
    total = _sum_at(place, weight, count)
    channels = [_sum_at(place, weight * color[:, channel : channel + 1], count) for channel in range(3)]
    alpha = 1 - torch.exp(-thickness)
    mixed = torch.stack(channels) / total.clamp(min=1e-6)
    shape = (frames, height, width)
    return mixed.view(3, *shape).transpose(0, 1).contiguous(), alpha.view(shape)


def _visible_segments(
    points: Tensor, widths: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    start, end = points[:, :, :-1], points[:, :, 1:]
    low, high = torch.minimum(start, end), torch.maximum(start, end)
    margin = 4.0
    visible = (
        (high[..., 0] > -margin)
        & (low[..., 0] < width + margin)
        & (high[..., 1] > -margin)
        & (low[..., 1] < height + margin)
    )
    # At most so much length per pixel is drawn, or a close look at long hair would take seconds: later strands go.
    # The first frame decides for all, so that no strand comes and goes.
    length = ((end - start).abs().amax(dim=-1).clamp(max=max(height, width)) * visible).long()
    drawn = length[0].sum(dim=-1).cumsum(0) <= LENGTH_PER_PIXEL * height * width
    visible = visible & drawn.view(1, -1, 1)
    frame, strand, piece = visible.nonzero(as_tuple=True)
    return strand, piece, start[visible], end[visible], widths[strand, piece] / 2, frame


def _covered_areas(
    start: Tensor, end: Tensor, half: Tensor, joints: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return what each row of pixels that a segment touches gets.

    That is the share of each pixel across the strand (M, K), the length in the row (M, 1), whether another piece of the
    strand goes on in that row (M, 1), column and row (M, K), and the segment (M,). ``joints`` (N, 2) says whether
    start and end meet another piece.
    """
    delta = end - start
    steep = delta[:, 1].abs() >= delta[:, 0].abs()
    major = torch.where(steep, start[:, 1], start[:, 0])
    minor = torch.where(steep, start[:, 0], start[:, 1])
    run = torch.where(steep, delta[:, 1], delta[:, 0])
    rise = torch.where(steep, delta[:, 0], delta[:, 1])
    slope = rise / torch.where(run.abs() < 1e-6, torch.full_like(run, 1e-6), run)
    low, high = torch.minimum(major, major + run), torch.maximum(major, major + run)
    rows = int(torch.ceil((high - low).max()).item()) + 1
    reach = half * torch.sqrt(1 + slope * slope)
    columns = int(torch.ceil((2 * reach + slope.abs()).max()).item()) + 1
    line = torch.floor(low).view(-1, 1) + torch.arange(rows, device=start.device)
    top = torch.maximum(line, low.view(-1, 1))
    bottom = torch.minimum(line + 1, high.view(-1, 1))
    owner, index = (bottom > top).nonzero(as_tuple=True)
    line, top, bottom = line[owner, index], top[owner, index], bottom[owner, index]
    length, slope, reach = bottom - top, slope[owner], reach[owner]
    middle = minor[owner] + slope * ((top + bottom) / 2 - major[owner])
    spread = (slope.abs() * length).clamp(min=1e-4)
    first = torch.floor(middle - reach - spread / 2)
    edges = (first - middle).view(-1, 1) + torch.arange(columns + 1, device=start.device)
    integral = _ramp(edges + reach.view(-1, 1), spread.view(-1, 1)) - _ramp(
        edges - reach.view(-1, 1), spread.view(-1, 1)
    )
    area = integral[:, 1:] - integral[:, :-1]
    forward = run >= 0
    at_low = torch.where(forward, joints[:, 0], joints[:, 1])[owner] & (top > line)
    at_high = torch.where(forward, joints[:, 1], joints[:, 0])[owner] & (bottom < line + 1)
    shared = (at_low | at_high).view(-1, 1)
    across = first.long().view(-1, 1) + torch.arange(columns, device=start.device)
    along = line.long().view(-1, 1).expand_as(across)
    upright = steep[owner].view(-1, 1)
    column, row = torch.where(upright, across, along), torch.where(upright, along, across)
    return area, length.view(-1, 1), shared, column, row, owner


def _ramp(position: Tensor, spread: Tensor) -> Tensor:
    """Integral of a step that is smeared evenly over ``spread``."""
    share = (position / spread + 0.5).clamp(0, 1)
    return torch.where(position >= spread / 2, position, spread * share * share / 2)


def _sum_at(place: Tensor, values: Tensor, count: int) -> Tensor:
    whole = (values * FRACTION + 0.5).to(torch.int32).view(-1)
    total = torch.zeros(count, dtype=torch.int32, device=values.device)
    return total.index_add_(0, place, whole).to(torch.float32) / FRACTION
