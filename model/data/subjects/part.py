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


Paint = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, y, distance (T, h, w) → straight color (T, 3, h, w)


def window(distance: Tensor, margin: float) -> tuple[slice, slice] | None:
    """Return the rows and columns where a distance (T, H, W) is at most ``margin``; None where there are none."""
    near = (distance <= margin).any(dim=0)
    rows, columns = near.any(dim=1).nonzero(), near.any(dim=0).nonzero()
    if rows.shape[0] == 0:
        return None
    top, bottom = max(int(rows[0]) - 2, 0), int(rows[-1]) + 3
    left, right = max(int(columns[0]) - 2, 0), int(columns[-1]) + 3
    return slice(top, bottom), slice(left, right)


def add_solid(
    stack: Tensor,
    grid: tuple[Tensor, Tensor],
    distance: Tensor,
    pixel: float,
    paint: Paint,
    gleam: Tensor | None = None,
) -> Tensor:
    """Lay a solid of the given distance over ``stack``, which is changed and returned; only its box is painted."""
    box = window(distance, pixel)
    if box is None:
        return stack
    rows, columns = box
    near = distance[:, rows, columns]
    color = paint(grid[0][:, rows, columns], grid[1][:, rows, columns], near)
    shining = gleam[:, rows, columns] if gleam is not None else 0.0
    layer = stack_of(color, coverage(near, pixel), gleam=shining)
    stack[:, :, rows, columns] = over(layer, stack[:, :, rows, columns])
    return stack
