"""What a subject hands over: its layers as one stack, and how it bends the light from behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from model.data.shapes import coverage
from model.data.truth import over, stack_of


class Part(NamedTuple):
    """A drawn subject."""

    stack: Tensor  # (T, 11, H, W)
    bend: tuple[Tensor, Tensor] | None = None  # pixels (T, H, W) from which the light behind comes; None: straight


def add_solid(
    stack: Tensor, distance: Tensor, pixel: float, paint: Callable[[], Tensor], gleam: Tensor | float = 0.0
) -> Tensor:
    """Return ``stack`` with a solid of the given distance laid over it; nothing is painted outside the picture."""
    if float(distance.min()) > pixel:
        return stack
    return over(stack_of(paint(), coverage(distance, pixel), gleam=gleam), stack)
