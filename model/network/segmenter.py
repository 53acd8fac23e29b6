"""The `segmenter` network: sees the whole frame small, with evidence of a subject, and says what is subject at all.

It answers a coarse alpha. What the `neural` network finds in the edges is kept within it: nothing far from any subject,
nothing but subject deep inside of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from model.network.interface import Network, Option
from model.network.neural import FEATURES, Guide, Outlook


class Segmenter(Network):
    """A U-Net like the guide of `neural`; ``width`` is the channels of its first level.

    ``forward`` takes (B, 19, h, w): the features of `model.keying.priors`, reduced so that the shorter side has about
    ``lines``, and evidence, 1 for a subject, −1 for none, 0 where nothing is known. It returns a coarse alpha
    (B, 1, h, w) before its sigmoid.
    """

    name: ClassVar[str] = "segmenter"
    lines: ClassVar[int] = 64

    def __init__(self, width: int = 40) -> None:
        super().__init__()
        self.width = width
        self.guide = Guide(width, 0, Outlook(), FEATURES, evidence=True)

    @property
    def options(self) -> Mapping[str, Option]:
        """Its width."""
        return {"width": self.width}

    def forward(self, small: Tensor) -> Tensor:
        """Return the coarse alpha."""
        answer: Tensor = self.guide(small)
        return answer
