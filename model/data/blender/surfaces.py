"""Meshes as arrays: turned bodies, ellipsoids, sheets and boxes; knows only numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """Corners (N, 3) and four-sided faces (F, 4) as indices of corners."""

    corners: Points
    faces: NDArray[np.int64]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Surface:
        """Return the surface somewhere else."""
        return Surface(self.corners + np.array((x, y, z)), self.faces)


def turned(
    profile: Sequence[tuple[float, float]],
    *,
    around: int = 64,
    rows: int = 0,
    flat: float = 1.0,
    fold: Callable[[Points, Points], Points] | None = None,
) -> Surface:
    """Return the surface that (radius, height) points sweep around the z axis, from the first to the last.

    ``rows`` resamples the profile smoothly; ``flat`` scales its depth (y); ``fold`` adds to the radius by angle and
    height in the profile (0–1).
    """
    shape = np.array(profile, float)
    if rows:
        along = np.linspace(0, len(shape) - 1, rows)
        shape = np.stack([_smooth(along, shape[:, column]) for column in range(2)], axis=1)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)[None, :]
    radius = np.repeat(shape[:, :1], around, axis=1)
    if fold is not None:
        place = np.linspace(0, 1, len(shape))[:, None]
        radius = radius + fold(np.broadcast_to(angle, radius.shape), np.broadcast_to(place, radius.shape))
    height = np.repeat(shape[:, 1:], around, axis=1)
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle) * flat, height], axis=-1)
    return _woven(corners, closed=True)


def ellipsoid(radii: tuple[float, float, float], center: tuple[float, float, float], around: int = 48) -> Surface:
    """Return an ellipsoid; its poles lie on the z axis."""
    polar = np.linspace(0.02, np.pi - 0.02, around // 2)
    ball = turned([(float(np.sin(p)), float(np.cos(p))) for p in polar], around=around)
    return Surface(ball.corners * np.array(radii) + np.array(center), ball.faces)


def sheet(points: Points) -> Surface:
    """Return the surface through a grid of points (rows, columns, 3)."""
    return _woven(points, closed=False)


def box(size: tuple[float, float, float], center: tuple[float, float, float]) -> Surface:
    """Return a box with edges along the axes."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    faces = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    return Surface(corners * np.array(size) + np.array(center), faces)


def rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Surface:
    """Return a round rod between two points, open at its ends."""
    first, last = np.array(start, float), np.array(end, float)
    axis = (last - first) / np.linalg.norm(last - first)
    side = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.0, 0.0))
    side = side / np.linalg.norm(side)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(axis, side))
    return _woven(np.stack([first + ring, last + ring]), closed=True)


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Return several surfaces as one."""
    starts = np.cumsum([0, *(len(surface.corners) for surface in surfaces[:-1])])
    faces = [surface.faces + start for surface, start in zip(surfaces, starts, strict=True)]
    return Surface(np.concatenate([surface.corners for surface in surfaces]), np.concatenate(faces))


def _woven(corners: Points, *, closed: bool) -> Surface:
    rows, columns = corners.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    right = np.roll(index, -1, axis=1) if closed else index[:, 1:]
    left = index if closed else index[:, :-1]
    faces = np.stack([left[:-1], right[:-1], right[1:], left[1:]], axis=-1).reshape(-1, 4)
    return Surface(corners.reshape(-1, 3), faces)


def _smooth(along: Points, values: Points) -> Points:
    """Interpolate with Catmull and Rom's spline (1974); positions count the given values."""
    padded = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    start = np.clip(along.astype(int), 0, len(values) - 2)
    t = along - start
    before, here, after, beyond = (padded[start + step] for step in range(4))
    line, curve = after - before, 2 * before - 5 * here + 4 * after - beyond
    smoothed: Points = 0.5 * (2 * here + line * t + curve * t**2 + (3 * (here - after) + beyond - before) * t**3)
    return smoothed
