"""New backgrounds to lay subjects over: slopes of light, textures, heaps of things, and lamps out of focus.

No photographs: none comes with the dependencies. Heaps of opaque things of all sizes have the statistics of photographs
instead, edges of every strength included (the dead leaves model; Lee, Mumford, Huang 2001, "Occlusion Models for
Natural Images").
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.seeding import Draw
from model.data.textures import read, spectral, step

KINDS = {"leaves": 2.0, "texture": 1.0, "slope": 0.6, "lights": 0.4}
BRIGHTEST = 4.0
LEAVES, LAMPS = 14, 8


@torch.no_grad()
def new_background(draw: Draw, height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Return a background (3, H, W), scene-linear, 0 to BRIGHTEST; equal draws give equal bits on one kind of device.

    Two to three milliseconds for 128 × 128 pixels on one core, once the bank of textures is warm.
    """
    place = torch.device(device)
    kind = draw.weighted(KINDS)
    own = draw.child(kind)
    if kind == "slope":
        light = _slope(own, height, width, place)
    else:
        paint = {"leaves": dead_leaves, "texture": _texture, "lights": _lights}[kind]
        light = paint(own, *_grid(own.child("grid"), height, width, place))
    return (light * draw.log_uniform(0.35, 1.6)).clamp(0.0, BRIGHTEST)[0]


def _grid(draw: Draw, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, float]:
    """Return x and y (1, H, W) of the pixels, turned and moved, and a pixel's size; the shorter side is 1."""
    pixel = 1.0 / min(height, width)
    u = (torch.arange(width, device=device) + 0.5 - width / 2).view(1, 1, -1) * pixel
    v = (torch.arange(height, device=device) + 0.5 - height / 2).view(1, -1, 1) * pixel
    turn = draw.uniform(0.0, 2.0 * math.pi)
    return math.cos(turn) * u - math.sin(turn) * v, math.sin(turn) * u + math.cos(turn) * v, pixel


def _colors(draw: Draw, count: int, device: torch.device) -> Tensor:
    """Return colors (count, 3), most of them muted: a grey, pulled towards a random color."""
    random = torch.from_numpy(draw.uniforms(0.0, 1.0, count, 3)).to(device)
    pull = torch.from_numpy(draw.uniforms(0.1, 1.0, count, 1)).to(device)
    grey = random.mean(dim=1, keepdim=True)
    return (grey + pull * (random - grey)).square()


def _slope(draw: Draw, height: int, width: int, device: torch.device) -> Tensor:
    corners = _colors(draw, 4, device).T.reshape(1, 3, 2, 2)
    return functional.interpolate(corners, size=(height, width), mode="bilinear", align_corners=True)


def _relief(draw: Draw, x: Tensor, y: Tensor) -> Tensor:
    """Return three unrelated textures (1, 3, H, W) of mean 0 and deviation 1, fine or coarse, even or streaked."""
    tile = spectral(
        draw.child("tile"), x.device, slope=draw.pick((0.5, 1.0, 1.5)), stretch=draw.pick((1.0, 4.0)), channels=3
    )
    scale = draw.log_uniform(0.15, 1.0)
    return read(tile, x * scale + draw.uniform(0.0, 1.0), y * scale + draw.uniform(0.0, 1.0))


def _texture(draw: Draw, x: Tensor, y: Tensor, _pixel: float) -> Tensor:
    color = _colors(draw, 1, x.device).view(1, 3, 1, 1)
    relief = _relief(draw, x, y)
    return color * torch.exp(draw.uniform(0.1, 0.7) * (0.9 * relief[:, :1] + draw.uniform(0.0, 0.5) * relief))


def dead_leaves(draw: Draw, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    """Return opaque round and square things of all sizes, each with its color, all with one texture: (1, 3, H, W).

    ``x`` and ``y`` (1, H, W) span about 1.5; ``pixel`` is a pixel's size there.
    """
    sizes = torch.from_numpy(draw.uniforms(math.log(0.06), math.log(0.5), LEAVES, 1, 1)).to(x.device).exp()
    centers = torch.from_numpy(draw.uniforms(-0.75, 0.75, 2, LEAVES, 1, 1)).to(x.device)
    dx, dy = x - centers[0], y - centers[1]
    half = LEAVES // 2
    round_ = torch.hypot(dx[:half], dy[:half])
    square = torch.maximum(dx[half:].abs(), dy[half:].abs())
    order = torch.from_numpy(draw.uniforms(0.0, 1.0, LEAVES)).argsort().to(x.device)
    covers = step(sizes - torch.cat((round_, square)), draw.pick((1.0, 1.0, 4.0)) * pixel)[order]
    colors = _colors(draw, LEAVES + 1, x.device)
    # What each thing still shows of itself under all that lies on top of it.
    open_above = torch.cumprod(1.0 - covers, dim=0)
    visible = covers * torch.cat((torch.ones_like(covers[:1]), open_above[:-1]))
    light = torch.einsum("nhw,nc->chw", visible, colors[1:]) + open_above[-1] * colors[0].view(3, 1, 1)
    return light.unsqueeze(0) * torch.exp(draw.uniform(0.05, 0.35) * _relief(draw, x, y)[:, :1])


def _lights(draw: Draw, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    """A dark place with lamps far out of focus: discs of light that add up."""
    sizes = torch.from_numpy(draw.uniforms(0.03, 0.2, LAMPS, 1, 1)).to(x.device)
    centers = torch.from_numpy(draw.uniforms(-0.75, 0.75, 2, LAMPS, 1, 1)).to(x.device)
    discs = step(sizes - torch.hypot(x - centers[0], y - centers[1]), 3.0 * pixel)
    colors = _colors(draw, LAMPS, x.device) * draw.log_uniform(0.5, 6.0)
    dark = 0.15 * _texture(draw.child("dark"), x, y, pixel)
    return dark + torch.einsum("nhw,nc->chw", discs, colors).unsqueeze(0)
