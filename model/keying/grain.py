"""Calms heavy grain, so that it does not pass for subject or edge. What is delivered keeps its own.

Grain of a camera has about the same deviation everywhere in the square root of light (photons: Anscombe 1948). A pixel
becomes the mean of those around it that look alike, weighed as in bilateral filters (Tomasi and Manduchi 1998);
likeness is judged by small means, which the grain itself disturbs less (as patches do: Buades, Coll and Morel 2005).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.clean_plate import clean_plate
from model.keying.color_difference import color_difference_alpha
from model.keying.screen import hue_rotation
from model.settings import Screen

_LIGHT, _HEAVY = 0.003, 0.004  # deviation of grain that is left alone, and of grain that is wholly calmed
_REACH = 2  # pixels
_ALIKE = 3.0  # deviations of the grain
_OF_GAUSSIAN = 0.6745  # median of the size of a normal deviate
_EVERY = 24  # so many rows, one tells the grain
_BRIGHTEST = 1e4  # light beyond it is no grain's
_LEAST = 1e-5
_LEAST_SAMPLE = 64  # pixels
_BAND = 32  # rows at a time on a CPU: they stay in the cache
_BAND_OF_A_CARD = 512  # elsewhere: enough to do at once, and little of its memory
_HARMLESS, _HARMFUL = 0.05, 0.12  # deviation that grain gives the color difference alpha of plain screen


def seen_through_grain(
    plate: Tensor, screen: Screen, own_clean_plate: Tensor | None = None, evidence: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the plate (3, H, W) that alpha is to be solved on, its clean plate, and where plain screen is seen.

    The last is (1, H, W); ``plate`` is finite. An artist's ``own_clean_plate`` (3, H, W) stands for the one that is
    worked out, with the ``evidence`` (1, h, w) of a subject. Keying and training both look through this, or a network
    would meet other plates than it learned on.
    """
    calm = calmed(plate)
    found, seen = clean_plate(calm, screen, evidence)
    behind = found if own_clean_plate is None else own_clean_plate
    return calm_enough(plate, calm, behind, seen, hue_rotation(screen.color)[0]), behind, seen


def grain(plate: Tensor) -> Tensor:
    """Return the deviation of the grain, in the square root of light, of each channel of a finite plate (3, H, W).

    What is left of a pixel when planes through its neighbours are taken away, in the middle of all pixels: Immerkær,
    "Fast Noise Variance Estimation" (1996), with a median, so that edges do not count. Nor do pixels that fit a plane
    exactly: bars, a black stage, a clipped window have no grain, and may fill more than half of a frame.
    """
    if min(plate.shape[-2:]) < 3:
        return torch.zeros(3, device=plate.device)
    above, middle, below = (_root(plate[:, row : plate.shape[1] - 2 + row : _EVERY]) for row in range(3))
    rows = above - 2.0 * middle + below
    rough = (rows[..., :-2] - 2.0 * rows[..., 1:-1] + rows[..., 2:]).flatten(1).abs()
    alive = (rough > _LEAST).any(dim=0)
    if int(alive.sum()) < _LEAST_SAMPLE:
        return torch.zeros(3, device=plate.device)
    return rough[:, alive].quantile(0.5, dim=1) / (6.0 * _OF_GAUSSIAN)  # 36 is the sum of the squared weights


def calmed(plate: Tensor) -> Tensor:
    """Return a finite plate (3, H, W) with its heavy grain averaged away; one with little grain is returned itself."""
    deviation = grain(plate)
    heavy = _share(float(deviation.mean()), _LIGHT, _HEAVY)
    if heavy == 0.0:
        return plate
    root = _root(plate)
    # Light below 0 and beyond any camera is no grain's.
    plain = (plate >= 0.0) & (plate <= _BRIGHTEST)
    return torch.where(plain, torch.lerp(plate, _averaged(root, deviation).square(), heavy), plate)


def calm_enough(plate: Tensor, calm: Tensor, behind: Tensor, seen: Tensor, rotation: Tensor) -> Tensor:
    """Return ``plate`` (3, H, W), drawn towards the ``calm`` one as far as its grain disturbs keying.

    A well-lit screen stands apart in spite of it, and fine hair is lost with the grain; in a dark one grain passes for
    subject. ``seen`` (1, H, W) tells where plain screen is, the clean plate ``behind`` (3, H, W) how it looks.
    """
    if calm is plate or not bool((seen > 0.0).any()):
        return calm
    noisy, quiet = (color_difference_alpha(one, behind, rotation) for one in (plate, calm))
    disturbed = float(((noisy - quiet).square() * seen).sum() / seen.sum()) ** 0.5
    return torch.lerp(plate, calm, _share(disturbed, _HARMLESS, _HARMFUL))


def grained(color: Tensor, plate: Tensor, where: Tensor) -> Tensor:
    """Return ``color`` (3, H, W) with grain as heavy as the plate's, as far as ``where`` (1, H, W) says, 0–1.

    The same plate gives the same grain, and another frame another.
    """
    deviation = grain(plate)
    places = where.flatten().nonzero()[:, 0]
    if places.numel() == 0 or float(deviation.max()) == 0.0:
        return color
    # A sum of whole numbers is the same in whatever order a machine takes it.
    seed = int(plate[:, ::37, ::41].contiguous().view(torch.int32).long().sum())
    source = torch.Generator().manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
    noise = torch.randn(3, places.numel(), generator=source).to(color) * deviation[:, None] * where.flatten()[places]
    flat = color.flatten(1).clone()
    light = flat[:, places]
    plain = (light >= 0.0) & (light <= _BRIGHTEST)
    flat[:, places] = torch.where(plain, (light.clamp(0.0, _BRIGHTEST).sqrt() + noise).clamp_min(0.0).square(), light)
    return flat.view_as(color)


def _averaged(root: Tensor, deviation: Tensor) -> Tensor:
    """Return means (3, H, W) of the pixels around that look alike, given the deviation of the grain (3,)."""
    likeness = functional.avg_pool2d(functional.pad(root[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
    likeness = likeness / (_ALIKE * math.sqrt(2.0) * deviation.clamp_min(_LEAST))[:, None, None]
    around = (_REACH,) * 4
    wide, wide_likeness = (functional.pad(part[None], around, mode="replicate")[0] for part in (root, likeness))
    band = _BAND if root.device.type == "cpu" else _BAND_OF_A_CARD
    rows = [slice(top, top + band + 2 * _REACH) for top in range(0, root.shape[1], band)]
    return torch.cat([_averaged_band(wide[:, some], wide_likeness[:, some]) for some in rows], dim=1)


def _averaged_band(wide: Tensor, likeness: Tensor) -> Tensor:
    """Return the means of a band of rows, less what lies beyond reach at its sides."""
    height, width = (side - 2 * _REACH for side in wide.shape[-2:])
    middle = likeness[:, _REACH : _REACH + height, _REACH : _REACH + width]
    total, weights = torch.zeros_like(middle), torch.zeros_like(middle[:1])
    for down in range(2 * _REACH + 1):
        for right in range(2 * _REACH + 1):
            there = (slice(None), slice(down, down + height), slice(right, right + width))
            weight = (likeness[there] - middle).square_().sum(dim=0, keepdim=True).neg_().exp_()
            total.addcmul_(weight, wide[there])
            weights += weight
    return total / weights


def _root(plate: Tensor) -> Tensor:
    return plate.clamp(0.0, _BRIGHTEST).sqrt()


def _share(value: float, least: float, most: float) -> float:
    return min(max((value - least) / (most - least), 0.0), 1.0)
