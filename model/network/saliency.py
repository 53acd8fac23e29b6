"""U²-Net in its small form: says where the object is that a photograph is of.

Written from the paper: X. Qin, Z. Zhang, C. Huang, M. Dehghan, O. Zaiane, M. Jagersand, "U²-Net: Going Deeper with
Nested U-Structure for Salient Object Detection", Pattern Recognition 106 (2020), sections 3.1 and 3.2. Batch
normalisation is folded into the convolutions. Its weights were trained on photographs by the authors (`NOTICE`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.network.interface import Network, Option

_INNER, _OUTER = 16, 64  # channels inside a block, and between blocks
_ENCODERS = (7, 6, 5, 4, 0, 0)  # heights of the U-blocks going down; 0: one that dilates instead of pooling
_DECODERS = (0, 4, 5, 6, 7)  # and coming up again
_DILATIONS = (1, 2, 4, 8)


class Saliency(Network):
    """Answers how salient (B, 1, H, W), 0–1, each pixel of normalised display-encoded pictures (B, 3, H, W) is.

    Pictures are about 320 × 320, as the photographs that it was trained on were shown to it.
    """

    name: ClassVar[str] = "saliency"

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            _block(height, 3 if level == 0 else _OUTER) for level, height in enumerate(_ENCODERS)
        )
        self.decoders = nn.ModuleList(_block(height, 2 * _OUTER) for height in _DECODERS)
        self.sides = nn.ModuleList(nn.Conv2d(_OUTER, 1, 3, padding=1) for _ in _ENCODERS)
        self.fuse = nn.Conv2d(len(_ENCODERS), 1, 1)

    @property
    def options(self) -> Mapping[str, Option]:
        """None."""
        return {}

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the fused answer."""
        found: list[Tensor] = []
        for encoder in self.encoders:
            found.append(encoder(_pooled(found[-1]) if found else pictures))
        decoded = [found[-1]]
        for decoder, beside in zip(self.decoders, found[-2::-1], strict=True):
            decoded.append(decoder(torch.cat((_enlarged(decoded[-1], beside), beside), dim=1)))
        sides = [side(one) for side, one in zip(self.sides, reversed(decoded), strict=True)]
        fused: Tensor = self.fuse(torch.cat([_enlarged(side, sides[0]) for side in sides], dim=1))
        return fused.sigmoid()


class _UBlock(nn.Module):
    """A U-Net within a block (RSU in the paper): adds to its input what it sees at ``height`` scales."""

    def __init__(self, height: int, channels: int) -> None:
        super().__init__()
        self.enter = _convolution(channels, _OUTER)
        self.down = nn.ModuleList(_convolution(_OUTER if level == 0 else _INNER, _INNER) for level in range(height - 1))
        self.bottom = _convolution(_INNER, _INNER, dilation=2)
        self.up = nn.ModuleList(
            _convolution(2 * _INNER, _OUTER if level == height - 2 else _INNER) for level in range(height - 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, 64, H, W)."""
        entered: Tensor = self.enter(maps)
        found: list[Tensor] = []
        for level, layer in enumerate(self.down):
            found.append(layer(_pooled(found[-1]) if level else entered))
        answer: Tensor = self.bottom(found[-1])
        for layer, beside in zip(self.up, reversed(found), strict=True):
            answer = layer(torch.cat((_enlarged(answer, beside), beside), dim=1))
        return answer + entered


class _DilatedBlock(nn.Module):
    """The same at one scale, with dilated convolutions in place of pooling (RSU-4F in the paper)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = _convolution(channels, _OUTER)
        ins = (_OUTER, _INNER, _INNER, _INNER)
        self.down = nn.ModuleList(_convolution(a, _INNER, dilation=d) for a, d in zip(ins, _DILATIONS, strict=True))
        outs = (_INNER, _INNER, _OUTER)
        self.up = nn.ModuleList(
            _convolution(2 * _INNER, b, dilation=d) for b, d in zip(outs, _DILATIONS[-2::-1], strict=True)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, 64, H, W)."""
        entered: Tensor = self.enter(maps)
        found = list(itertools.accumulate(self.down, lambda one, layer: layer(one), initial=entered))[1:]
        answer = found.pop()
        for layer, beside in zip(self.up, reversed(found), strict=True):
            answer = layer(torch.cat((answer, beside), dim=1))
        return answer + entered


def _block(height: int, channels: int) -> nn.Module:
    return _UBlock(height, channels) if height else _DilatedBlock(channels)


def _convolution(ins: int, outs: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(ins, outs, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True))


def _pooled(maps: Tensor) -> Tensor:
    return functional.max_pool2d(maps, 2, stride=2, ceil_mode=True)


def _enlarged(maps: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(maps, size=like.shape[-2:], mode="bilinear", align_corners=False)
