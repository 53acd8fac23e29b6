"""Signed distances to plain shapes, and what follows from them: antialiased coverage and rounded normals.

Distances are negative inside. Formulas follow Inigo Quilez, "2D distance functions" (iquilezles.org).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Point = tuple[float, float]


def _length(x: Tensor, y: Tensor) -> Tensor:
    return torch.sqrt(x * x + y * y)


def circle(x: Tensor, y: Tensor, center: Point, radius: float) -> Tensor:
    """Return the distance to a circle."""
    return _length(x - center[0], y - center[1]) - radius


def ellipse(x: Tensor, y: Tensor, center: Point, radii: Point) -> Tensor:
    """Return the distance to an upright ellipse, exact to first order near its outline."""
    dx, dy = x - center[0], y - center[1]
    scaled = _length(dx / radii[0], dy / radii[1])
    slope = _length(dx / radii[0] ** 2, dy / radii[1] ** 2).clamp(min=1e-6)
    return scaled * (scaled - 1) / slope


def limb(x: Tensor, y: Tensor, start: Point, end: Point, first: float, last: float) -> Tensor:
    """Return the distance to a bone from ``start`` to ``end`` whose thickness runs from ``first`` to ``last``."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    dx, dy = x - start[0], y - start[1]
    share = ((dx * ax + dy * ay) / max(ax * ax + ay * ay, 1e-12)).clamp(0, 1)
    return _length(dx - share * ax, dy - share * ay) - (first + (last - first) * share)


def box(x: Tensor, y: Tensor, center: Point, half: Point, corner: float = 0.0) -> Tensor:
    """Return the distance to an upright box with corners of radius ``corner``."""
    dx = (x - center[0]).abs() - (half[0] - corner)
    dy = (y - center[1]).abs() - (half[1] - corner)
    outside = _length(dx.clamp(min=0), dy.clamp(min=0))
    return outside + torch.maximum(dx, dy).clamp(max=0) - corner


def polygon(x: Tensor, y: Tensor, corners: Sequence[Point]) -> Tensor:
    """Return the distance to a closed polygon of a few corners."""
    nearest = torch.full_like(x, 1e9)
    inside = torch.ones_like(x)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = bx - ax, by - ay
        dx, dy = x - ax, y - ay
        share = ((dx * ex + dy * ey) / max(ex * ex + ey * ey, 1e-12)).clamp(0, 1)
        nearest = torch.minimum(nearest, (dx - ex * share) ** 2 + (dy - ey * share) ** 2)
        above = (y >= ay) != (y >= by)
        # The edge is crossed to the right of the point: the even-odd rule.
        crossed = above & (((ex * dy - ey * dx) > 0) == (ey < 0))
        inside = torch.where(crossed, -inside, inside)
    return inside * torch.sqrt(nearest)


def blob(x: Tensor, y: Tensor, radius: float, waves: Sequence[tuple[int, float, float]]) -> Tensor:
    """Return the distance to a rounded outline: ``radius`` plus waves (count, amplitude, phase) around it."""
    distance = _length(x, y)
    angle = torch.atan2(y, x)
    outline = torch.full_like(x, radius)
    steep = 0.0
    for count, amplitude, phase in waves:
        outline = outline + amplitude * torch.cos(count * angle + phase)
        steep += (count * amplitude / radius) ** 2
    return (distance - outline) / math.sqrt(1 + 0.5 * steep)


def join(first: Tensor, second: Tensor, softness: float) -> Tensor:
    """Return the union of two shapes with a fillet of size ``softness``."""
    blend = (softness - (first - second).abs()).clamp(min=0) / softness
    return torch.minimum(first, second) - blend * blend * (softness / 4)


def coverage(distance: Tensor, pixel: float) -> Tensor:
    """Return the covered share of each pixel (a box as wide as ``pixel``) near a straight outline."""
    return (0.5 - distance / pixel).clamp(0, 1)


def line_coverage(distance: Tensor, half_width: float, pixel: float) -> Tensor:
    """Return the covered share of pixels by a line; true for lines far thinner than a pixel too."""
    near = ((distance + half_width) / pixel + 0.5).clamp(0, 1)
    far = ((distance - half_width) / pixel + 0.5).clamp(0, 1)
    return near - far


def rounded_normal(distance: Tensor, thickness: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return normals (x, y, z; z towards the camera) of a body that is round near its outline and flat inside.

    ``thickness`` is the depth from the outline where it becomes flat, in the unit of ``distance`` (T, H, W).
    """
    gx, gy = torch.empty_like(distance), torch.empty_like(distance)
    gx[..., 1:-1] = distance[..., 2:] - distance[..., :-2]
    gx[..., 0], gx[..., -1] = gx[..., 1], gx[..., -2]
    gy[..., 1:-1, :] = distance[..., 2:, :] - distance[..., :-2, :]
    gy[..., 0, :], gy[..., -1, :] = gy[..., 1, :], gy[..., -2, :]
    tilt = (1 + distance / thickness).clamp(0, 0.98)
    scale = tilt / _length(gx, gy).clamp(min=1e-9)
    return gx * scale, gy * scale, torch.sqrt(1 - tilt * tilt)
