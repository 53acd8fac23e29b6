"""Hair and fur as arrays of points: Blender's own growing of hair does not repeat, these do. Knows only numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Radii = tuple[float, float, float]


@dataclass(frozen=True)
class Strands:
    """Points (N, P, 3) from root to tip, and the radius (N, P) there."""

    points: Points
    radii: Points


@dataclass(frozen=True)
class HairStyle:
    """How hair falls. Lengths in scene units."""

    strands: int = 10000
    clumps: int = 320
    length: float = 0.62
    curl: float = 0.012  # radius of the curls
    turns: float = 5.0  # curls along a strand
    stray: float = 0.07  # share of strands that fly away
    thickness: float = 0.0012


def head_of_hair(chance: np.random.Generator, radii: Radii, center: Radii, style: HairStyle) -> Strands:
    """Return hair that grows on the upper back of an ellipsoid (its face looks along −y) and falls around it."""
    guides = _scalp(chance, style.clumps)
    roots = _scalp(chance, style.strands)
    clump = np.argmax(roots @ guides.T, axis=1)
    stray = chance.random(style.strands) < style.stray
    steps = 20
    length = style.length * chance.uniform(0.75, 1.1, style.clumps)[clump] * chance.uniform(0.85, 1.08, style.strands)
    length = np.where(stray, length * chance.uniform(0.3, 0.8, style.strands), length)
    guide_paths = _fall(guides, radii, np.full(style.clumps, style.length), np.full(style.clumps, 0.0), steps, chance)
    weight = np.where(stray, chance.uniform(0.2, 0.9, style.strands), 0.0)
    paths = _fall(roots, radii, length, weight, steps, chance)
    along = np.linspace(0, 1, steps)
    gather = (0.55 * along**0.8)[None, :, None] * np.where(stray, 0.1, 1.0)[:, None, None]
    paths = paths + gather * (guide_paths[clump] - paths)
    paths = paths + _curls(chance, style, clump, stray, along)
    taper = 1.0 - 0.75 * along**2
    thickness = style.thickness * chance.uniform(0.6, 1.25, style.strands)
    return Strands(paths + np.array(center), thickness[:, None] * taper)


def fur(
    chance: np.random.Generator, radii: Radii, center: Radii, *, density: float, length: float, thickness: float
) -> Strands:
    """Return short fur on a whole ellipsoid, combed downward; ``density`` counts strands per square unit."""
    roots = _directions(chance, max(40, round(density * _area(radii))))
    scale = np.array(radii)
    normal = roots / scale
    normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    tuft = _directions(chance, max(8, len(roots) // 40))
    together = tuft[np.argmax(roots @ tuft.T, axis=1)]
    lean = 0.55 * np.array((0.0, 0.0, -1.0)) + 0.5 * (together - roots) * 4 + 0.28 * chance.standard_normal(roots.shape)
    along = np.linspace(0, 1, 6)[None, :, None]
    reach = (length * chance.uniform(0.55, 1.15, len(roots)))[:, None, None]
    path = roots[:, None] * scale + reach * (normal[:, None] * along + 0.6 * lean[:, None] * along**2)
    taper = 1.0 - 0.85 * np.linspace(0, 1, 6) ** 1.5
    return Strands(path + np.array(center), thickness * chance.uniform(0.6, 1.2, len(roots))[:, None] * taper)


def fringe(chance: np.random.Generator, edge: Points, *, length: float, thickness: float) -> Strands:
    """Return loose threads that hang from points (N, 3) of an edge."""
    along = np.linspace(0, 1, 8)[None, :, None]
    reach = (length * chance.uniform(0.4, 1.1, len(edge)))[:, None, None]
    sway = chance.normal(0, 0.25, (len(edge), 1, 3)) * along**1.5 + chance.normal(0, 0.12, (len(edge), 1, 3)) * along**3
    path = edge[:, None] + reach * (np.array((0.0, 0.0, -1.0)) * along + sway)
    return Strands(path, np.full(path.shape[:2], thickness))


def combined(*parts: Strands) -> Strands:
    """Return strands of equal numbers of points as one."""
    return Strands(np.concatenate([p.points for p in parts]), np.concatenate([p.radii for p in parts]))


def _scalp(chance: np.random.Generator, count: int) -> Points:
    """Directions on the unit ball where hair grows: above a line from brow to nape."""
    found: list[Points] = []
    while sum(map(len, found)) < count:
        directions = _directions(chance, count)
        found.append(directions[directions[:, 2] > 0.05 - 0.62 * directions[:, 1]])
    return np.concatenate(found)[:count]


def _directions(chance: np.random.Generator, count: int) -> Points:
    normals = chance.standard_normal((count, 3))
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def _fall(
    roots: Points, radii: Radii, length: Points, lightness: Points, steps: int, chance: np.random.Generator
) -> Points:
    """Grow from the roots, ever more downward, and slide along the skin instead of entering it."""
    scale = np.array(radii)
    place = roots * scale
    course = roots / scale
    course = course / np.linalg.norm(course, axis=1, keepdims=True)
    wander = 0.16 * chance.standard_normal(roots.shape) * (0.3 + 4 * lightness[:, None])
    pull = 0.34 * (1 - lightness[:, None])
    path = [place]
    for _ in range(steps - 1):
        course = course + pull * np.array((0.0, 0.0, -1.0)) + 0.12 * wander
        course = course / np.linalg.norm(course, axis=1, keepdims=True)
        place = place + course * (length / (steps - 1))[:, None]
        depth = np.linalg.norm(place / scale, axis=1)
        place = place * np.maximum(1.0, 1.05 / depth)[:, None]
        place = place + _push_from_shoulders(place)
        path.append(place)
    return np.stack(path, axis=1)


def _push_from_shoulders(place: Points) -> Points:
    """Way out of a body below the head, forward or back, so that long hair lies on it."""
    scale = np.array((0.5, 0.27, 0.3))
    from_center = (place - np.array((0.0, 0.0, -0.72))) / scale
    depth = np.maximum(np.linalg.norm(from_center, axis=1, keepdims=True), 1e-6)
    return np.asarray(from_center * scale * np.maximum(0.0, 1.0 / depth - 1.0))


def _curls(
    chance: np.random.Generator, style: HairStyle, clump: NDArray[np.int64], stray: NDArray[np.bool_], along: Points
) -> Points:
    phase = chance.uniform(0, 2 * np.pi, style.clumps)[clump] + chance.normal(0, 0.35, len(clump))
    turns = style.turns * chance.uniform(0.7, 1.3, style.clumps)[clump]
    angle = phase[:, None] + 2 * np.pi * turns[:, None] * along
    radius = style.curl * np.where(stray, 0.8, 1.0)[:, None] * along**0.7
    own = chance.normal(0, 0.004, (len(clump), 1, 3)) * along[None, :, None]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.4 * radius * np.sin(2 * angle)], axis=-1) + own


def _area(radii: Radii) -> float:
    """Approximate surface of an ellipsoid by Thomsen's formula (2004), within 1.1 %."""
    a, b, c = radii
    power = 1.6075
    mean = ((a * b) ** power + (a * c) ** power + (b * c) ** power) / 3
    return 4 * float(np.pi) * float(mean ** (1 / power))
