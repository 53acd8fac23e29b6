"""The `difference` keyer: color difference, solved again in the edges. Needs no weights, no hint, no key color."""

from __future__ import annotations

import torch
from torch import Tensor

from model.finishing import UnmixingKeyer
from model.keying.color_difference import color_difference_alpha
from model.keying.edges import UNSOLVED_MARGIN, solve_edges
from model.keying.screen import hue_rotation
from model.settings import KeySettings, Screen

_LEAST_NOISE = 1e-6  # variance; a synthetic plate has none, and zero would divide


class DifferenceKeyer(UnmixingKeyer):
    """Keys by color difference; see `model.keyer.Keyer` for the contract."""

    name: str = "difference"
    weights_id: str | None = None

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def solve(self, plate: Tensor, seen_plate: Tensor, seen: Tensor, screen: Screen, settings: KeySettings) -> Tensor:
        """Take the color difference, and solve it again in the edges."""
        rotation, _ = hue_rotation(screen.color)
        estimate = color_difference_alpha(plate, seen_plate, rotation)
        return _edges(plate, seen_plate, estimate, seen) if settings.refine_edges else _clip(estimate, UNSOLVED_MARGIN)


def _edges(plate: Tensor, seen_plate: Tensor, estimate: Tensor, seen: Tensor) -> Tensor:
    """Solve the edges with the noise that this frame's own screen shows, eightfold: edges ring and are compressed."""
    count = seen.sum().clamp_min(1.0)
    noise = ((plate - seen_plate).square().mean(dim=0, keepdim=True) * seen).sum() / count
    grain = ((estimate.square() * seen).sum() / count).sqrt()
    margin = min(max(0.03, 4.0 * float(grain)), 0.15)
    return _clip(solve_edges(plate, seen_plate, estimate, 8.0 * noise + _LEAST_NOISE, margin), 0.02)


def _clip(alpha: Tensor, margin: float) -> Tensor:
    """Stretch alpha so that ``margin`` becomes 0 and 1 − margin becomes 1."""
    return ((alpha - margin) / (1.0 - 2.0 * margin)).clamp(0.0, 1.0)
