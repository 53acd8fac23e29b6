"""Brings an artist's strokes to each frame of a shot: the same in a part, a resumed run, a preview and a whole run.

Forward, strokes are followed from drawn frame to drawn frame; back, from the last drawn one down. At a drawn frame,
what was carried there so far is laid under its own strokes, and both go on as one picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from model.corrections import Corrections, Stroke
from model.keying.carrying import Trail, carried, drawn, over
from model.keying.cleanup import repair_nonfinite
from model.keying.motion import Array, small
from service.errors import BadInput, PlateChanged

MOST_AWAY = 1000
"""Frames from a drawn one to which its strokes are carried at most."""

_AT_ONCE = (
    32  # frames that are read in the order of time where they are followed back: a movie is not sought in so often
)


_Between = tuple[int, int, str, str]  # two frames, and the stamps of their plates


class Steps:
    """What is found of the motion from each frame of a plate to the one beside it. Used by one thread."""

    def __init__(
        self,
        read: Callable[[int], NDArray[np.float32]],
        stamp: Callable[[int], str] = lambda _frame: "",
        *,
        kept: int = 1,
        earlier: Steps | None = None,
    ) -> None:
        """``read`` returns a frame's light (H, W, 3), and raises BadInput; ``kept`` steps are remembered.

        ``earlier`` is what remembers steps of the same shot; ``stamp`` tells whether a plate is still the same.
        """
        self._read = read
        self._stamp = stamp
        self._most = kept
        self._lights: OrderedDict[int, torch.Tensor | None] = OrderedDict()
        self._kept: OrderedDict[_Between, tuple[Array, Array] | None] = earlier._kept if earlier else OrderedDict()

    def offer(self, frame: int, color: NDArray[np.float32]) -> None:
        """Take a plate that was read already."""
        if self._lights.get(frame) is None:
            self._keep_light(frame, _light(color))

    def prepare(self, frames: Sequence[int]) -> None:
        """Read neighbouring frames in this order, so that they are at hand, unless the steps between are known."""
        if any(self._between(later, earlier) not in self._kept for earlier, later in pairwise(reversed(frames))):
            for frame in frames:
                self.light(frame)

    def light(self, frame: int) -> torch.Tensor | None:
        """Return a frame's small picture; None where it cannot be read."""
        if frame not in self._lights:
            try:
                self._keep_light(frame, _light(self._read(frame)))
            except PlateChanged:
                raise
            except BadInput:
                self._keep_light(frame, None)
        return self._lights[frame]

    def onward(self, trail: Trail, last: int, frame: int) -> Trail | None:
        """Return the trail of ``frame`` after that of ``last`` beside it; None where it is lost."""
        between = self._between(frame, last)
        if between not in self._kept:
            own, other = self.light(frame), self.light(last)
            self._kept[between] = None if own is None or other is None else Trail.step(own, other)
        step = self._kept[between]
        self._kept.move_to_end(between)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return None if step is None else trail.onward(*step)

    def _between(self, frame: int, last: int) -> _Between:
        return frame, last, self._stamp(frame), self._stamp(last)

    def _keep_light(self, frame: int, light: torch.Tensor | None) -> None:
        self._lights[frame] = light
        while len(self._lights) > _AT_ONCE + 2:
            self._lights.popitem(last=False)


def _light(color: NDArray[np.float32]) -> torch.Tensor:
    return small(repair_nonfinite(torch.from_numpy(np.ascontiguousarray(np.moveaxis(color, -1, 0))))[0])


@dataclass(frozen=True)
class _Way:
    """How far strokes were carried: a picture of what they say, the frame that it is of, and the trail to another."""

    said: torch.Tensor
    drawn_on: int
    frame: int
    trail: Trail | None  # None: it was lost on the way

    def picture(self) -> torch.Tensor | None:
        return None if self.trail is None else carried(self.said, self.trail)


class Carried:
    """The strokes of one shot, frame by frame. Used by one thread; it is quick where frames ascend."""

    def __init__(self, corrections: Corrections, steps: Steps, width: int, height: int) -> None:
        self._strokes: Mapping[int, Sequence[Stroke]] = corrections.frames
        self._drawn = sorted(self._strokes)
        self._steps = steps
        self._size = (width, height)
        self._ahead: _Way | None = None
        self._back: dict[int, _Way] = {}  # by frame, from the last one asked for to the drawn one after it

    def at(self, frame: int) -> torch.Tensor | None:
        """Return what strokes say of ``frame`` (3, height, width), 0–1: keep, remove, decide; None: nothing."""
        before, after = self._from_before(frame), self._from_after(frame)
        ways = [way for way in (before, after) if way is not None]
        ways.sort(key=lambda way: abs(frame - way.drawn_on))  # of two as near, the earlier
        said: torch.Tensor | None = None
        for way in ways:
            said = over(said, way.picture())
        if frame in self._strokes:
            said = drawn(self._strokes[frame], *self._size, said)
        return None if said is None or not bool((said > 0.0).any()) else said

    def _from_before(self, frame: int) -> _Way | None:
        if self._drawn[0] >= frame:
            return None
        if self._ahead is None or self._ahead.frame > frame:
            self._ahead = self._start(self._drawn[0], None)
        while self._ahead.frame < frame:
            self._ahead = self._next(self._restarted(self._ahead), 1)
        return self._ahead

    def _from_after(self, frame: int) -> _Way | None:
        if self._drawn[-1] <= frame:
            return None
        if frame not in self._back:
            self._back = self._followed_back(frame)
        return self._back[frame]

    def _followed_back(self, frame: int) -> dict[int, _Way]:
        """Return how strokes come to each frame from ``frame`` up to the drawn one after it."""
        following = next(other for other in self._drawn if other > frame)
        way = self._start(self._drawn[-1], None)
        found: dict[int, _Way] = {}
        while way.frame > frame:
            if (self._drawn[-1] - way.frame) % _AT_ONCE == 0:
                self._steps.prepare(range(max(frame, way.frame - _AT_ONCE), way.frame + 1))
            way = self._next(self._restarted(way), -1)
            if way.frame < following:
                found[way.frame] = replace(way, trail=way.trail and way.trail.packed())
        return found

    def _start(self, frame: int, before: torch.Tensor | None) -> _Way:
        light = self._steps.light(frame)
        said = drawn(self._strokes[frame], *self._size, before)
        return _Way(said, frame, frame, None if light is None else Trail.start(light))

    def _restarted(self, way: _Way) -> _Way:
        """Lay what was carried to a drawn frame under its own strokes."""
        if way.frame == way.drawn_on or way.frame not in self._strokes:
            return way
        return self._start(way.frame, way.picture())

    def _next(self, way: _Way, by: int) -> _Way:
        frame, trail = way.frame + by, None
        if way.trail is not None and abs(frame - way.drawn_on) <= MOST_AWAY:
            trail = self._steps.onward(way.trail, way.frame, frame)
            trail = trail if trail is not None and trail.holds else None
        return _Way(way.said, way.drawn_on, frame, trail)
