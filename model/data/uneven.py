"""Strong uneven light on a screen: hot spots up to clipping, light from one side, falloff, light of two colors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.data.lighting import Rgb, rgb
from model.data.seeding import Draw
from model.data.view import View

KINDS = {"spot": 2.5, "side": 2.0, "falloff": 1.5, "colored": 1.0}
Grid = tuple[Tensor, Tensor]


def unevenly_lit(draw: Draw, view: View, x: Tensor, y: Tensor, picture: Tensor) -> tuple[Tensor, list[str]]:
    """Return a screen (T, 3, H, W) in one or two kinds of strong uneven light, and the kinds.

    Lights are placed by what the picture shows in its first frame, not by the shoot's whole frame: they are seen.
    """
    tall = view.pixel * view.height
    place = (x - view.center[0]) / tall, (y - view.center[1]) / tall  # the picture is 1 high
    reach = 0.5 * math.hypot(1.0, view.width / view.height)  # from the middle to a corner
    kinds = [draw.weighted(KINDS)]
    if draw.chance(0.35):
        kinds += [kind for kind in (draw.weighted(KINDS),) if kind not in kinds]
    before = picture.mean()
    for kind in kinds:
        light = {"spot": _spot, "side": _side, "falloff": _falloff, "colored": _colored}[kind]
        picture = light(draw.child(kind), place, reach, picture)
    # Whoever sets the exposure looks at the screen too.
    return picture * (before / picture.mean().clamp(min=1e-6)) ** draw.uniform(0.2, 1.0), kinds


def _spot(draw: Draw, place: Grid, reach: float, picture: Tensor) -> Tensor:
    """One or two lamps too near: up to ten times the light in their middle, which shines in the lamp's own color."""
    for _ in range(2 if draw.chance(0.2) else 1):
        far = _far(draw, place, (draw.uniform(-0.9, 0.9) * reach, draw.uniform(-0.55, 0.5)))
        profile = (1 + (far / draw.log_uniform(0.2, 0.9)).square()) ** -draw.uniform(0.8, 2.5)
        sheen = draw.uniform(0.0, 0.4) * picture.mean()
        shine = rgb(_tint(draw, 0.08), picture.device) * sheen
        picture = picture + profile * (draw.log_uniform(1.0, 9.0) * picture + draw.uniform(0.0, 4.0) * shine)
    return picture


def _side(draw: Draw, place: Grid, reach: float, picture: Tensor) -> Tensor:
    """Light from one side: from border to border it falls to between a half and an eighth."""
    along = _along(draw, place, reach)
    ratio = draw.log_uniform(2.0, 8.0)
    return picture * torch.exp(-math.log(ratio) * (along - draw.uniform(0.2, 0.5)))


def _falloff(draw: Draw, place: Grid, reach: float, picture: Tensor) -> Tensor:
    """Light that falls off from one place, to between a half and a tenth where it ends."""
    far = _far(draw, place, (draw.normal(0.3) * reach, draw.normal(0.2)))
    rest = draw.log_uniform(0.1, 0.5)
    steep = draw.uniform(1.0, 2.0)
    wide = reach * draw.uniform(0.7, 1.1) / math.sqrt(rest ** (-1 / steep) - 1)
    return picture * (1 + (far / wide).square()) ** -steep


def _colored(draw: Draw, place: Grid, reach: float, picture: Tensor) -> Tensor:
    """Lamps of two colors, each strongest on its side."""
    along = _along(draw, place, reach)
    first, second = (rgb(_tint(draw, 0.2), picture.device) for _ in range(2))
    return picture * (first + (second - first) * along)


def _tint(draw: Draw, strength: float) -> Rgb:
    warm, green = draw.normal(strength), draw.normal(0.5 * strength)
    return math.exp(warm), math.exp(green), math.exp(-warm)


def _along(draw: Draw, place: Grid, reach: float) -> Tensor:
    """Return how far (T, 1, H, W) pixels lie along a direction, mostly across: 0 at one border, 1 at the other."""
    angle = draw.normal(0.5) + (math.pi if draw.chance(0.5) else 0.0)
    line = math.cos(angle) * place[0] + math.sin(angle) * place[1]
    return torch.sigmoid(line * (draw.uniform(1.5, 5.0) / reach)).unsqueeze(1)


def _far(draw: Draw, place: Grid, center: tuple[float, float]) -> Tensor:
    """Return the distance (T, 1, H, W) from a lamp's middle, longer in one direction than in the other."""
    angle, ratio = draw.uniform(0, math.pi), draw.log_uniform(1.0, 2.0)
    dx, dy = place[0] - center[0], place[1] - center[1]
    u = math.cos(angle) * dx + math.sin(angle) * dy
    v = math.cos(angle) * dy - math.sin(angle) * dx
    return torch.hypot(u / ratio, v * ratio).unsqueeze(1)
