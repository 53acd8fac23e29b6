"""Measures each frame while it is still on the device, against the frames before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from model.keyer import KeyedFrame
from model.quality import measure, small_alpha
from model.settings import FrameQuality, Screen
from service.errors import BadInput
from service.exr import read_exr
from service.messages import ShotOrder
from service.pipeline.delivery import Delivery


class Quality:
    """The figures of one shot's frames; frames come in any order, each figure depends on its neighbors only."""

    def __init__(self, order: ShotOrder, delivery: Delivery, screen: Screen, present: Sequence[int]) -> None:
        self._delivery = delivery
        self._screen = screen
        frames = sorted(order.frames or present)
        self._before = dict(zip(frames[1:], frames, strict=False))
        self._last: dict[int, torch.Tensor] = {}

    def of(self, frame: int, keyed: KeyedFrame) -> FrameQuality:
        """Return the figures of ``frame``."""
        before = self._before.get(frame)
        earlier = None if before is None else self._before.get(before)
        sides = {other: self._small(other, keyed) for other in (earlier, before) if other is not None}
        figures = measure(
            keyed.alpha,
            keyed.foreground,
            self._screen,
            None if before is None else sides[before],
            None if earlier is None else sides[earlier],
        )
        self._last = {other: small for other, small in sides.items() if small is not None}
        self._last[frame] = small_alpha(keyed.alpha)
        if keyed.doubt is None:
            return figures
        return figures.model_copy(update={"doubtful": round(float((keyed.doubt > 0.5).float().mean()), 6)})

    def _small(self, frame: int, keyed: KeyedFrame) -> torch.Tensor | None:
        """Return the small alpha of an earlier frame: remembered, or read when it was finished by another attempt."""
        if frame in self._last:
            return self._last[frame]
        try:
            planes, _ = read_exr(self._delivery.file("alpha", frame))
        except BadInput:
            return None
        alpha = planes.get("A")
        if alpha is None or alpha.shape != keyed.alpha.shape[1:]:
            return None
        return small_alpha(torch.from_numpy(alpha)[None].to(keyed.alpha.device))
