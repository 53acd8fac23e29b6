"""Tracking markers on the screen: crosses, dots, squares, tape and triangles in many colors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data.lighting import Rgb, rgb
from model.data.seeding import Draw
from model.data.shapes import box, circle, coverage, polygon
from model.data.view import View

KINDS = ("cross", "x", "dot", "ring", "square", "tape", "triangle", "corner")
PAINTS: tuple[Rgb, ...] = (
    (0.9, 0.25, 0.03),
    (0.85, 0.08, 0.3),
    (0.85, 0.85, 0.82),
    (0.02, 0.02, 0.02),
    (0.7, 0.03, 0.03),
    (0.03, 0.12, 0.6),
    (0.85, 0.7, 0.05),
    (0.05, 0.5, 0.12),
)


@dataclass(frozen=True)
class Marks:
    """Markers as a layer on the screen: they belong to the background."""

    kind: str
    coverage: Tensor  # (T, 1, H, W)
    color: Tensor  # (T, 3, H, W), reflectance

    @staticmethod
    def none(view: View) -> Marks:
        """Return no markers."""
        zero = torch.zeros(view.frames, 1, view.height, view.width, device=view.device)
        return Marks("none", zero, zero.expand(-1, 3, -1, -1))

    def on(self, picture: Tensor, light: Tensor) -> Tensor:
        """Return the picture (T, 3, H, W) with the markers on it, under the screen's ``light`` (T, 1, H, W)."""
        return picture + (self.color * light - picture) * self.coverage

    def over(self, below: Marks) -> Marks:
        """Return these markers with others below them."""
        rest = below.coverage * (1 - self.coverage)
        both = self.coverage + rest
        color = (self.color * self.coverage + below.color * rest) / both.clamp(min=1e-6)
        return Marks(self.kind, both, color)


def draw_marks(draw: Draw, view: View, x: Tensor, y: Tensor, screen: Rgb) -> Marks:
    """Draw markers on a loose grid; one shape and one or two paints a shot."""
    kind = draw.pick(KINDS)
    period = draw.log_uniform(0.07, 0.35)
    size = period * draw.uniform(0.05, 0.22)
    turn = draw.uniform(0, math.pi) if draw.chance(0.3) else draw.normal(0.05)
    u = (math.cos(turn) * x + math.sin(turn) * y) / period + draw.uniform(0, 1)
    v = (math.cos(turn) * y - math.sin(turn) * x) / period + draw.uniform(0, 1)
    cells = 16
    table = torch.from_numpy(draw.uniforms(0, 1, 5, cells, cells)).to(view.device)
    column, row = torch.floor(u), torch.floor(v)
    chosen = table[:, (row.long() % cells), (column.long() % cells)]
    loose = draw.uniform(0.0, 0.5)
    du = (u - column - 0.5 - loose * (chosen[0] - 0.5)) * period
    dv = (v - row - 0.5 - loose * (chosen[1] - 0.5)) * period
    angle = chosen[2] * (6.28 if draw.chance(0.4) else 0.15)
    p = torch.cos(angle) * du + torch.sin(angle) * dv
    q = torch.cos(angle) * dv - torch.sin(angle) * du
    share = coverage(shape(kind, p, q, size), view.pixel) * (chosen[3] < draw.uniform(0.5, 1.0))
    first, second = painted(draw, screen), painted(draw, screen)
    mixed = torch.where(
        (chosen[4] < draw.pick((0.0, 0.5))).unsqueeze(1), rgb(second, view.device), rgb(first, view.device)
    )
    return Marks(kind, (share * draw.uniform(0.75, 1.0)).unsqueeze(1), mixed)


def painted(draw: Draw, screen: Rgb) -> Rgb:
    """Draw the color of a marker: a darker or lighter tone of the screen, or one of `PAINTS`."""
    if draw.chance(0.45):
        # Tape in a darker or lighter tone of the screen keys more easily: the usual choice.
        factor = draw.pick((draw.uniform(0.25, 0.7), draw.uniform(1.3, 2.2)))
        pale = draw.uniform(0, 0.08)
        return screen[0] * factor + pale, screen[1] * factor + pale, screen[2] * factor + pale
    return draw.pick(PAINTS)


def shape(kind: str, p: Tensor, q: Tensor, size: float) -> Tensor:
    """Return the distance (T, H, W) to a marker of one of `KINDS` around (0, 0)."""
    if kind in ("cross", "x"):
        if kind == "x":
            p, q = (p + q) * math.sqrt(0.5), (q - p) * math.sqrt(0.5)
        return torch.minimum(box(p, q, (0, 0), (size, size * 0.2)), box(p, q, (0, 0), (size * 0.2, size)))
    if kind == "dot":
        return circle(p, q, (0, 0), size * 0.6)
    if kind == "ring":
        return torch.minimum((torch.hypot(p, q) - size * 0.75).abs() - size * 0.15, circle(p, q, (0, 0), size * 0.2))
    if kind == "square":
        return box(p, q, (0, 0), (size * 0.6, size * 0.6))
    if kind == "tape":
        return box(p, q, (0, 0), (size, size * 0.25))
    if kind == "corner":
        return torch.minimum(
            box(p, q, (0, size * 0.4), (size * 0.6, size * 0.15)),
            box(p, q, (-size * 0.45, 0), (size * 0.15, size * 0.55)),
        )
    return polygon(p, q, [(0.0, -size * 0.8), (size * 0.7, size * 0.4), (-size * 0.7, size * 0.4)])
