"""Looks past smoke and haze: tells which purer colors of its hue a veiled screen shows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from model.keying.fill import box_blur

_STEP = 0.02  # width of a histogram cell; purities run from 0 (grey) to 0.82 (one channel alone)
_CELLS = 44
_ASIDE = 0.3  # tangent of the angle about grey within which colors count as of one hue: smoke is not quite grey itself
_APART = 0.10  # purer by less, it is the same screen in other light
_RISE = 1.1  # a bare patch of screen is more frequent than the thinnest veil beside it
_WEIGHT = 0.3  # … and has to count for something beside what was found first
_THINNEST = (
    0.05  # the least share of veiled colors, relative to the bare ones: a subject's own color has an edge, no veil
)


def purer_colors(chromaticity: Tensor, weights: Tensor, center: Tensor) -> Iterator[Tensor]:
    """Yield chromaticities (3,) of the hue of ``center``, but purer, that a veil may have turned into it; purest first.

    ``chromaticity`` (3, N) are samples, channels summing to 1, and ``weights`` (N) say how screen-like each is. Smoke
    mixes the screen with near-grey, in any share: along the line from grey through ``center`` lies an unbroken row of
    mixtures, and where screen is seen bare, it ends in a peak. A screen in other light and a purer subject do not show
    both the row and the peak, so they yield nothing.
    """
    grey = 1.0 / 3.0
    axis = (center - grey) / (center - grey).norm().clamp_min(1e-6)
    purity = axis @ (chromaticity - grey)
    aside = (chromaticity - grey - axis[:, None] * purity).square().sum(dim=0).sqrt()
    cells = (purity / _STEP).long().clamp(0, _CELLS - 1)
    histogram = torch.zeros(_CELLS, device=weights.device).index_add(0, cells, weights * (aside < _ASIDE * purity))
    often = box_blur(histogram[None, None], 1).flatten().tolist()
    found = int(float((center - grey).norm()) / _STEP)
    main = max(often[max(0, found - 2) : found + 3])
    for cell in range(_CELLS - 2, found + round(_APART / _STEP), -1):
        peak, veiled = often[cell], min(often[found:cell])
        rises = peak >= max(often[cell - 1 : cell + 2]) and peak > _RISE * veiled
        if rises and veiled > _THINNEST * peak and peak * peak > _WEIGHT * veiled * main:
            yield grey + axis * (cell + 0.5) * _STEP
