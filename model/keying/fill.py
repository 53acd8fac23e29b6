"""Fills the unknown part of a picture smoothly from its known part, at any distance (pull-push)."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

_EMPTY = 1e-8  # weights below this carry no information in float32


def fill(values: Tensor, weights: Tensor) -> Tensor:
    """Return ``values`` where ``weights`` are 1 and a smooth continuation of them where weights are 0.

    ``values`` (C, H, W) must be finite; ``weights`` (1, H, W) in 0–1 say how well each pixel is known. With no known
    pixel at all the result is 0. Method: Gortler et al., "The Lumigraph" (1996), section 4.3: average the known
    pixels into ever coarser levels until none is empty, then fill each level's gaps from the coarser one.
    """
    filled, _ = _pull_push(values, weights.clamp(0.0, 1.0))
    return filled


def _pull_push(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    height, width = values.shape[-2:]
    if (height <= 1 and width <= 1) or bool((weights >= 1.0).all()):
        return values * (weights > _EMPTY), weights
    pad = (0, width % 2, 0, height % 2)
    padded_weights = functional.pad(weights[None], pad)
    mean_weight = functional.avg_pool2d(padded_weights, 2)[0]
    mean_value = functional.avg_pool2d(functional.pad((values * weights)[None], pad), 2)[0]
    mean_value = mean_value / mean_weight.clamp_min(_EMPTY)
    coarse, _ = _pull_push(mean_value, (mean_weight * 4.0).clamp_max(1.0))
    size = (height + height % 2, width + width % 2)
    fine = functional.interpolate(coarse[None], size=size, mode="bilinear", align_corners=False)[0]
    fine = fine[:, :height, :width]
    return torch.lerp(fine, values, weights), weights


def reduce(picture: Tensor, factor: int) -> Tensor:
    """Return (C, ⌈H / factor⌉, ⌈W / factor⌉): means of factor × factor pixels, fewer at the far edges."""
    if factor == 1:
        return picture
    return functional.avg_pool2d(picture[None], factor, ceil_mode=True, count_include_pad=False)[0]


def enlarge(picture: Tensor, size: torch.Size | tuple[int, int], factor: int, *, smooth: bool = True) -> Tensor:
    """Undo `reduce`: bring (C, h, w) back to ``size``, bilinearly or (``smooth`` false) pixel by pixel."""
    if factor == 1:
        return picture
    scale = float(factor)  # not the ratio of sizes: the far edge was rounded up, and pixels must not drift
    if smooth:
        bigger = functional.interpolate(picture[None], scale_factor=scale, mode="bilinear", align_corners=False)
    else:
        bigger = functional.interpolate(picture[None], scale_factor=scale, mode="nearest")
    return bigger[0, :, : size[0], : size[1]]


def box_blur(picture: Tensor, radius: int) -> Tensor:
    """Return the mean over (2·radius + 1)² pixels, edges counted by what lies inside; (C, H, W)."""
    if radius < 1:
        return picture
    size = 2 * radius + 1
    rows = functional.avg_pool2d(picture[None], (1, size), 1, (0, radius), count_include_pad=False)
    return functional.avg_pool2d(rows, (size, 1), 1, (radius, 0), count_include_pad=False)[0]


def dilate(mask: Tensor, radius: int) -> Tensor:
    """Return the maximum over a square of (2·radius + 1)² pixels; (1, H, W)."""
    if radius < 1:
        return mask
    return _running_maximum(_running_maximum(mask, radius).mT, radius).mT.contiguous()


def _running_maximum(mask: Tensor, radius: int) -> Tensor:
    """Return the maximum of 2·radius + 1 pixels along rows, of (…, H, W).

    A maximum over twice the width is that of two neighbours: a sixth of what pooling takes on a CPU.
    """
    size = 2 * radius + 1
    found, width = functional.pad(mask, (radius, radius), value=-torch.inf), 1
    while width < size:
        step = min(width, size - width)
        found, width = torch.maximum(found[..., step:], found[..., :-step]), width + step
    return found


def erode(mask: Tensor, radius: int) -> Tensor:
    """Return the minimum over a square of (2·radius + 1)² pixels; (1, H, W)."""
    return -dilate(-mask, radius)
