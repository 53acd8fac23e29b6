"""Screens as real shoots light and litter them, made to measure: a phone's curves, hot spots, dots, a dark set."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from model.data.lighting import Rgb, rgb
from model.data.looks import Look
from model.data.markers import Marks
from model.data.scenes import Backdrop
from model.data.seeding import Draw
from model.data.shapes import box, circle, coverage
from model.data.view import View

PHONE = Look(
    gains=(1.06, 1.10, 0.96),
    contrast=(1.20, 1.26, 1.16),
    pivot=0.45,
    toe=(0.03, 0.04, 0.06),
    lift=(0.0, 0.0, 0.0),
    knee=(0.62, 0.52, 0.60),
    ceiling=(1.04, 1.0, 1.02),
    hardness=2,
    matrix=((1.118, -0.107, -0.011), (-0.032, 1.043, -0.011), (-0.032, -0.107, 1.139)),
)
"""What a phone makes of light: strong contrast, an early shoulder that bends green first, saturation 1.15."""


def clipping_spot(backdrop: Backdrop, x: Tensor, y: Tensor, center: tuple[float, float]) -> Backdrop:
    """Return the backdrop with a lamp so close that its middle clips: eight times the light, and a white sheen."""
    near = (1 + ((x - center[0]) ** 2 + (y - center[1]) ** 2) / 0.22**2).pow(-1.6).unsqueeze(1)
    return _lit(backdrop, lambda light: light * (0.55 + 7.5 * near) + 1.0 * near.square())


def from_one_side(backdrop: Backdrop, x: Tensor, ratio: float, reach: float) -> Backdrop:
    """Return the backdrop in light from the left: ``ratio`` times less at ``reach`` to the right than to the left."""
    falling = torch.exp(-math.log(ratio) * (x / (2 * reach))).unsqueeze(1)
    return _lit(backdrop, lambda light: light * 0.75 * falling)


def amid(backdrop: Backdrop, room: Backdrop, view: View, x: Tensor, y: Tensor, half: tuple[float, float]) -> Backdrop:
    """Return the screen of one backdrop in the middle of a dark set, seen on all four sides."""
    share = coverage(box(x, y, (0.0, 0.05), half), view.pixel).unsqueeze(1)
    dark = 0.07

    def seen(screen: Tensor, beside: Tensor) -> Tensor:
        return dark * beside + (screen - dark * beside) * share

    return Backdrop(
        seen(backdrop.background, room.background), seen(backdrop.clean_plate, room.clean_plate), backdrop.share * share
    )


def litter(draw: Draw, view: View, x: Tensor, y: Tensor, dots: tuple[Rgb, ...], bits: tuple[Rgb, ...]) -> Marks:
    """Return round markers of 2 % of the height on a loose grid, and confetti of half that between them."""
    cover, color = torch.zeros(1, 1, view.height, view.width), torch.zeros(1, 3, view.height, view.width)
    across, down = draw.uniforms(-0.9, 0.9, 90), draw.uniforms(-0.5, 0.5, 90)
    turns = draw.uniforms(0.0, math.pi, 90)
    for index, (left, top, turn) in enumerate(zip(across.tolist(), down.tolist(), turns.tolist(), strict=True)):
        if index < 30:
            shape = circle(x, y, (0.30 * (index % 6 - 2.5) + 0.05 * left, 0.2 * (index // 6 - 2) + 0.1 * top), 0.011)
            paint = dots[index % len(dots)]
        else:
            u, v = (x - left) * math.cos(turn) + (y - top) * math.sin(turn), (y - top) * math.cos(turn)
            shape = box(u, v - (x - left) * math.sin(turn), (0.0, 0.0), (0.008, 0.004))
            paint = bits[index % len(bits)]
        here = coverage(shape, view.pixel).unsqueeze(1)
        color = color + (rgb(paint, view.device) - color) * here
        cover = cover + here * (1 - cover)
    return Marks("litter", cover, color)


def _lit(backdrop: Backdrop, light: Callable[[Tensor], Tensor]) -> Backdrop:
    return backdrop._replace(background=light(backdrop.background), clean_plate=light(backdrop.clean_plate))
