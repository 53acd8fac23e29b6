"""What an error is: every figure of the score, as pure numpy functions on one picture (or a sequence) and its truth.

All sums run in float64 on the CPU, so a figure does not depend on the device that keyed the picture.
Alpha is (H, W); foreground, background and plate are (H, W, 3), straight, scene-linear. Figures are
plain: tables scale them. In formulas, a is alpha, F the foreground, a* and F* their truth.

Sources; what cites none is our own definition and says its formula
    Rhemann et al., "A perceptually motivated online benchmark for image matting", CVPR 2009: SAD, MSE, gradient,
    connectivity. There they are summed over the trimap's unknown area; a keyer has no trimap, so here they run over the
    whole picture, and once more over the edge band.
    Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance", WACV 2022: MAD, MSE, dtSSD on video, and
    MSE of the foreground where there is some.
    Erofeev et al., "Perceptually motivated benchmark for video matting", BMVC 2015: dtSSD.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Picture = NDArray[np.floating]
Mask = NDArray[np.bool_]

CORE_FROM = 0.999
SCREEN_TO = 0.001
FOREGROUND_FROM = 0.02
"""Foreground counts where a* is above this. Lin et al. count a* > 0, but there the truth's straight color is a quotient
of tiny numbers (premultiplied light ÷ coverage): blur, reduction and rounding make it arbitrary, and no composite shows
more than a fiftieth of it."""

NOT_MEASURED = math.nan


def edge_band(truth: Picture) -> Mask:
    """Own definition: pixels where 0.01 < a* < 0.99, dilated by a square of 5 × 5 (two pixels to each side)."""
    soft = (truth > 0.01) & (truth < 0.99)
    return np.asarray(ndimage.binary_dilation(soft, np.ones((5, 5), bool)))


def true_core(truth: Picture) -> Mask:
    """Pixels that the truth calls opaque: alpha ≥ 0.999."""
    return np.asarray(truth >= CORE_FROM)


def true_screen(truth: Picture) -> Mask:
    """Pixels that the truth calls empty: alpha ≤ 0.001."""
    return np.asarray(truth <= SCREEN_TO)


def mean_absolute_error(alpha: Picture, truth: Picture, where: Mask | None = None) -> float:
    """MAD: mean |a − a*| over ``where`` (unset: the whole picture); NaN where there is nothing to measure."""
    return _mean(np.abs(_double(alpha) - _double(truth)), where)


def mean_squared_error(alpha: Picture, truth: Picture, where: Mask | None = None) -> float:
    """MSE: mean (a − a*)² over ``where`` (unset: the whole picture)."""
    return _mean((_double(alpha) - _double(truth)) ** 2, where)


def sum_of_absolute_differences(alpha: Picture, truth: Picture, where: Mask | None = None) -> float:
    """SAD: Σ |a − a*| / 1000 over ``where`` (unset: the whole picture); NaN where there is nothing to measure.

    It grows with the picture, as do ``gradient_error`` and ``connectivity_error``; compare them on equal pictures only.
    """
    return _sum_in_thousands(np.abs(_double(alpha) - _double(truth)), where)


def gradient_error(alpha: Picture, truth: Picture, where: Mask | None = None) -> float:
    """Grad: Σ (|∇a| − |∇a*|)² / 1000 over ``where``, ∇ by derivatives of a Gaussian with σ 1.4 (Rhemann 2009, q = 2).

    As in the benchmark's own evaluation the kernels reach to where the Gaussian falls under 0.01, have unit L2 norm,
    and the picture is continued by its border pixels. They see the whole picture whatever ``where`` is.
    """
    return _sum_in_thousands((_gradient(alpha) - _gradient(truth)) ** 2, where)


def connectivity_error(alpha: Picture, truth: Picture, where: Mask | None = None, step: float = 0.1) -> float:
    """Conn: Σ |φ(a) − φ(a*)| / 1000 over ``where`` (Rhemann 2009: p = 1, θ = 0.15, thresholds ``step`` apart).

    The source region is the largest 4-connected area where both alphas reach a threshold, found in the whole picture
    whatever ``where`` is; ``l`` is the last threshold at which a pixel still belongs to it, and φ(a) = 1 − (a − l)
    where a − l ≥ 0.15, else 1.
    """
    alpha, truth = _double(alpha), _double(truth)
    level = np.full(truth.shape, -1.0)
    count = round(1.0 / step)
    for index in range(1, count + 1):
        both = (truth >= index * step - 1e-9) & (alpha >= index * step - 1e-9)
        lost = (level < 0.0) & ~_largest_area(both)
        level[lost] = (index - 1) * step
    level[level < 0.0] = 1.0
    return _sum_in_thousands(np.abs(_connected(alpha, level) - _connected(truth, level)), where)


def core_error(alpha: Picture, truth: Picture) -> float:
    """Holes, own definition: mean (1 − a) where a* ≥ 0.999."""
    return _mean(1.0 - _double(alpha), true_core(truth))


def screen_error(alpha: Picture, truth: Picture) -> float:
    """Residue, own definition: mean a where a* ≤ 0.001."""
    return _mean(_double(alpha), true_screen(truth))


def foreground_error(foreground: Picture, true_foreground: Picture, truth: Picture) -> float:
    """Own definition: mean |F − F*| of the straight colors in linear light, over channels, where a* > 0.02."""
    error = np.abs(_double(foreground) - _double(true_foreground)).mean(axis=-1)
    return _mean(error, truth > FOREGROUND_FROM)


def foreground_error_display(foreground: Picture, true_foreground: Picture, truth: Picture) -> float:
    """MSE of the straight foreground, sRGB-encoded and clipped to 0–1, where a* > 0.02 (Lin 2022: where a* > 0)."""
    error = ((display(foreground) - display(true_foreground)) ** 2).mean(axis=-1)
    return _mean(error, truth > FOREGROUND_FROM)


def spill_left(foreground: Picture, true_foreground: Picture, truth: Picture, screen_color: Sequence[float]) -> float:
    """Own definition: mean max(0, e(F) − e(F*)) in linear light where a* > 0.02, e the excess of the screen's primary.

    The primary p is the screen color's largest channel, and e(F) = max(0, F_p − larger of the other two): the excess
    test of Vlahos's color difference. Green that the subject truly has is no spill.
    """
    excess = _excess(foreground, screen_color) - _excess(true_foreground, screen_color)
    return _mean(np.maximum(excess, 0.0), truth > FOREGROUND_FROM)


def marker_residue(alpha: Picture, truth: Picture, markers: Mask) -> float:
    """Own definition: mean a on bare tracking markers, ``markers`` where a* ≤ 0.001; NaN where none shows."""
    return _mean(_double(alpha), true_screen(truth) & markers)


def recomposition_error(
    alpha: Picture,
    foreground: Picture,
    truth: Picture,
    true_foreground: Picture,
    true_glow: Picture | None = None,
    where: Mask | None = None,
) -> float:
    """What a compositor sees, own definition: mean |aF + (1 − a)N − (a*F* + (1 − a*)N + E*)| in linear light.

    The mean runs over pixels, channels and four fixed new backgrounds N (``backgrounds``). E* is ``true_glow``, light
    of the subject that no coverage carries. ``where`` (unset: the whole picture) leaves out pixels whose true light the
    plate cannot tell.
    """
    height, width = truth.shape
    alpha, truth = _double(alpha)[..., None], _double(truth)[..., None]
    light = alpha * _double(foreground) - truth * _double(true_foreground)
    light = light if true_glow is None else light - _double(true_glow)
    errors = [_mean(np.abs(light + (truth - alpha) * new).mean(-1), where) for new in backgrounds(height, width)]
    return sum(errors) / len(errors)


def temporal_error(alphas: Sequence[Picture], truths: Sequence[Picture]) -> float:
    """DtSSD: mean over neighboring frames of sqrt(mean(((pₜ − pₜ₋₁) − (aₜ − aₜ₋₁))²)) · 100; NaN for fewer than two."""
    errors = [_double(alpha) - _double(truth) for alpha, truth in zip(alphas, truths, strict=True)]
    pairs = [math.sqrt(((later - earlier) ** 2).mean()) for earlier, later in pairwise(errors)]
    return 100.0 * sum(pairs) / len(pairs) if pairs else NOT_MEASURED


def temporal_error_of_change(alphas: Sequence[Picture], truths: Sequence[Picture]) -> float:
    """DtSSD-n, own definition: `temporal_error` divided by that of a *frozen matte*, which holds one alpha.

    A frozen matte errs by all that the truth changes, and scores 1 whatever it holds: at 1 or above, a keyer's changes
    are worth nothing. NaN where the truth does not change.
    """
    frozen = frozen_error(truths)
    return temporal_error(alphas, truths) / frozen if frozen > 0.0 else NOT_MEASURED


def frozen_error(truths: Sequence[Picture]) -> float:
    """Return the dtSSD of a matte that does not change, ×100 like `temporal_error`; NaN for fewer than two frames."""
    return temporal_error([truths[0]] * len(truths), truths) if len(truths) else NOT_MEASURED


def backgrounds(height: int, width: int) -> list[Picture]:
    """Return four fixed scene-linear backgrounds (H, W, 3): flat dark, textured mid, textured bright, strong colors.

    Textures are random values on a coarse grid, blended linearly, from PCG64 with a fixed seed: the same everywhere.
    """
    random = np.random.Generator(np.random.PCG64(20_261_121))
    dark = np.broadcast_to(np.array([0.02, 0.02, 0.025]), (height, width, 3))
    mid = _blend(0.2 + 0.6 * random.random((6, 8, 1)), height, width) * np.ones(3)
    bright = _blend(0.6 + 0.4 * random.random((12, 16, 1)), height, width) * np.array([1.0, 0.97, 0.92])
    colors = _blend(random.random((5, 7, 3)), height, width)
    return [dark, mid, bright, colors]


def display(linear: Picture) -> Picture:
    """Encode linear light, clipped to 0–1, with the sRGB curve (IEC 61966-2-1)."""
    light = np.clip(_double(linear), 0.0, 1.0)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1.0 / 2.4) - 0.055)
    return np.asarray(encoded)


def _double(picture: Picture) -> Picture:
    return np.asarray(picture, dtype=np.float64)


def _mean(values: Picture, where: Mask | None) -> float:
    chosen = values if where is None else values[where]
    return float(chosen.mean()) if chosen.size else NOT_MEASURED


def _sum_in_thousands(values: Picture, where: Mask | None) -> float:
    chosen = values if where is None else values[where]
    return float(chosen.sum() / 1000.0) if chosen.size else NOT_MEASURED


def _excess(foreground: Picture, screen_color: Sequence[float]) -> Picture:
    primary = int(np.argmax(screen_color))
    others = [channel for channel in range(3) if channel != primary]
    color = _double(foreground)
    return np.asarray(np.maximum(color[..., primary] - color[..., others].max(axis=-1), 0.0))


def _gradient(picture: Picture, sigma: float = 1.4, smallest: float = 0.01) -> Picture:
    reach = math.ceil(sigma * math.sqrt(-2.0 * math.log(math.sqrt(2.0 * math.pi) * sigma * smallest)))
    place = np.arange(-reach, reach + 1, dtype=np.float64)
    bell = np.exp(-(place**2) / (2.0 * sigma**2)) / (sigma * math.sqrt(2.0 * math.pi))
    slope = -place * bell / sigma**2
    norm = math.sqrt(float((bell**2).sum() * (slope**2).sum()))
    picture = _double(picture)
    along = [
        ndimage.convolve1d(ndimage.convolve1d(picture, slope, axis, mode="nearest"), bell, 1 - axis, mode="nearest")
        for axis in (0, 1)
    ]
    return np.asarray(np.hypot(along[0], along[1]) / norm)


def _largest_area(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _connected(alpha: Picture, level: Picture) -> Picture:
    beyond = alpha - level
    return np.asarray(1.0 - beyond * (beyond >= 0.15))


def _blend(grid: Picture, height: int, width: int) -> Picture:
    rows = np.linspace(0.0, grid.shape[0] - 1.0, height)
    columns = np.linspace(0.0, grid.shape[1] - 1.0, width)
    along = np.apply_along_axis(lambda line: np.interp(rows, np.arange(line.size), line), 0, grid)
    return np.asarray(np.apply_along_axis(lambda line: np.interp(columns, np.arange(line.size), line), 1, along))
