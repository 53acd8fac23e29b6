"""What the levels of a few frames say against the tags: a range that is not used, steps of 8 bits in an EXR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from service.plates.doubts import doubt
from service.plates.planes import YuvReading, luma_of

_BLACK, _WHITE = 16, 235
_WELL_BEYOND = 4  # levels: ringing of a codec and sharpening reach less far
_MUCH = 0.005  # of the pixels
_SEVERAL = 6  # values: fewer may be whole 255ths by chance


@dataclass(frozen=True)
class RangeSeen:
    """How the luma of one frame lies to the limits of limited range."""

    is_full: bool
    """Whether it was read as full range."""

    within: bool
    """Nothing lies beyond 16 to 235."""

    beyond: float
    """Share of the pixels that lie well beyond."""

    flat: bool
    """All of one level, which tells nothing."""


def range_seen(frame: VideoFrame, reading: YuvReading) -> RangeSeen | None:
    """Look at a YUV frame; None for RGB, whose range is no matter of tags."""
    if frame.format.is_rgb:
        return None
    luma = luma_of(frame)
    low, high = float(luma.min()), float(luma.max())
    beyond = (luma < _BLACK - _WELL_BEYOND) | (luma > _WHITE + _WELL_BEYOND)
    return RangeSeen(
        is_full=reading.is_full(frame),
        within=low >= _BLACK and high <= _WHITE + 1,
        beyond=float(beyond.mean()),
        flat=high - low < 1,
    )


@dataclass(frozen=True)
class StepsSeen:
    """Which values one frame of an EXR holds."""

    in_steps: bool
    """All are whole 255ths from 0 to 1, and there are several of them."""


Levels = RangeSeen | StepsSeen


def steps_seen(picture: NDArray[np.float32]) -> StepsSeen:
    """Look at a picture (H, W, 3) as stored."""
    with np.errstate(invalid="ignore", over="ignore"):
        codes = picture * np.float32(255)
        whole = np.rint(codes)
        # A half keeps eleven bits.
        near = np.abs(codes - whole) <= np.maximum(np.abs(codes) * np.float32(2.0**-11), 1e-4)
    if not near.all() or codes.min() < 0 or whole.max() > 255:
        return StepsSeen(False)
    return StepsSeen(len(np.unique(whole)) >= _SEVERAL)


def doubts_of(seen: Sequence[Levels]) -> list[str]:
    """Say where the tags of a shot and the levels of its frames contradict each other."""
    steps = [frame.in_steps for frame in seen if isinstance(frame, StepsSeen)]
    found = [doubt("exr-steps")] if steps and all(steps) else []
    telling = [frame for frame in seen if isinstance(frame, RangeSeen) and not frame.flat]
    if telling and all(frame.is_full and frame.within for frame in telling):
        found.append(doubt("full-range-unused"))
    elif any(not frame.is_full and frame.beyond > _MUCH for frame in telling):
        found.append(doubt("limited-range-exceeded"))
    return found
