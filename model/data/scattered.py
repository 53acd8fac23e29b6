"""Small things scattered over a screen: dots, triangles, tape, balls, paper markers and confetti of many colors."""

from __future__ import annotations

import colorsys
import math

import torch
from torch import Tensor

from model.data.lighting import Rgb
from model.data.markers import PAINTS, Marks, painted, shape
from model.data.materials import linear_of
from model.data.seeding import Draw
from model.data.shapes import box, circle, coverage
from model.data.view import View

KINDS = {
    "dot": 2.0,
    "ball": 1.2,
    "triangle": 1.2,
    "paper": 1.2,
    "confetti": 1.2,
    "cross": 0.8,
    "tape": 0.8,
    "ring": 0.4,
}
_CELLS = 32  # the scatter repeats after so many cells, far outside of the picture
_LOOSE, _ANGLE, _THERE, _SIZE, _COLOR = range(0, 2), 2, 3, 4, 5


def scattered(draw: Draw, view: View, x: Tensor, y: Tensor, screen: Rgb) -> Marks:
    """Return one to three scatters, each of one kind, few colors and sizes from 1 to 10 % of the picture's height."""
    marks = Marks.none(view)
    for index in range(draw.integer(1, 3)):
        marks = _scatter(draw.child(str(index)), view, x, y, screen).over(marks)
    return marks


def _scatter(draw: Draw, view: View, x: Tensor, y: Tensor, screen: Rgb) -> Marks:
    kind = draw.weighted(KINDS)
    tall = view.pixel * view.height
    size = draw.log_uniform(0.004, 0.018 if kind == "confetti" else 0.05) * tall  # half of the thing's own
    # A hundred things or two in the picture at most; of confetti, more.
    period = max(size * draw.log_uniform(3.5, 40.0), tall * (0.04 if kind == "confetti" else 0.09))
    turn = draw.uniform(0, math.pi)
    u = (math.cos(turn) * x + math.sin(turn) * y) / period + draw.uniform(0, 1)
    v = (math.cos(turn) * y - math.sin(turn) * x) / period + draw.uniform(0, 1)
    column, row = torch.floor(u), torch.floor(v)
    table = torch.from_numpy(draw.uniforms(0, 1, 6, _CELLS, _CELLS)).to(view.device)
    own = table[:, row.long() % _CELLS, column.long() % _CELLS]
    varied = draw.uniform(0.0, 0.6)
    scale = 1 - varied * own[_SIZE]
    room = 1 - 2.6 * size / period  # things stay within their cells, which cuts none
    du, dv = ((place - cell - 0.5 - room * (own[i] - 0.5)) * period for place, cell, i in ((u, column, 0), (v, row, 1)))
    angle = own[_ANGLE] * draw.pick((0.2, 2 * math.pi))
    p = (torch.cos(angle) * du + torch.sin(angle) * dv) / scale
    q = (torch.cos(angle) * dv - torch.sin(angle) * du) / scale
    palette = torch.tensor([_color(draw, screen) for _ in range(draw.pick((1, 1, 2, 3, 8)))], device=view.device)
    color = palette[(own[_COLOR] * len(palette)).long()].permute(0, 3, 1, 2)
    distance, color = _thing(draw, kind, p, q, size, color)
    there = own[_THERE] < draw.uniform(0.1, 0.8)
    if kind == "confetti" and draw.chance(0.5):  # most of it has fallen to the floor
        there = there & (y > view.center[1] + draw.uniform(-0.1, 0.4) * tall)
    share = coverage(distance * scale, view.pixel) * there
    return Marks(kind, (share * draw.uniform(0.85, 1.0)).unsqueeze(1), color)


def _color(draw: Draw, screen: Rgb) -> Rgb:
    kind = draw.weighted({"paint": 2.0, "vivid": 2.0, "white": 1.5, "tone": 1.5})
    if kind == "white":
        level = draw.uniform(0.5, 0.95)
        return level, level, level * draw.uniform(0.9, 1.0)
    if kind == "vivid":
        return linear_of(colorsys.hsv_to_rgb(draw.uniform(0, 1), draw.uniform(0.5, 1.0), draw.uniform(0.4, 1.0)))
    return painted(draw, screen) if kind == "tone" else draw.pick(PAINTS)


def _thing(draw: Draw, kind: str, p: Tensor, q: Tensor, size: float, color: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance (T, H, W) to a thing of half size ``size`` around (0, 0), and its color (T, 3, H, W)."""
    if kind == "ball":
        height = (1 - (p * p + q * q) / size**2).clamp(min=0).sqrt()
        lit = 0.35 + 0.65 * height - draw.uniform(0.0, 0.5) * q / size
        return circle(p, q, (0, 0), size), color * lit.clamp(min=0.1).unsqueeze(1)
    if kind == "confetti":
        return box(p, q, (0, 0), (size, size * draw.uniform(0.25, 0.8))), color
    if kind == "paper":
        sheet = box(p, q, (0, 0), (size, size * draw.uniform(0.7, 1.0)))
        print_on_it = shape(draw.pick(("cross", "x", "dot", "ring")), p, q, 0.7 * size)
        ink = coverage(print_on_it, 0.1 * size).unsqueeze(1)
        level = draw.uniform(0.6, 0.9)
        return sheet, level + (draw.pick((0.02, 0.02, 0.3)) - level) * ink.expand_as(color)
    return shape(kind, p, q, 1.3 * size), color
