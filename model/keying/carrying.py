"""Carries an artist's strokes from the frame that they were drawn on to the others, along motion.

Where a pixel of a frame stood in the drawn one is followed from frame to frame (`model.keying.motion`), and strokes
hold where the pictures agreed on all the way: behind a passing arm, or after a cut, they say nothing. What is carried
depends on the plates and the strokes alone, so that every part of a shot finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor

from model.corrections import Stroke
from model.keying.motion import Array, fitted, motion, moved, single_thread

SAYS = ("keep", "remove", "decide")
_FRACTION = 4  # bits: OpenCV draws at sixteenths of a pixel
_MOST = 2**24  # of its coordinates
_LEAST_SIDE = 12  # pixels, below which a small picture shows nothing that could be followed
_CUT = 0.3  # share of a frame that agrees with its neighbour, below which there is a cut between them
_UNSURE, _SURE = 0.2, 0.6  # agreement from which strokes begin to hold, and hold wholly


@dataclass(frozen=True)
class Trail:
    """Where each pixel of a small frame stood in the drawn one, and how well all frames between agreed about it."""

    place: Array  # (h, w, 2): x and y from where it is now, in pixels
    agrees: Array  # (h, w), 0–1

    @classmethod
    def start(cls, light: Tensor) -> Trail:
        """Return the trail of the drawn frame itself, of whose small picture ``light`` (3, h, w) is."""
        size = light.shape[-2:]
        return cls(np.zeros((*size, 2), np.float32), np.ones(size, np.float32))

    @property
    def holds(self) -> bool:
        """Whether strokes still say anything anywhere at its end."""
        return float(self.agrees.max()) > _UNSURE

    def packed(self) -> Trail:
        """Return it in half the memory."""
        return Trail(self.place.astype(np.float16), self.agrees.astype(np.float16))

    @staticmethod
    def step(own: Tensor, last: Tensor) -> tuple[Array, Array] | None:
        """Return the motion from one small picture to the ``last`` one and where they agree; None: nothing is alike."""
        if own.shape != last.shape or min(own.shape[-2:]) < _LEAST_SIDE:
            return None
        flow, agrees = motion(own, last)
        return None if float(agrees.mean()) < _CUT else (flow, agrees)

    def onward(self, flow: Array, agrees: Array) -> Trail:
        """Return the trail of the next frame, given the step from there to the frame of this one."""
        with single_thread():
            return Trail(flow + moved(self.place, flow), np.minimum(agrees, moved(self.agrees, flow)))


def drawn(strokes: Sequence[Stroke], width: int, height: int, before: Tensor | None = None) -> Tensor:
    """Return what strokes say of each pixel (3, height, width), 0–1: keep, remove, decide; ``before`` is under them."""
    said = torch.zeros(3, height, width) if before is None else before.clone()
    for stroke in strokes:
        covered = torch.from_numpy(_coverage(stroke, width, height))
        said *= 1.0 - covered
        said[SAYS.index(stroke.says)] += covered
    return said


def carried(said: Tensor, trail: Trail) -> Tensor:
    """Return what was said of the drawn frame (3, H, W) at the places of a frame that it was carried to."""
    height, width = said.shape[-2:]
    with single_thread():
        place = fitted(trail.place.astype(np.float32), (width, height))
        there = moved(np.ascontiguousarray(said.movedim(0, -1).numpy()), place)
        agrees = cv2.resize(trail.agrees.astype(np.float32), (width, height))
    held = np.clip((agrees - _UNSURE) / (_SURE - _UNSURE), 0.0, 1.0)[..., None]
    return torch.from_numpy(there * held).movedim(-1, 0).contiguous()


def over(nearer: Tensor | None, farther: Tensor | None) -> Tensor | None:
    """Return what both say (3, H, W); where the nearer says something, that counts. None: nothing is said."""
    if nearer is None or farther is None:
        return farther if nearer is None else nearer
    return nearer + farther * (1.0 - nearer.sum(dim=0, keepdim=True)).clamp(0.0, 1.0)


def _coverage(stroke: Stroke, width: int, height: int) -> Array:
    """Return how much of each pixel a stroke covers (height, width), 0–1."""
    picture = np.zeros((height, width), np.uint8)
    # OpenCV counts from the middle of the first pixel.
    points = np.clip((np.array(stroke.points) - 0.5) * 2**_FRACTION, -_MOST, _MOST).round().astype(np.int32)
    if stroke.box:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int32)
        cv2.fillPoly(picture, [corners], 255, cv2.LINE_AA, _FRACTION)
        return picture.astype(np.float32) / 255.0
    radius = max(1, round(stroke.width / 2.0 * 2**_FRACTION))
    for point in points.tolist():
        cv2.circle(picture, tuple(point), radius, 255, cv2.FILLED, cv2.LINE_AA, _FRACTION)
    for start, end in pairwise(points):
        cv2.fillPoly(picture, [_band(start, end, radius)], 255, cv2.LINE_AA, _FRACTION)
    return picture.astype(np.float32) / 255.0


def _band(start: Array, end: Array, radius: int) -> Array:
    """Return the corners of the band between two points of a round brush."""
    way = (end - start).astype(np.float64)
    across = np.array((-way[1], way[0])) / max(float(np.hypot(*way)), 1.0) * radius
    return np.array((start + across, end + across, end - across, start - across)).round().astype(np.int32)
