"""How a plate was recorded: how sharp its chroma is beside its luma, and how much grain its screen has.

What a keyer can trust depends on it. In a 4:2:0 plate color ends a pixel or two beside the outline that luma draws, so
a solved alpha is too soft there; in a plate without grain or loss it is nearly right.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

_LUMA = (0.3, 0.6, 0.1)  # about Rec.601's and Rec.709's; no more is needed to find detail
_SHARP = 0.95  # of chroma against luma: below it, chroma was subsampled
_SURELY_SHARP = 0.1  # of the sharpness that `recording` tells, as are the two of its grain below
_SMOOTHED, _GRAINY = -0.5, 0.2
_FINE = 0.01  # grain of a good camera, in color difference, where plain screen is 1
_BRIGHTEST = 100.0  # light beyond it is cut, or its squares would be infinite
_SMALLEST = 8  # pixels of a side, below which there is no detail to compare
_SUBSAMPLED, _EVERYWHERE_SHARP = 0.88, 0.92  # of chroma against luma, along rows or columns
_LINES = 4  # every so many lines tell what sharpness along them is


def recording(plate: Tensor, difference: Tensor, seen: Tensor) -> Tensor:
    """Return chroma sharpness and grain, two numbers in −1–1, of a finite scene-linear plate (3, H, W).

    Sharpness is about −1 to 0 for 4:2:0 and above 0 for 4:4:4. Grain, 0 for a good camera and −1 for none, is that of
    the color difference alpha ``difference`` (1, H, W) where plain screen is ``seen`` (1, H, W).

    Detail that 4:2:0 can hold is compared with detail that it cannot: the share of the finest octave, in chroma and in
    luma, weighed by where both have edges.
    """
    if min(plate.shape[-2:]) < _SMALLEST:
        return torch.zeros(2, device=plate.device)
    height, width = _whole(plate).shape[-2:]
    sharpness = _sharpness(_display(plate), (2, 2))
    # Only well inside the screen: an edge beside it is no grain.
    hidden = functional.max_pool2d(1.0 - seen[None, :, :height, :width], 2)
    bare = 1.0 - functional.max_pool2d(hidden, 5, stride=1, padding=2)
    rough, _ = _detail(difference[None, :, :height, :width].clamp(-2.0, 2.0), (2, 2))
    grain = (bare * rough).sum() / bare.sum().clamp_min(1e-6)
    known = torch.stack((4.0 * (sharpness - _SHARP), (grain / _FINE).clamp_min(1e-3).log2() / 4.0))
    return known.clamp(-1.0, 1.0)


def chroma_halved(plate: Tensor) -> Tensor:
    """Return, 0–1, how surely chroma was halved along rows and along columns of a finite plate (3, H, W): (2,).

    Both for 4:2:0, along rows alone for 4:2:2, neither for 4:4:4.
    """
    if min(plate.shape[-2:]) < _SMALLEST:
        return torch.zeros(2, device=plate.device)
    display = _display(plate)
    sharp = torch.stack((_sharpness(display[..., ::_LINES, :], (1, 2)), _sharpness(display[..., ::_LINES], (2, 1))))
    return ((_EVERYWHERE_SHARP - sharp) / (_EVERYWHERE_SHARP - _SUBSAMPLED)).clamp(0.0, 1.0)


def exact_color(recorded: Tensor, halved: Tensor) -> Tensor:
    """Return, 0–1, how surely a plate's color ends where its outline does: (1, …).

    Chroma is then as sharp as luma, by what `recording` said of it (2, …) and by what was ``halved`` (2,); and there is
    grain: what is smoother than any camera's was smoothed by an encoder.
    """
    sharpness, grain = recorded[:1], recorded[1:2]
    exact = (sharpness / _SURELY_SHARP).clamp(0.0, 1.0) * ((grain - _SMOOTHED) / _GRAINY).clamp(0.0, 1.0)
    return exact * (1.0 - halved.max())


def luma(display: Tensor) -> Tensor:
    """Return the luma (N, 1, H, W) of a picture as a display shows it (N, 3, H, W)."""
    return (display * torch.tensor(_LUMA, device=display.device)[:, None, None]).sum(dim=1, keepdim=True)


def _whole(picture: Tensor) -> Tensor:
    """Cut the last rows and columns off that are no full four."""
    height, width = (side - side % 4 for side in picture.shape[-2:])
    return picture[..., :height, :width]


def _display(plate: Tensor) -> Tensor:
    """Return the plate as a display shows it, (1, 3, H, W), sides cut to multiples of 4."""
    return _whole(plate)[None].clamp(0.0, _BRIGHTEST) ** (1.0 / 2.2)


def _sharpness(display: Tensor, step: tuple[int, int]) -> Tensor:
    """Return the share of the finest octave in chroma's detail, against that in luma's; ``step`` halves an octave."""
    bright = luma(display)
    fine_luma, coarse_luma = _detail(bright, step)
    fine, coarse = (part.sum(dim=1, keepdim=True) for part in _detail(display[:, 0::2] - bright, step))
    weight = coarse * coarse_luma

    def share(part: Tensor, whole: Tensor) -> Tensor:
        return (weight * part).sum() / (weight * whole).sum().clamp_min(1e-9)

    return share(fine, coarse) / share(fine_luma, coarse_luma).clamp_min(1e-6)


def _detail(picture: Tensor, step: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return how much detail (1, C, H/2, W/2) the finest octave has, and the one after it."""
    half = functional.avg_pool2d(picture, step)
    quarter = functional.avg_pool2d(half, step)
    fine = (picture - _like(half, picture)).abs()
    return functional.avg_pool2d(fine, step), (half - _like(quarter, half)).abs()


def _like(small: Tensor, large: Tensor) -> Tensor:
    return functional.interpolate(small, size=large.shape[-2:], mode="bilinear", align_corners=False)
