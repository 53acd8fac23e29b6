"""Steadies the evidence of a subject over neighbouring frames along motion, so that no frame decides by a whim.

Evidence of a frame strays in ways that its picture does not: half an arm comes and goes. What the frames around say of
the same things is brought to their places here by optical flow (DIS: Kroeger et al. 2016), and heard where the pictures
agree once they are moved. Where they do not, behind a fast arm or across a cut, the frame's own answer stands. Only
evidence is steadied: alpha is measured in the frame itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from model.color import srgb_from_linear
from model.keying.behind import Behind

REACH = 2
"""Frames before and after that are heard."""

_LONGEST = 320  # pixels of a glimpse's longer side: motion is found at this size
_LEAST_SIDE = 12  # pixels, below which a glimpse's shorter side shows nothing that could be followed
_WHITE = 0.99  # quantile of light that is shown as white
_MOST_GAIN = 4.0  # between two frames; what is beyond it is another shot
_ALIKE, _APART = 5.0, 11.0  # of 255: mean difference of the moved picture within which, and beyond which …
_AROUND = 2.0  # pixels: deviation of the Gaussian that means are taken with
_CUT = 0.3  # share of a frame that agrees with its neighbour, below which there is a cut between them

Array = NDArray[Any]

_one_thread = threading.Lock()


@dataclass(frozen=True)
class Glimpse:
    """What is kept of a frame for its neighbours' sake."""

    light: Tensor  # (3, h, w) on the CPU, scene-linear, not negative, small
    evidence: Tensor | None  # (1, h', w'), 0–1; None where there is none, or none that is heeded


@dataclass(frozen=True)
class Around:
    """The glimpses of a frame and of those around it, the nearest first; they end at the shot's ends and at gaps.

    ``behind`` is what stands behind the subject of the whole shot, where that is known.
    """

    own: Glimpse
    before: tuple[Glimpse, ...] = ()
    after: tuple[Glimpse, ...] = ()
    behind: Behind | None = None


def glimpse(plate: Tensor, evidence: Tensor | None) -> Glimpse:
    """Return what neighbours need to know of a finite plate (3, H, W)."""
    height, width = plate.shape[-2:]
    scale = min(1.0, _LONGEST / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    light = functional.interpolate(
        plate[None].clamp_min(0.0), size, mode="bilinear", antialias=True, align_corners=False
    )[0]
    return Glimpse(light.cpu(), evidence)


def steadied(around: Around) -> Tensor | None:
    """Return a frame's evidence (1, h', w'), made consistent with what its neighbours say of the same things.

    Of five answers to a pixel the least and the greatest are left out, and the mean of the others counts. A neighbour
    that does not agree, or is not there, gives the frame's own answer: so a still keeps its evidence, bit for bit.
    """
    own = around.own.evidence
    if own is None or min(around.own.light.shape[-2:]) < _LEAST_SIDE:
        return own
    departures = [*_departures(around.own, around.before), *_departures(around.own, around.after)]
    if not departures:
        return own
    missing = 2 * REACH + 1 - len(departures)
    none = np.zeros_like(departures[0])
    ranked = np.sort(np.stack((*departures, *([none] * missing))), axis=0)
    departure = torch.from_numpy(np.ascontiguousarray(ranked[1:-1].mean(axis=0))).to(own)
    return (own + departure).clamp(0.0, 1.0)


def _departures(own: Glimpse, others: Sequence[Glimpse]) -> Iterator[Array]:
    """Yield how the evidence of ``others`` departs from a frame's own, (1, h', w') each, up to a cut."""
    assert own.evidence is not None
    mine = own.evidence.float().cpu().numpy()
    for other in others[:REACH]:
        if other.light.shape != own.light.shape or other.evidence is None or other.evidence.shape != own.evidence.shape:
            return
        flow, agrees = motion(own.light, other.light)
        if float(agrees.mean()) < _CUT:
            return
        size = (mine.shape[-1], mine.shape[-2])
        theirs = _moved(other.evidence[0].float().cpu().numpy(), _fitted(flow, size))
        yield (theirs[None] - mine) * cv2.resize(agrees, size)[None]


def motion(own: Tensor, other: Tensor) -> tuple[Array, Array]:
    """Return where in ``other`` each pixel of ``own`` is found, and how well the two agree there, 0–1.

    Both are light (3, h, w); the answers are (h, w, 2) in pixels, x and y, and (h, w).
    """
    white = float(own.amax(dim=0).quantile(_WHITE).clamp_min(1e-6))
    gain = float((own.sum(dim=0).median() + 1e-6) / (other.sum(dim=0).median() + 1e-6))
    gain = min(max(gain, 1.0 / _MOST_GAIN), _MOST_GAIN)
    mine, theirs = (_shown(light, white) for light in (own, other * gain))
    with _single_thread():
        grey, other_grey = (cv2.cvtColor(picture.astype(np.uint8), cv2.COLOR_RGB2GRAY) for picture in (mine, theirs))
        nothing = np.zeros((*mine.shape[:2], 2), np.float32)
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(grey, other_grey, nothing)
        apart = np.abs(_moved(theirs, flow) - mine).max(axis=-1)
        apart = cv2.GaussianBlur(apart, (0, 0), _AROUND)
    agrees = np.clip((_APART - apart) / (_APART - _ALIKE), 0.0, 1.0).astype(np.float32)
    return flow, agrees


def _shown(light: Tensor, white: float) -> Array:
    """Return light (3, h, w) as a display shows it: float32 (h, w, 3), 0–255."""
    shown: Array = srgb_from_linear((light / white).clamp(0.0, 1.0)).mul(255.0).movedim(0, -1).float().numpy()
    return np.ascontiguousarray(shown)


def _fitted(flow: Array, size: tuple[int, int]) -> Array:
    """Return a flow (h, w, 2) for a picture of another ``size``, width and height."""
    height, width = flow.shape[:2]
    return cv2.resize(flow, size) * np.array((size[0] / width, size[1] / height), np.float32)


def _moved(picture: Array, flow: Array) -> Array:
    """Return what stands in a picture where the flow (h, w, 2) says."""
    height, width = flow.shape[:2]
    down, right = np.mgrid[:height, :width].astype(np.float32)
    place = (right + flow[..., 0], down + flow[..., 1])
    return cv2.remap(picture, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@contextmanager
def _single_thread() -> Iterator[None]:
    """Have OpenCV use one thread: its flow depends on how many rows each has, and so would the bits of a key."""
    with _one_thread:
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            cv2.setNumThreads(before)
