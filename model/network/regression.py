"""The `regression` network of 2019: a small convolution over each pixel's neighbourhood that answers alpha itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from model.network.interface import AlphaNetwork, Option


class Regression(AlphaNetwork):
    """Conv 5×5 ×32 → max over pairs of maps → conv 1×1 ×32 → conv 3×3 ×16 → conv 1×1 ×1, sigmoid; 7 617 weights.

    The maximum over depth by 2 leaves 16 maps: each is the larger of two neighbouring ones (maxout, Goodfellow et
    al. 2013). One pixel sees 7 × 7.
    """

    name: ClassVar[str] = "regression"
    context: ClassVar[tuple[int, int]] = (3, 3)
    multiple: ClassVar[int] = 1
    tiles: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 5)
        self.second = nn.Conv2d(16, 32, 1)
        self.third = nn.Conv2d(32, 16, 3)
        self.last = nn.Conv2d(16, 1, 1)

    @property
    def options(self) -> Mapping[str, Option]:
        """None."""
        return {}

    def forward(self, plate_srgb: Tensor) -> Tensor:
        """Return alpha (B, 1, H, W) for (B, 3, H + 6, W + 6)."""
        maps = max_over_depth(self.first(plate_srgb).relu())
        maps = self.third(self.second(maps).relu()).relu()
        answers: Tensor = self.last(maps).sigmoid()
        return answers

    def alpha(self, raw: Tensor) -> Tensor:
        """Return the answers: they are alpha."""
        return raw


def max_over_depth(maps: Tensor) -> Tensor:
    """Return (B, C / 2, H, W): the larger of maps 0 and 1, of 2 and 3, and so on."""
    return torch.maximum(maps[:, 0::2], maps[:, 1::2])
