"""Black bars around the picture (letterbox, pillarbox, both) are no part of it: finds them, and cuts them off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.settings import Bars

_BLACK = 0.03  # linear light: the brightest that a codec lets ring into a bar
_BLACK_ON_AVERAGE = 0.003
_UNEVEN = 2  # pixels by which a bar may be wider than the one across, or an eighth of it
_UNEVEN_SHARE = 0.125
_BLOCK = 16  # pixels in which a compressed or scaled bar fades into the picture
_FADED = 0.35  # of the light behind them
_MOST = 0.8  # share of a side: what is left is no picture any more
NO_BARS: Bars = (0.0, 0.0, 0.0, 0.0)


def find_bars(plates: Sequence[Tensor]) -> Bars:
    """Return the bars of a shot, given sampled plates (3, H, W), scene-linear and finite.

    A bar is black over its whole length in every plate, and as wide as the one across: a black floor has no like above.
    """
    if len({plate.shape for plate in plates}) != 1:
        return NO_BARS
    light = reduce(torch.maximum, (plate.amax(dim=0) for plate in plates))
    rows = _pair(light)
    middle = light[rows[0] : light.shape[0] - rows[1]]
    columns = _pair(middle.T)
    height, width = light.shape
    return rows[0] / height, rows[1] / height, columns[0] / width, columns[1] / width


def inside(picture: Tensor, bars: Bars) -> Tensor:
    """Return the part of (C, H, W) that lies within the bars; a view."""
    top, bottom, left, right = _pixels(picture.shape[-2:], bars)
    return picture[..., top : picture.shape[-2] - bottom, left : picture.shape[-1] - right]


def around(part: Tensor, plate: Tensor, bars: Bars) -> Tensor:
    """Return what lies `inside` of ``plate`` (3, H, W), such as its alpha, at its place and 0 around it (C, H, W)."""
    top, bottom, left, right = _pixels(plate.shape[-2:], bars)
    return functional.pad(part, (left, right, top, bottom))


def _pixels(size: Sequence[int], bars: Bars) -> tuple[int, int, int, int]:
    """Return the bars in pixels of a picture of ``size``, a reduced one too: what is bar in part counts as bar."""
    height, width = size
    top, bottom, left, right = (
        math.ceil(share * side - 1e-3) for share, side in zip(bars, (height, height, width, width), strict=True)
    )
    return top, bottom, left, right


def _pair(light: Tensor) -> tuple[int, int]:
    """Return how many rows of ``light`` (H, W) are bars above and below; none where they are no pair."""
    black = (light.amax(dim=1) <= _BLACK) & (light.mean(dim=1) <= _BLACK_ON_AVERAGE)
    picture = (~black).nonzero().flatten()
    if len(picture) == 0:
        return 0, 0
    above, below = int(picture[0]), len(black) - 1 - int(picture[-1])
    allowed = max(_UNEVEN, _UNEVEN_SHARE * max(above, below))
    if min(above, below) == 0 or abs(above - below) > allowed or above + below > _MOST * len(black):
        return 0, 0
    mean = light.mean(dim=1)
    return above + _faded(mean[above:]), below + _faded(mean.flip(0)[below:])


def _faded(mean: Tensor) -> int:
    """Return how many of the first rows, by their ``mean`` light, are bar in part."""
    if len(mean) <= 2 * _BLOCK:
        return 0
    return int((mean[:_BLOCK] < _FADED * mean[_BLOCK]).cumprod(dim=0).sum())
