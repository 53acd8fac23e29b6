"""How well a frame was keyed, told from the key alone: spill, noise, softness, change. docs/quality.md defines each."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.settings import FrameQuality, Screen

BLOCK = 8  # pixels
EDGE = 0.02  # alpha nearer to 0 or 1 than this is no edge
POP = 0.05  # change of alpha in a block that is seen
SURE = 0.05  # a block is sure when it and its neighbors are this close to screen or core on average
INSIDE = 0.1  # a block belongs to screen or core when it and its neighbors are this close to it on average
_DIGITS = 6


def small_alpha(alpha: Tensor) -> Tensor:
    """Return the means of alpha (1, H, W) over blocks of 8 × 8 pixels: (1, H / 8, W / 8), rounded up."""
    return F.avg_pool2d(alpha[None], BLOCK, ceil_mode=True, count_include_pad=False)[0]


def measure(
    alpha: Tensor, foreground: Tensor, screen: Screen, before: Tensor | None, earlier: Tensor | None = None
) -> FrameQuality:
    """Return the figures of a frame.

    ``alpha`` is (1, H, W), ``foreground`` (3, H, W) straight and scene-linear, ``before`` the `small_alpha` of the
    frame before, where there is one of the same size, ``earlier`` that of the frame before this.
    """
    means = small_alpha(alpha)
    around = F.max_pool2d(means[None], 3, 1, 1)[0]
    least = -F.max_pool2d(-means[None], 3, 1, 1)[0]
    soft = (alpha > EDGE) & (alpha < 1.0 - EDGE)
    return FrameQuality(
        edge_spill=_spill(alpha[soft], foreground[:, soft[0]], screen),
        screen_noise=_noise(alpha, around < INSIDE),
        core_noise=_noise(1.0 - alpha, least > 1.0 - INSIDE),
        soft_share=round(float(soft.float().mean()), _DIGITS),
        change=None if before is None or before.shape != means.shape else _change(means, before.to(means)),
        popped=_popped(means, before, earlier),
    )


def _spill(alpha: Tensor, color: Tensor, screen: Screen) -> float | None:
    """Return how far the screen's main channel exceeds the others, in parts of the screen's own excess.

    ``alpha`` is (N,), ``color`` (3, N); each pixel counts by its alpha.
    """
    ordered = sorted(screen.color)
    own = ordered[2] - ordered[1]
    weight = float(alpha.sum())
    if own <= 0.0 or weight <= 0.0:
        return None
    main = screen.color.index(ordered[2])
    others = torch.maximum(color[main - 1], color[main - 2])
    excess = torch.nan_to_num(color[main] - others).clamp(min=0.0)
    return round(float((alpha * excess).sum()) / (weight * own), _DIGITS)


def _noise(strays: Tensor, inside: Tensor) -> float | None:
    if not bool(inside.any()):
        return None
    squares = small_alpha(strays.square())
    return round(float(squares[inside].mean().sqrt()), _DIGITS)


def _popped(means: Tensor, before: Tensor | None, earlier: Tensor | None) -> float | None:
    """Return how much of what this frame and an earlier one are sure of is otherwise in the one between."""
    if before is None or earlier is None or not means.shape == before.shape == earlier.shape:
        return None
    before, earlier = before.to(means), earlier.to(means)
    most, least = torch.maximum(means, earlier), torch.minimum(means, earlier)
    sure = (F.max_pool2d(most[None], 3, 1, 1)[0] < SURE) | (-F.max_pool2d(-least[None], 3, 1, 1)[0] > 1.0 - SURE)
    if not bool(sure.any()):
        return None
    pops = ((before - means).abs() > POP) & ((before - earlier).abs() > POP)
    return round(float(pops[sure].float().mean()), _DIGITS)


def _change(means: Tensor, before: Tensor) -> float:
    shown = torch.maximum(means, before) > EDGE
    return round(float((means - before).abs()[shown].mean()), _DIGITS) if bool(shown.any()) else 0.0
