"""Follows a shot's camera: how the frames of a shot lie on one another, by what stands still behind the subject.

How far two pictures lie apart is found by correlating what stands out in them: markers, tape, seams, set. Corners of
that are then followed (Lucas and Kanade), and a map that turns, scales and shifts is fitted to them, which outliers do
not touch (RANSAC). A bare, even screen has no corners; a camera that travels gives near and far things different
motions: both are unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.keying.motion import single_thread

Array = NDArray[Any]
Map = NDArray[np.float64]
"""(2, 3): x and y in a picture to x and y in another, in pixels."""

STILL = 0.75
"""Pixels at the corners of a picture, within which a camera stands still."""

_CORNERS, _QUALITY, _APART = 400, 0.02, 6.0  # at most; of the best one's strength; pixels between two
_WINDOW, _LEVELS = 15, 2  # of Lucas and Kanade: they follow some twenty pixels
_FIT = 1.5  # pixels within which a corner agrees with the map
_FEWEST, _MOST = 6, 0.5  # corners that must agree, and their share
_STEEP = 1.2  # ratio by which a map may stretch
_COARSE = 2  # reduction at which pictures are correlated
_OUT = 6.0  # of 255, by which something stands out
_SMOOTH = 6.0  # pixels: deviation of the Gaussian beyond which light is the screen's, and stands not out


@dataclass(frozen=True)
class Look:
    """A picture that is followed: grey (h, w), 0–255, and where what it shows may stand still, not 0."""

    grey: NDArray[np.uint8]
    still: NDArray[np.uint8]


def stay() -> Map:
    """Return the map that moves nothing."""
    return np.eye(2, 3)


def after(first: Map, then: Map) -> Map:
    """Return the map that does ``first``, and ``then`` after it."""
    return (_square(then) @ _square(first))[:2]


def back(found: Map) -> Map:
    """Return the map from there to here."""
    return np.asarray(np.linalg.inv(_square(found))[:2], np.float64)


def moved_most(found: Map, size: tuple[int, int]) -> float:
    """Return by how many pixels the corners of a picture of a ``size``, height and width, move at most."""
    corners = _corners_of(size)
    return float(np.abs(apply(found, corners) - corners).max())


def apply(found: Map, points: Array) -> Array:
    """Return where points (n, 2), x and y, come to lie."""
    return points @ found[:, :2].T + found[:, 2]


def outline(maps: Sequence[Map], size: tuple[int, int]) -> tuple[Array, Array]:
    """Return the least and greatest x and y of pictures of a ``size``, each moved by its map."""
    everywhere = np.concatenate([apply(found, _corners_of(size)) for found in maps])
    return everywhere.min(axis=0), everywhere.max(axis=0)


def follow(looks: Sequence[Look]) -> list[Map | None]:
    """Return for each picture of a row the map to the one in the middle; None where the way there is lost."""
    middle = len(looks) // 2
    found: list[Map | None] = [None] * len(looks)
    found[middle] = stay()
    for way in (range(middle - 1, -1, -1), range(middle + 1, len(looks))):
        known = middle
        for index in way:
            step = register(looks[index], looks[known])
            if step is not None:
                found[index] = after(step, found[known])  # type: ignore[arg-type]
                known = index
    return found


def register(own: Look, other: Look) -> Map | None:
    """Return the map from a picture to another that shows the same place; their sizes may differ.

    None: too few corners are found again, or they disagree.
    """
    first = _shift(own, other)
    seen = Look(*(seen_through(back(first), picture, own.grey.shape) for picture in (other.grey, other.still)))
    with single_thread():
        corners = cv2.goodFeaturesToTrack(own.grey, _CORNERS, _QUALITY, _APART, mask=own.still)
        if corners is None or len(corners) < _FEWEST:
            return None
        here = corners.reshape(-1, 2)
        there, good = _tracked(own.grey, seen.grey, here)
        again, back_good = _tracked(seen.grey, own.grey, there)
        # What does not lead back to where it came from was not found.
        kept = good & back_good & (np.abs(again - here).max(axis=1) < 1.0) & _inside(there, seen.still)
        if kept.sum() < _FEWEST:
            return None
        rest, agrees = cv2.estimateAffinePartial2D(here[kept], there[kept], ransacReprojThreshold=_FIT)
    if rest is None or agrees.sum() < max(_FEWEST, _MOST * kept.sum()) or not _plausible(rest):
        return None
    found = after(np.asarray(rest, np.float64), first)
    return found if _alike(own, other, found) else None


def seen_through(found: Map, picture: Array, size: tuple[int, ...]) -> Array:
    """Return a picture (h, w), moved by a map onto a canvas of a ``size``, height and width; 0 around it."""
    return cv2.warpAffine(picture, found, (size[1], size[0]), flags=cv2.INTER_LINEAR)


def _shift(own: Look, other: Look) -> Map:
    """Return by how much to move a picture for what stands out in it to lie best on another."""
    mine, theirs = (_outstanding(one) for one in (own, other))
    size = [cv2.getOptimalDFTSize(a + b) for a, b in zip(mine.shape, theirs.shape, strict=True)]
    found = np.fft.irfft2(np.conj(np.fft.rfft2(mine, size)) * np.fft.rfft2(theirs, size), size)
    peak = np.unravel_index(int(found.argmax()), found.shape)
    down, right = (
        at - side if at >= theirs.shape[axis] else at for axis, (at, side) in enumerate(zip(peak, size, strict=True))
    )
    return np.array([(1.0, 0.0, right * _COARSE), (0.0, 1.0, down * _COARSE)])


def _alike(own: Look, other: Look, found: Map) -> bool:
    """Return whether what stands out in both pictures is the same, once they lie on one another: not grain on grain."""
    moved = Look(*(seen_through(back(found), one, own.grey.shape) for one in (other.grey, other.still)))
    mine, theirs = _outstanding(own), _outstanding(moved)
    both = cv2.resize(own.still * moved.still, mine.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    out = both & (np.abs(theirs) > _OUT)
    agrees = np.abs(mine - theirs)[out] < 0.5 * np.abs(theirs)[out]
    return bool(agrees.sum() >= max(_FEWEST, _MOST * agrees.size))


def _outstanding(look: Look) -> Array:
    """Return how a picture departs from what is smooth in it, where it may stand still: (h, w) of half the size."""
    still = (look.still > 0).astype(np.float32)
    grey = look.grey.astype(np.float32) * still
    smooth, weight = (cv2.GaussianBlur(one, (0, 0), _SMOOTH) for one in (grey, still))
    departs = np.clip((look.grey - smooth / np.maximum(weight, 1e-3)) * still, -40.0, 40.0)
    return cv2.resize(departs, None, fx=1.0 / _COARSE, fy=1.0 / _COARSE, interpolation=cv2.INTER_AREA)


def _tracked(own: Array, other: Array, points: Array) -> tuple[Array, Array]:
    """Return where points (n, 2) of a picture are in another, and whether each was found."""
    guess = np.empty_like(points, dtype=np.float32)
    tracked, good, _ = cv2.calcOpticalFlowPyrLK(own, other, points, guess, winSize=(_WINDOW, _WINDOW), maxLevel=_LEVELS)
    return np.asarray(tracked), np.asarray(good)[:, 0] > 0


def _inside(points: Array, still: Array) -> Array:
    height, width = still.shape
    x, y = np.rint(points).astype(int).T
    within = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(within & (still[y.clip(0, height - 1), x.clip(0, width - 1)] > 0))


def _plausible(found: Map) -> bool:
    stretch = np.linalg.svd(found[:, :2], compute_uv=False)
    return bool(np.isfinite(found).all() and 1.0 / _STEEP < stretch.min() and stretch.max() < _STEEP)


def _corners_of(size: tuple[int, int]) -> Array:
    height, width = size
    return np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64)


def _square(found: Map) -> Map:
    return np.vstack((found, (0.0, 0.0, 1.0)))
