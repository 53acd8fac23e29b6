"""Gear of the set that stands or hangs in front of the screen: light stands, lamps and pipes. It is background."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.data.lighting import Rgb, rgb
from model.data.markers import PAINTS
from model.data.seeding import Draw
from model.data.shapes import Point, box, circle, coverage, limb
from model.data.view import View


class Canvas:
    """The picture (T, 3, H, W) and the share of screen (T, 1, H, W), on which gear is laid piece by piece."""

    def __init__(self, view: View, x: Tensor, y: Tensor, picture: Tensor, share: Tensor) -> None:
        self.view, self.x, self.y, self.picture, self.share = view, x, y, picture, share

    def lay(self, distance: Tensor, light: Rgb | Tensor) -> None:
        """Lay a shape of the given light over everything."""
        cover = coverage(distance, self.view.pixel).unsqueeze(1)
        color = light if isinstance(light, Tensor) else rgb(light, self.view.device)
        self.picture = self.picture + (color - self.picture) * cover
        self.share = self.share * (1 - cover)


def with_gear(draw: Draw, view: View, x: Tensor, y: Tensor, picture: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return picture and share with one to three pieces of gear, each held by something.

    Stands reach up from below or have their legs on the screen's floor, pipes and grids with lamps hang from above,
    lamps and racks come in from the sides; none floats, and that is what tells them from a subject's thin props.
    """
    canvas = Canvas(view, x, y, picture, share)
    half = 0.5 * view.width / view.height  # half the width of the whole shoot's frame, in world units
    for index in range(draw.integer(1, 3)):
        own = draw.child(str(index))
        own.pick((_stand, tripod, tripod, _lamp, _pipe, _grid, _rack))(own, canvas, half)
    return canvas.picture, canvas.share


def _metal(draw: Draw) -> Rgb:
    level = draw.log_uniform(0.006, 0.25)
    return level, level * draw.uniform(0.9, 1.1), level * draw.uniform(0.8, 1.2)


def _stand(draw: Draw, canvas: Canvas, half: float) -> None:
    """A pole from below the frame, with legs or none."""
    x, y, paint = canvas.x, canvas.y, _metal(draw)
    foot = draw.uniform(-half, half)
    top = foot + draw.normal(0.01), draw.uniform(-0.4, 0.25)
    thick = draw.log_uniform(0.002, 0.009)
    canvas.lay(limb(x, y, (foot, 0.75), top, 1.5 * thick, thick), paint)
    if draw.chance(0.3):
        knot = draw.uniform(0.2, 0.4)
        for side in (-1, 1):
            spread = side * draw.uniform(0.05, 0.15)
            canvas.lay(limb(x, y, (foot, knot), (foot + spread, 0.5), 0.7 * thick, 0.7 * thick), paint)
    _crown(draw, canvas, top, thick, paint)


def tripod(draw: Draw, canvas: Canvas, half: float) -> None:
    """A stand that is seen whole: its three legs stand on the screen's floor."""
    x, y, paint = canvas.x, canvas.y, _metal(draw)
    foot = draw.uniform(-half, half), draw.uniform(0.0, 0.5)
    tall = draw.log_uniform(0.15, 0.8)
    top = foot[0] + draw.normal(0.01), foot[1] - tall
    thick = draw.log_uniform(0.0015, 0.007)
    canvas.lay(limb(x, y, foot, top, 1.3 * thick, thick), paint)
    knot, spread = foot[1] - draw.uniform(0.05, 0.35) * tall, draw.uniform(0.08, 0.3) * tall
    for side in (-1.0, draw.uniform(-0.4, 0.4), 1.0):
        end = foot[0] + side * spread, foot[1] + draw.uniform(-0.01, 0.03)
        canvas.lay(limb(x, y, (foot[0], knot), end, 0.7 * thick, 0.7 * thick), paint)
    _crown(draw, canvas, top, thick, paint)


def _crown(draw: Draw, canvas: Canvas, top: Point, thick: float, paint: Rgb) -> None:
    """What a stand carries: often a bar across, with tape or balls for the tracker on it, or a lamp."""
    x, y = canvas.x, canvas.y
    places = [(top[0], top[1] + draw.uniform(0, 0.3)), top]
    if draw.chance(0.6):
        left, right = draw.uniform(0.02, 0.3), draw.uniform(0.02, 0.3)
        slope = draw.normal(0.1)
        ends = (top[0] - left, top[1] + slope * left), (top[0] + right, top[1] - slope * right)
        canvas.lay(limb(x, y, *ends, 0.7 * thick, 0.7 * thick), paint)
        places += [*ends, ((top[0] + ends[1][0]) / 2, (top[1] + ends[1][1]) / 2)]
    if draw.chance(0.6):
        color, size = draw.pick(PAINTS), draw.uniform(0.006, 0.02)
        for place in places:
            ball = draw.chance(0.3)
            canvas.lay(circle(x, y, place, size) if ball else box(x, y, place, (size, size), 0.1 * size), color)
    elif draw.chance(0.4):
        _head(draw.child("head"), canvas, top, draw.uniform(0.03, 0.1), bare=False)


def _lamp(draw: Draw, canvas: Canvas, half: float) -> None:
    """A lamp that looks in from a side, mostly half outside, on an arm that comes from there."""
    side = draw.sign()
    place = side * (half - draw.uniform(-0.08, 0.12)), draw.uniform(-0.45, 0.2)
    end = (side * (half + 0.3), place[1] + draw.normal(0.2))
    canvas.lay(limb(canvas.x, canvas.y, place, end, 0.006, 0.012), _metal(draw))
    _head(draw.child("head"), canvas, place, draw.log_uniform(0.05, 0.3))


