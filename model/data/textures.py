"""Random textures with a chosen spectrum, made on the device and read at any coordinates."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.seeding import Draw

SIZE = 256
VARIANTS = 5


@lru_cache(maxsize=8)
def _frequencies(device: torch.device) -> tuple[Tensor, Tensor]:
    fy = torch.fft.fftfreq(SIZE, device=device) * SIZE
    fx = torch.fft.rfftfreq(SIZE, device=device) * SIZE
    return fx.view(1, -1), fy.view(-1, 1)


def spectral(
    draw: Draw,
    device: torch.device,
    *,
    slope: float,
    low: float = 1.0,
    high: float = 128.0,
    stretch: float = 1.0,
    angle: float = 0.0,
    channels: int = 1,
    slopes: bool = False,
) -> Tensor:
    """Return a tile (C, 257, 257) of mean 0 and deviation 1 that repeats without a seam; do not write into it.

    Tiles come from a bank: parameters are rounded, and each has a few variants that shots read at other places.

    ``slope`` is the fall of the amplitude with frequency (0 white, 1 natural, 2 smooth), ``low`` and ``high`` bound the
    cycles per tile, ``stretch`` > 1 elongates along ``angle``. With ``slopes``, each channel is followed by its
    derivatives along x and y, per tile width, for use as relief: (3·C, 257, 257).
    """
    return _tile(
        draw.integer(0, VARIANTS - 1),
        device,
        round(slope * 2) / 2,
        2.0 ** round(math.log2(low)),
        2.0 ** round(math.log2(high)),
        2.0 ** round(math.log2(stretch)),
        round(angle / math.pi * 8) % 8 * math.pi / 8 if stretch > 1.4 else 0.0,
        channels,
        slopes,
    )


@lru_cache(maxsize=400)
def _tile(
    variant: int,
    device: torch.device,
    slope: float,
    low: float,
    high: float,
    stretch: float,
    angle: float,
    channels: int,
    slopes: bool,
) -> Tensor:
    draw = Draw(variant, f"{slope}/{low}/{high}/{stretch}/{angle}/{channels}/{slopes}")
    fx, fy = _frequencies(device)
    along = fx * math.cos(angle) + fy * math.sin(angle)
    across = fy * math.cos(angle) - fx * math.sin(angle)
    radius = torch.sqrt((along * stretch) ** 2 + across**2)
    amplitude = radius.clamp(min=0.5) ** (-slope - 0.5) * torch.sigmoid((high - radius) * 4 / (1 + 0.2 * high))
    amplitude = amplitude * (radius >= low)
    phases = torch.view_as_complex(draw.noise((channels, SIZE, SIZE // 2 + 1, 2), device))
    spectrum = phases * amplitude
    height = torch.fft.irfft2(spectrum, s=(SIZE, SIZE))
    scale = 1 / height.std(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    tile = height * scale
    if slopes:
        ramp = torch.stack((fx.expand(SIZE, -1), fy.expand(-1, SIZE // 2 + 1)))
        tilted = torch.fft.irfft2(spectrum.unsqueeze(1) * (2j * math.pi) * ramp, s=(SIZE, SIZE)) * scale.unsqueeze(1)
        tile = torch.cat((tile.unsqueeze(1), tilted), dim=1).flatten(0, 1)
    return functional.pad(tile.unsqueeze(0), (0, 1, 0, 1), mode="circular")[0]


def read(tile: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the tile's values (T, C, H, W) at x, y (T, H, W), in tiles: it repeats at whole numbers."""
    u = (x - torch.floor(x)) * 2 - 1
    v = (y - torch.floor(y)) * 2 - 1
    grid = torch.stack((u, v), dim=-1)
    return functional.grid_sample(
        tile.unsqueeze(0).expand(x.shape[0], -1, -1, -1), grid, mode="bilinear", align_corners=True
    )


def step(value: Tensor, softness: Tensor | float) -> Tensor:
    """Return an antialiased step from 0 to 1 around 0; ``softness`` is the width of the ramp."""
    return (value / softness + 0.5).clamp(0.0, 1.0)
