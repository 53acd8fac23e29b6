"""The `difference` keyer: color difference, solved again in the edges. Needs no weights, no hint, no key color."""

from __future__ import annotations

import torch
from torch import Tensor

from model.finishing import Solved, UnmixingKeyer
from model.keyer import Mattes
from model.keying.color_difference import color_difference_alpha
from model.keying.edges import UNSOLVED_MARGIN, solve_difference, stretch
from model.keying.screen import hue_rotation
from model.settings import KeySettings, Screen


class DifferenceKeyer(UnmixingKeyer):
    """Keys by color difference; see `model.keyer.Keyer` for the contract."""

    name: str = "difference"
    weights_id: str | None = None

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def solve(
        self,
        plate: Tensor,
        seen_plate: Tensor,
        seen: Tensor,
        screen: Screen,
        mattes: Mattes,
        settings: KeySettings,
        evidence: Tensor | None,
    ) -> Solved:
        """Take the color difference, and solve it again in the edges."""
        del mattes, settings, evidence
        rotation, _ = hue_rotation(screen.color)
        estimate = color_difference_alpha(plate, seen_plate, rotation)
        refined = solve_difference(plate, seen_plate, estimate, seen)
        return Solved(refined, plain=stretch(estimate, UNSOLVED_MARGIN))