def _pipe(draw: Draw, canvas: Canvas, half: float) -> None:
    """Something across the top: a pipe or the screen's frame, a boom, with lamps or clips on it."""
    x, y, paint = canvas.x, canvas.y, _metal(draw)
    height, slope, thick = draw.uniform(-0.5, -0.36), draw.normal(0.06), draw.log_uniform(0.003, 0.015)
    if draw.chance(0.3):
        tip = (draw.uniform(-half, half), draw.uniform(-0.4, -0.15))
        canvas.lay(limb(x, y, (tip[0] + draw.sign() * draw.uniform(0.2, 1.2), -0.75), tip, thick, 0.5 * thick), paint)
        if draw.chance(0.6):
            canvas.lay(limb(x, y, tip, (tip[0], tip[1] + draw.uniform(0.02, 0.1)), 0.012, 0.012), paint)
        return
    canvas.lay(limb(x, y, (-1.5 * half, height - slope), (1.5 * half, height + slope), thick, thick), paint)
    for index in range(draw.integer(0, 4)):
        own = draw.child(f"hanging {index}")
        at = own.uniform(-half, half)
        bar = height + slope * at / (1.5 * half)
        place = (at, bar + own.uniform(0.0, 0.06))
        canvas.lay(limb(x, y, (at, bar), place, 0.5 * thick, 0.5 * thick), paint)
        if own.chance(0.5):
            _head(own, canvas, place, own.uniform(0.02, 0.09))
        else:
            canvas.lay(box(x, y, place, (own.uniform(0.004, 0.03), own.uniform(0.01, 0.05)), 0.003), _metal(own))


def _grid(draw: Draw, canvas: Canvas, half: float) -> None:
    """A tangle under the ceiling, along some of the upper border: a beam with lamps, bars and cloths on it."""
    middle, reach = draw.uniform(-half, half), draw.uniform(0.15, half)
    depth, thick = draw.uniform(0.03, 0.14), draw.log_uniform(0.005, 0.03)
    canvas.lay(limb(canvas.x, canvas.y, (middle - reach, -0.5), (middle + reach, -0.5), thick, thick), _metal(draw))
    for index in range(draw.integer(4, 9)):
        own = draw.child(f"in the grid {index}")
        place = middle + own.uniform(-reach, reach), -0.5 + own.uniform(-0.04, depth)
        kind = own.pick(("bar", "cloth", "lamp", "lamp"))
        if kind != "bar":
            # What hangs from nowhere would look like a subject's thin props.
            canvas.lay(limb(canvas.x, canvas.y, (place[0], -0.5), place, 0.004, 0.004), _metal(own.child("hung")))
        if kind == "lamp":
            _head(own, canvas, place, own.log_uniform(0.02, 0.09))
        elif kind == "bar":
            end = place[0] + own.uniform(-0.3, 0.3), -0.6
            thick = own.log_uniform(0.002, 0.012)
            canvas.lay(limb(canvas.x, canvas.y, place, end, thick, thick), _metal(own))
        else:
            size = own.uniform(0.03, 0.2), own.uniform(0.02, 0.06)
            level = own.log_uniform(0.005, 1.0)
            canvas.lay(box(canvas.x, canvas.y, place, size, 0.01), (level, level, level * own.uniform(0.8, 1.2)))


def _rack(draw: Draw, canvas: Canvas, half: float) -> None:
    """Bars that reach in from a side, ending at an upright post: a truss, a ladder, a dolly's rails."""
    x, y, paint = canvas.x, canvas.y, _metal(draw)
    side, thick = draw.sign(), draw.log_uniform(0.002, 0.008)
    end = side * (half - draw.uniform(0.0, 0.4))
    top, slope = draw.uniform(-0.3, 0.35), draw.normal(0.08)
    bars = draw.integer(2, 5)
    step_down = draw.uniform(0.04, 0.15)
    for index in range(bars):
        height = top + index * step_down
        outside = (side * (half + 0.3), height + slope * (half + 0.3 - abs(end)))
        canvas.lay(limb(x, y, (end, height), outside, thick, thick), paint)
    if draw.chance(0.8):
        foot = (end + draw.normal(0.02), top + bars * step_down + draw.uniform(0.0, 0.5))
        canvas.lay(limb(x, y, (end, top - 0.01), foot, 1.5 * thick, 1.8 * thick), paint)


def _head(draw: Draw, canvas: Canvas, center: Point, size: float, *, bare: bool = True) -> None:
    """The lamp itself: a dark housing, round or square, that is seen from behind, or its bright face.

    A bright round one on a stand is a lamp of the scene (`practical`): heads on stands are not ``bare``.
    """
    x, y = canvas.x, canvas.y
    round_one, ratio = draw.chance(0.5), draw.uniform(0.6, 1.4)

    def outline(share: float) -> Tensor:
        if round_one:
            return circle(x, y, center, share * size)
        return box(x, y, center, (share * size * ratio, share * size / ratio), 0.1 * size)

    canvas.lay(outline(1.0), _metal(draw))
    if draw.chance(0.65) and (bare or not round_one):
        level, warmth = draw.log_uniform(0.4, 8.0), draw.uniform(0.7, 1.3)
        far = torch.hypot(x - center[0], y - center[1]) / size
        glow = torch.exp(-((far / draw.uniform(0.5, 1.5)) ** 2)).unsqueeze(1)
        ribs = 1 + draw.uniform(0.0, 0.5) * torch.sin(far * draw.uniform(10, 60) / math.pi).unsqueeze(1)
        canvas.lay(outline(draw.uniform(0.75, 0.95)), rgb((level, level, level * warmth), x.device) * glow * ribs)
