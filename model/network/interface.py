"""What every network of this project offers, so that training, tiling and checkpoints need not know which it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

Option = bool | int | float | str


class Network(nn.Module, ABC):
    """A network that can be built from its name and options."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def options(self) -> Mapping[str, Option]:
        """The choices it was built with; ``build_network(name, options)`` makes an equal one."""


class AlphaNetwork(Network):
    """A network that sees display-encoded color and answers alpha.

    ``forward`` takes ``(B, 3, before + H + after, before + W + after)``, sRGB-encoded, 8-bit steps in 0–1, with H and W
    multiples of ``multiple`` and the first of those H·W pixels on such a multiple in the frame. It pads nothing, so
    every answer has seen real neighbours and a tile answers what the whole frame would. It returns raw answers
    (B, C, H, W); ``alpha`` reads them as (B, 1, H, W) in 0–1.
    """

    context: ClassVar[tuple[int, int]]  # pixels that it must see before (left, above) and after what it answers
    multiple: ClassVar[int]  # pixels between two equal positions of its strides
    tiles: ClassVar[int]  # a frame is cut into so many rows and as many columns

    @abstractmethod
    def forward(self, plate_srgb: Tensor) -> Tensor:
        """Return raw answers (B, C, H, W)."""

    @abstractmethod
    def alpha(self, raw: Tensor) -> Tensor:
        """Read raw answers as alpha (B, 1, H, W)."""
