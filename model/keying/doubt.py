"""Tells how likely each pixel's alpha is wrong by more than 0.02, from the key alone.

A logistic regression on what makes keys err: softness, how far refined and plain alpha disagree, and how near the
color of the plate is to that of the screen behind. `python -m model.evaluation.doubt` fits it on made shots whose alpha
is known, and prints how well it holds on shots that it was not fitted on. docs/quality.md has the curve.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.keying.fill import box_blur

WRONG = 0.02  # of alpha
FEATURES = 12
_FINE, _COARSE = 2, 8  # pixels of radius

WEIGHTS: dict[str, tuple[float, ...]] = {
    "neural": (-4.1417, -5.1019, 4.6629, 4.9106, -7.7065, 10.9122, -1.4336, 1.4949, -4.1053, -4.0983, 2.9776, 6.6621),
    "difference": (-2.8822, -7.3839, 7.6972, 8.0317, -3.4686, 4.6435, -4.3679, 2.2248, 0.2827, -8.1652, 1.5176, 5.8975),
}
"""By the name of a keyer; one that is not here is doubted as `difference` is."""


def doubt(alpha: Tensor, plain: Tensor | None, plate: Tensor, clean_plate: Tensor, keyer: str) -> Tensor:
    """Return doubt (1, H, W), 0–1, about ``alpha`` (1, H, W); ``plain`` is another estimate of it, if there is one."""
    weights = WEIGHTS.get(keyer.partition(":")[0], WEIGHTS["difference"])
    total = torch.zeros_like(alpha)
    for weight, feature in zip(weights, features(alpha, plain, plate, clean_plate), strict=True):
        total.add_(feature, alpha=weight)
    return total.sigmoid_()


def features(alpha: Tensor, plain: Tensor | None, plate: Tensor, clean_plate: Tensor) -> list[Tensor]:
    """Return what doubt is told by: FEATURES tensors (1, H, W), each about 0 to 1."""
    soft = 4.0 * alpha * (1.0 - alpha)
    apart = torch.zeros_like(alpha) if plain is None else (alpha - plain).abs()
    level = clean_plate.abs().amax(dim=0, keepdim=True).clamp_min(1e-3)
    distance = ((plate - clean_plate).abs().amax(dim=0, keepdim=True) / level).clamp(0.0, 1.0)
    around = box_blur(torch.cat((soft, apart, (alpha - 0.5).abs() * 2.0)), _FINE)
    wide = box_blur(around[:2], _COARSE)
    return [
        torch.ones_like(alpha),
        soft,
        soft.sqrt(),
        around[0:1],
        wide[0:1],
        wide[0:1].sqrt(),
        apart,
        around[1:2].clamp_min(0.0).sqrt(),
        wide[1:2].clamp_min(0.0).sqrt(),
        1.0 - around[2:3],
        (1.0 - distance) * alpha,
        distance * (1.0 - alpha),
    ]
