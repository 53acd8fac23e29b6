"""Finds where things of one frame stand in another, by optical flow, and where the two frames agree about them.

Dense inverse search (DIS: Kroeger et al. 2016) on small pictures as a display shows them. One implementation for all
that is brought along motion: the evidence of a subject, and an artist's corrections.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from model.color import srgb_from_linear

_LONGEST = 320  # pixels of the longer side: motion is found at this size
_WHITE = 0.99  # quantile of light that is shown as white
_MOST_GAIN = 4.0  # between two frames; what is beyond it is another shot
_ALIKE, _APART = 5.0, 11.0  # of 255: mean difference of the moved picture within which, and beyond which …
_AROUND = 2.0  # pixels: deviation of the Gaussian that means are taken with

Array = NDArray[Any]

_one_thread = threading.Lock()


def small(plate: Tensor) -> Tensor:
    """Return a finite plate (3, H, W) as motion is found in it: light (3, h, w) on the CPU, not negative."""
    height, width = plate.shape[-2:]
    scale = min(1.0, _LONGEST / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    light = functional.interpolate(
        plate[None].clamp_min(0.0), size, mode="bilinear", antialias=True, align_corners=False
    )[0]
    return light.cpu()


def motion(own: Tensor, other: Tensor) -> tuple[Array, Array]:
    """Return where in ``other`` each pixel of ``own`` is found, and how well the two agree there, 0–1.

    Both are light (3, h, w); the answers are (h, w, 2) in pixels, x and y, and (h, w).
    """
    white = float(own.amax(dim=0).quantile(_WHITE).clamp_min(1e-6))
    gain = float((own.sum(dim=0).median() + 1e-6) / (other.sum(dim=0).median() + 1e-6))
    gain = min(max(gain, 1.0 / _MOST_GAIN), _MOST_GAIN)
    mine, theirs = (_shown(light, white) for light in (own, other * gain))
    with single_thread():
        grey, other_grey = (cv2.cvtColor(picture.astype(np.uint8), cv2.COLOR_RGB2GRAY) for picture in (mine, theirs))
        nothing = np.zeros((*mine.shape[:2], 2), np.float32)
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(grey, other_grey, nothing)
        apart = np.abs(moved(theirs, flow) - mine).max(axis=-1)
        apart = cv2.GaussianBlur(apart, (0, 0), _AROUND)
    agrees = np.clip((_APART - apart) / (_APART - _ALIKE), 0.0, 1.0).astype(np.float32)
    return flow, agrees


def _shown(light: Tensor, white: float) -> Array:
    """Return light (3, h, w) as a display shows it: float32 (h, w, 3), 0–255."""
    shown: Array = srgb_from_linear((light / white).clamp(0.0, 1.0)).mul(255.0).movedim(0, -1).float().numpy()
    return np.ascontiguousarray(shown)


def fitted(flow: Array, size: tuple[int, int]) -> Array:
    """Return a flow (h, w, 2) for a picture of another ``size``, width and height."""
    height, width = flow.shape[:2]
    return cv2.resize(flow, size) * np.array((size[0] / width, size[1] / height), np.float32)


def moved(picture: Array, flow: Array) -> Array:
    """Return what stands in a picture where the flow (h, w, 2) says."""
    height, width = flow.shape[:2]
    down, right = np.mgrid[:height, :width].astype(np.float32)
    place = (right + flow[..., 0], down + flow[..., 1])
    return cv2.remap(picture, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@contextmanager
def single_thread() -> Iterator[None]:
    """Have OpenCV use one thread: its flow depends on how many rows each has, and so would the bits of a key."""
    with _one_thread:
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            cv2.setNumThreads(before)
