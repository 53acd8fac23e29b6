"""Values of a setting that change over the frames of a shot: linear between keyframes, or held. Free of torch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=False)]
Value = Number | tuple[Number, Number, Number]

_HOW = "interpolation"


class Keyframes(BaseModel):
    """What a setting is at some frames; before the first and after the last it stays what it is there."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    values: Annotated[dict[int, Value], Field(min_length=1, max_length=500)]
    """Frame number → value there."""

    interpolation: Literal["linear", "held"] = "linear"
    """Between two keyframes: `linear`, or `held`, the value of the earlier one."""

    def at(self, frame: int) -> Value:
        """Return the value at ``frame``."""
        frames = sorted(self.values)
        following = bisect_right(frames, frame)
        before, after = frames[max(following - 1, 0)], frames[min(following, len(frames) - 1)]
        first, last = self.values[before], self.values[after]
        if before == after or self.interpolation == "held" or frame <= before:
            return first
        return _between(first, last, (frame - before) / (after - before))


def _between(first: Value, last: Value, share: float) -> Value:
    if isinstance(first, tuple) and isinstance(last, tuple):
        red, green, blue = (a + (b - a) * share for a, b in zip(first, last, strict=True))
        return red, green, blue
    if isinstance(first, tuple) or isinstance(last, tuple):
        return first
    return first + (last - first) * share


def without_keyframes(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return settings as they were written, their keyframes moved from the settings called ``names`` to `over_time`.

    The setting itself keeps its value at the first of them. Raises ValueError for keyframes that are none.
    """
    found = dict(values)
    known = found.get("over_time") or {}
    if not isinstance(known, Mapping):
        return found  # whoever validates it says what it must be
    moved = dict(known)
    for name in names & found.keys():
        given = found[name]
        if not isinstance(given, Mapping):
            continue
        written = {key: value for key, value in given.items() if key != _HOW}
        try:
            frames = {int(frame): value for frame, value in written.items()}
        except (TypeError, ValueError):
            raise ValueError(f"keyframes of {name} must be named by whole frame numbers") from None
        if not frames:
            raise ValueError(f"{name} has no keyframes: give it a value at one frame at least")
        moved[name] = {"values": frames, _HOW: given.get(_HOW, "linear")}
        found[name] = frames[min(frames)]
    if moved:
        found["over_time"] = moved
    return found
