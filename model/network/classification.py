"""The `classification` network of 2019: surroundings and the pixel's own color choose one of 256 classes of alpha."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.errors import KeyingError
from model.network.interface import AlphaNetwork, Option

CLASSES = 256
READINGS = ("expected", "likeliest", "median")


class Classification(AlphaNetwork):
    """Two streams: surroundings at an eighth of the size, enlarged again, and the color of the pixel itself.

    Stream 1: conv 7×7 ×64, ReLU → max-pool 3/2 → LRN → conv 1×1 ×128, ReLU → conv 3×3 stride 2 ×128, ReLU → LRN →
    max-pool 3/2 → resize → conv 5×5 ×64, ReLU. Stream 2: conv 1×1 ×128, ReLU. Both together: conv 1×1 ×256, and the
    softmax of that is the probability of each class; class k means alpha k/255.

    ``last_relu`` puts a ReLU between the last convolution and the softmax: no class can then fall below the score 0.
    ``reading``: ``expected`` takes alpha as the mean over the classes, ``likeliest`` as the class with the best score,
    ``median`` as the class at which half of the probability is reached: no other choice is nearer on average.

    Resizing is bilinear with coarse pixel j upon pixel 8·j, as TensorFlow 1 does it (corners not aligned, no half
    pixel); unpadded layers put the coarse pixels there when 18 pixels come before the answer.
    """

    name: ClassVar[str] = "classification"
    context: ClassVar[tuple[int, int]] = (18, 19)
    multiple: ClassVar[int] = 8
    tiles: ClassVar[int] = 4

    def __init__(self, last_relu: bool = False, reading: str = "median") -> None:
        super().__init__()
        if reading not in READINGS:
            raise KeyingError(f"There is no reading '{reading}' of classes.", fix=f"There are: {', '.join(READINGS)}.")
        self.last_relu, self.reading = last_relu, reading
        self.first = nn.Conv2d(3, 64, 7)
        self.second = nn.Conv2d(64, 128, 1)
        self.third = nn.Conv2d(128, 128, 3, stride=2)
        self.fourth = nn.Conv2d(128, 64, 5)
        self.color = nn.Conv2d(3, 128, 1)
        self.last = nn.Conv2d(64 + 128, CLASSES, 1)
        self.pool = nn.MaxPool2d(3, 2)
        self.normalize = local_response_norm(depth_radius=5)

    @property
    def options(self) -> Mapping[str, Option]:
        """``last_relu`` and ``reading``."""
        return {"last_relu": self.last_relu, "reading": self.reading}

    def forward(self, plate_srgb: Tensor) -> Tensor:
        """Return the classes' scores (B, 256, H, W) for (B, 3, H + 37, W + 37)."""
        before, after = self.context
        own = plate_srgb[..., before:-after, before:-after]
        coarse = self.normalize(self.pool(self.first(plate_srgb).relu()))
        coarse = self.third(self.second(coarse).relu()).relu()
        coarse = self.pool(self.normalize(coarse))
        around = self.fourth(_enlarged(coarse, own.shape[-2], own.shape[-1])).relu()
        scores: Tensor = self.last(torch.cat((around, self.color(own).relu()), dim=1))
        return scores.relu() if self.last_relu else scores

    def alpha(self, raw: Tensor) -> Tensor:
        """Read scores (B, 256, H, W) as alpha (B, 1, H, W)."""
        if self.reading == "likeliest":
            return raw.argmax(dim=1, keepdim=True).to(raw.dtype) / (CLASSES - 1)
        if self.reading == "median":
            below = (raw.softmax(dim=1).cumsum(dim=1) < 0.5).sum(dim=1, keepdim=True)
            return below.clamp(max=CLASSES - 1).to(raw.dtype) / (CLASSES - 1)
        levels = torch.linspace(0.0, 1.0, CLASSES, dtype=raw.dtype, device=raw.device)
        return torch.einsum("bchw,c->bhw", raw.softmax(dim=1), levels).unsqueeze(1)


def local_response_norm(
    depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5
) -> nn.LocalResponseNorm:
    """Return torch's layer for TensorFlow 1's ``tf.nn.local_response_normalization`` with those arguments.

    TensorFlow divides by (bias + alpha · Σ x²)^beta, the sum running over 2 · depth_radius + 1 maps; torch divides by
    (k + alpha · *mean* x²)^beta over ``size`` maps. So size = 2 · depth_radius + 1, k = bias, beta = beta, and torch's
    alpha is TensorFlow's times ``size``. The defaults are TensorFlow's (5, 1, 1, 0.5), not those of torch.
    """
    size = 2 * depth_radius + 1
    return nn.LocalResponseNorm(size, alpha=alpha * size, beta=beta, k=bias)


def _enlarged(coarse: Tensor, height: int, width: int) -> Tensor:
    """Return what lies 2 pixels around (height, width); the first coarse pixel lies 8 before it."""
    rows, columns = 8 * (coarse.shape[-2] - 1) + 1, 8 * (coarse.shape[-1] - 1) + 1
    # Between corner pixels 8 apart, aligned corners are TensorFlow's grid.
    fine = functional.interpolate(coarse, size=(rows, columns), mode="bilinear", align_corners=True)
    return fine[..., 6 : 10 + height, 6 : 10 + width]
