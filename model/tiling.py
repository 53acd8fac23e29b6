"""Runs a network over a picture tile by tile, with overlap, so that the tiles answer what the whole would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor


def in_tiles(
    picture: Tensor,
    answer: Callable[[Tensor], Tensor],
    *,
    tiles: int,
    context: tuple[int, int] = (0, 0),
    multiple: int = 1,
) -> Tensor:
    """Return ``answer`` (1, H, W) of a picture (C, H, W), worked out in ``tiles`` rows and columns.

    ``answer`` takes (1, C, before + h + after, before + w + after) and returns (1, 1, h, w), where ``context`` is
    (before, after). Every tile starts on a ``multiple`` of pixels, so strided layers stand alike in each. Beyond the
    border the picture's last row or column is repeated.
    """
    height, width = picture.shape[-2:]
    before, after = context
    rows, columns = _rounded_up(height, multiple), _rounded_up(width, multiple)
    padding = (before, after + columns - width, before, after + rows - height)
    padded = functional.pad(picture[None], padding, mode="replicate")
    result = torch.empty(1, rows, columns, dtype=picture.dtype, device=picture.device)
    for top, bottom in _cuts(rows, tiles, multiple):
        for left, right in _cuts(columns, tiles, multiple):
            tile = padded[..., top : bottom + before + after, left : right + before + after]
            result[:, top:bottom, left:right] = answer(tile)[0]
    return result[:, :height, :width]


def _rounded_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _cuts(length: int, tiles: int, multiple: int) -> Iterator[tuple[int, int]]:
    """Spread ``length`` over up to ``tiles`` pieces that start on multiples."""
    size = _rounded_up(-(-length // tiles), multiple)
    for start in range(0, length, size):
        yield start, min(start + size, length)


@dataclass(frozen=True)
class Window:
    """A part of a frame, in pixels; bottom and right lie outside."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Rows inside."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns inside."""
        return self.right - self.left

    @property
    def rows(self) -> slice:
        """Its rows in the frame."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns in the frame."""
        return slice(self.left, self.right)

    def rows_in(self, around: Window) -> slice:
        """Return its rows in a window around it."""
        return slice(self.top - around.top, self.bottom - around.top)

    def columns_in(self, around: Window) -> slice:
        """Return its columns in a window around it."""
        return slice(self.left - around.left, self.right - around.left)


def windows(size: Sequence[int], side: int, context: int) -> Iterator[tuple[Window, Window]]:
    """Yield what is answered at once, and what has to be seen for it; both end at the frame's border."""
    height, width = size
    for top in range(0, height, side):
        for left in range(0, width, side):
            answered = Window(top, min(top + side, height), left, min(left + side, width))
            yield (
                answered,
                Window(
                    max(0, top - context),
                    min(height, answered.bottom + context),
                    max(0, left - context),
                    min(width, answered.right + context),
                ),
            )
