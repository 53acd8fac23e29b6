"""Paints the demo's green-screen shot: a waving figure with loose hair, whose alpha is known exactly.

Every frame is ``alpha · foreground + (1 − alpha) · screen`` in linear light, averaged over the shutter, so the truth is
the alpha that the picture was made with and no estimate of it. Coverage of an outline is the share of a one-pixel box
that it fills, so a hair thinner than a pixel keeps its true, partial alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom
Point = NDArray[np.float64]  # (x, y) in pixels of a picture 720 high; y points down

WIDTH, HEIGHT, FRAMES, FPS = 1280, 720, 24, 24
SHUTTER_SAMPLES = 20  # per frame, over a 180° shutter
SCREEN = np.array((0.045, 0.30, 0.075), np.float32)  # linear Rec.709: green cloth under a soft light
SKIN = np.array((0.52, 0.29, 0.20), np.float32)
HAIR = np.array((0.085, 0.040, 0.022), np.float32)
COAT = np.array((0.060, 0.075, 0.19), np.float32)
LIPS = np.array((0.36, 0.12, 0.10), np.float32)
SHIRT = np.array((0.70, 0.66, 0.58), np.float32)
KEY_LIGHT = np.array((1.04, 1.0, 0.94), np.float32)
FILL_LIGHT = np.array((0.30, 0.31, 0.34), np.float32)
NOISE = 0.004  # standard deviation at mid grey; grows with the square root of the light, as photons do


@dataclass(frozen=True)
class DemoFrame:
    """One painted frame."""

    plate: Picture  # (H, W, 3), scene-linear Rec.709, with noise
    alpha: Picture  # (H, W), 0–1, the truth


class _Layer:
    """Light and coverage painted so far in a window of the picture: premultiplied RGB and alpha."""

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top, self.right, self.bottom = left, top, right, bottom
        self.light = np.zeros((bottom - top, right - left, 3), np.float32)
        self.alpha = np.zeros((bottom - top, right - left), np.float32)

    def paint(self, box: Box, coverage: Picture, color: Picture) -> None:
        """Lay ``color`` over what is in ``box`` (Porter & Duff 1984, "over")."""
        self.lay(box, coverage[..., None] * color, coverage)

    def lay(self, box: Box, light: Picture, alpha: Picture) -> None:
        """Lay premultiplied ``light`` with its ``alpha`` over what is in ``box``."""
        left, top, right, bottom = box
        inside = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        rest = 1.0 - alpha
        self.light[inside] = light + rest[..., None] * self.light[inside]
        self.alpha[inside] = alpha + rest * self.alpha[inside]

    @property
    def box(self) -> Box:
        """The window."""
        return self.left, self.top, self.right, self.bottom


def paint_frame(index: int, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> DemoFrame:
    """Paint frame ``index`` (from 0) of ``frames``; the same arguments give the same bits."""
    time, scale = index / frames, height / HEIGHT
    figure = _Layer(0, 0, width, height)
    _paint_body(figure, time, scale)
    arm = _Layer(min(width, int(640 * scale)), 0, width, height)
    light, alpha = np.zeros_like(arm.light), np.zeros_like(arm.alpha)
    for sample in range(SHUTTER_SAMPLES):
        arm.light[:], arm.alpha[:] = 0.0, 0.0
        _paint_arm(arm, time + 0.5 * (sample + 0.5) / SHUTTER_SAMPLES / frames, scale)
        light += arm.light / SHUTTER_SAMPLES
        alpha += arm.alpha / SHUTTER_SAMPLES
    figure.lay(arm.box, light, np.minimum(alpha, 1.0))
    truth = np.clip(figure.alpha, 0.0, 1.0)
    plate = figure.light + (1.0 - truth)[..., None] * paint_screen(width, height)
    random = np.random.default_rng(1000 + index)
    grain = random.standard_normal(plate.shape, np.float32) * NOISE * np.sqrt(np.maximum(plate, 0.01) / 0.18)
    return DemoFrame(plate=(plate + grain).astype(np.float32), alpha=truth)


def paint_screen(width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Return the uneven screen: a hot spot, falloff to the corners, and soft folds in the cloth."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    hot = 0.45 * np.exp(-(((x - 0.30) / 0.28) ** 2) - ((y - 0.28) / 0.35) ** 2)
    falloff = 1.0 - 0.55 * ((x - 0.45) ** 2 + 0.6 * (y - 0.4) ** 2)
    folds = 0.025 * np.sin(19.0 * x + 2.5 * np.sin(3.0 * y)) + 0.015 * np.sin(41.0 * x - 2.0 * y)
    amount = falloff + hot + folds
    # The lamp is a little warmer than the room: hue changes with brightness, as on a real screen.
    tint = np.stack((1.0 + 0.10 * hot, np.ones_like(hot), 1.0 - 0.10 * hot), axis=-1)
    return np.asarray(amount[..., None] * SCREEN * tint, np.float32)


def _paint_body(layer: _Layer, time: float, scale: float) -> None:
    """Paint everything but the waving arm."""
    sway = 6.0 * np.sin(2.0 * np.pi * time)
    head = _at(640.0 + 1.6 * sway, 262.0)
    _paint_hair(layer, head, time, scale, behind=True)
    _paint_capsule(layer, _at(head[0], 330.0), _at(636.0 + sway, 440.0), 46.0, 56.0, SKIN * 0.8, scale)
    _paint_capsule(layer, _at(500.0 + sway, 515.0), _at(452.0 + sway, 800.0), 62.0, 66.0, COAT * 0.9, scale)
    _paint_capsule(layer, _at(632.0 + sway, 585.0), _at(632.0, 900.0), 178.0, 205.0, COAT, scale)
    _paint_capsule(layer, _at(636.0 + sway, 436.0), _at(634.0 + sway, 560.0), 47.0, 4.0, SHIRT, scale)
    _paint_capsule(layer, _at(637.0 + sway, 405.0), _at(635.0 + sway, 462.0), 42.0, 10.0, SKIN * 0.9, scale)
    _paint_ellipse(layer, head, _at(92.0, 118.0), SKIN, scale)
    for side in (-1.0, 1.0):
        _paint_ellipse(layer, head + _at(side * 36.0, -8.0), _at(15.0, 9.0), SHIRT * 1.15, scale)
        _paint_ellipse(layer, head + _at(side * 36.0 + 2.0, -8.0), _at(7.0, 7.5), HAIR * 0.5, scale)
        brow = head + _at(side * 37.0, -32.0)
        _paint_capsule(layer, brow + _at(-18.0 * side, -3.0), brow + _at(18.0 * side, 2.0), 3.5, 2.5, HAIR, scale)
        _paint_capsule(layer, head + _at(0.0, 64.0), head + _at(side * 24.0, 57.0), 5.0, 3.0, LIPS, scale)
    _paint_capsule(layer, head + _at(1.0, 2.0), head + _at(4.0, 26.0), 6.0, 11.0, SKIN * 0.95, scale)
    _paint_hair(layer, head, time, scale, behind=False)


def _paint_arm(layer: _Layer, moment: float, scale: float) -> None:
    """Paint the waving arm as it stands at ``moment`` (in lengths of the shot)."""
    sway = 6.0 * np.sin(2.0 * np.pi * moment)
    shoulder = _at(778.0 + sway, 522.0)
    elbow = shoulder + _turned(168.0, -0.40 + 0.10 * np.sin(4.0 * np.pi * moment))
    wave = -1.35 + 0.50 * np.sin(6.0 * np.pi * moment)
    wrist = elbow + _turned(165.0, wave)
    _paint_capsule(layer, shoulder, elbow, 60.0, 44.0, COAT, scale)
    _paint_capsule(layer, elbow, wrist - _turned(30.0, wave), 44.0, 33.0, COAT, scale)
    _paint_capsule(layer, wrist - _turned(32.0, wave), wrist, 24.0, 25.0, SKIN, scale)
    palm = wrist + _turned(34.0, wave)
    _paint_capsule(layer, wrist, palm, 27.0, 36.0, SKIN, scale)
    for spread, length in ((-0.55, 64.0), (-0.20, 84.0), (0.06, 88.0), (0.32, 78.0), (1.05, 58.0)):
        root = palm + _turned(12.0, wave + 1.4 * spread)
        _paint_capsule(layer, root, root + _turned(length, wave + spread), 11.0, 8.0, SKIN, scale)


def _at(x: float, y: float) -> Point:
    return np.array((x, y))


def _turned(length: float, angle: float) -> Point:
    """Return the vector of ``length`` at ``angle``: 0 points right, negative angles point up."""
    return np.array((np.cos(angle), np.sin(angle))) * length


def _paint_hair(layer: _Layer, head: Point, time: float, scale: float, *, behind: bool) -> None:
    """Paint the mass of hair, and the strands that leave it: tapering from 3 pixels wide down to less than one."""
    random = np.random.default_rng(7 if behind else 8)
    if behind:
        _paint_ellipse(layer, head + _at(0.0, -10.0), _at(120.0, 136.0), HAIR, scale)
        for side in (-1.0, 1.0):
            _paint_capsule(
                layer, head + _at(84.0 * side, 20.0), head + _at(100.0 * side, 150.0), 38.0, 22.0, HAIR, scale
            )
    else:
        for side in (-1.0, 1.0):
            _paint_capsule(
                layer, head + _at(4.0 * side, -108.0), head + _at(78.0 * side, -62.0), 30.0, 22.0, HAIR, scale
            )
            _paint_capsule(
                layer, head + _at(80.0 * side, -66.0), head + _at(98.0 * side, 60.0), 24.0, 12.0, HAIR, scale
            )
    for _ in range(240 if behind else 40):
        angle = random.uniform(-np.pi - 1.1, 1.1) if behind else random.uniform(-np.pi, 0.0)
        outward = _turned(1.0, angle)
        root = head + _at(0.0, -10.0) + _at(112.0 * outward[0], 128.0 * outward[1] + 26.0 * max(outward[1], 0.0))
        length = random.uniform(30.0, 150.0) * (1.0 if behind else 0.5)
        wind = 12.0 * np.sin(2.0 * np.pi * (time * 2.0 + random.uniform()))
        fall = _at(0.15 * length * np.sign(outward[0]) + wind, 0.75 * length)
        points = _bend(
            root - (30.0 if behind else 6.0) * outward,
            root + 0.40 * length * outward,
            root + 0.45 * length * outward + fall,
        )
        radius = random.uniform(0.3, 1.5) * scale
        shade = HAIR * random.uniform(0.8, 2.0)
        for piece, (start, end) in enumerate(pairwise(points)):
            _paint_strand(layer, start * scale, end * scale, radius * (1.0 - 0.08 * piece), shade)


def _bend(start: Point, middle: Point, end: Point, pieces: int = 10) -> Point:
    """Return ``pieces`` + 1 points of the quadratic Bézier curve through ``start`` and ``end``."""
    t = np.linspace(0.0, 1.0, pieces + 1)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end)


def _box(layer: _Layer, low: Point, high: Point) -> Box | None:
    """Return the pixels between two corners, with a margin, that lie in the layer; None where there are none."""
    left, top = max(layer.left, int(np.floor(low[0])) - 2), max(layer.top, int(np.floor(low[1])) - 2)
    right, bottom = min(layer.right, int(np.ceil(high[0])) + 2), min(layer.bottom, int(np.ceil(high[1])) + 2)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _centers(box: Box) -> tuple[Picture, Picture]:
    """Return x (1, w) and y (h, 1) of the pixel centers in ``box``."""
    left, top, right, bottom = box
    return (
        np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5),
        np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5),
    )


def _from_line(box: Box, start: Point, end: Point) -> tuple[Picture, Picture, Picture]:
    """Return how far along the line each pixel lies (0–1), and its offset x and y from the nearest point of it."""
    x, y = _centers(box)
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    part = np.clip((px * dx + py * dy) / max(dx * dx + dy * dy, np.float32(1e-6)), np.float32(0), np.float32(1))
    along: Picture = part.astype(np.float32)
    return along, px - along * dx, py - along * dy


def _paint_strand(layer: _Layer, start: Point, end: Point, radius: float, color: Picture) -> None:
    box = _box(layer, np.minimum(start, end) - radius, np.maximum(start, end) + radius)
    if box is None:
        return
    _, x, y = _from_line(box, start, end)
    distance = np.hypot(x, y)
    # The part of a pixel-wide interval that a band of this half width fills.
    coverage = np.clip(np.minimum(distance + 0.5, radius) - np.maximum(distance - 0.5, -radius), 0.0, 1.0)
    layer.paint(box, coverage.astype(np.float32), color)


def _paint_capsule(
    layer: _Layer, start: Point, end: Point, start_radius: float, end_radius: float, color: Picture, scale: float
) -> None:
    """Paint a rounded, tapering limb, lit from the upper left."""
    a, b, widest = start * scale, end * scale, max(start_radius, end_radius) * scale
    box = _box(layer, np.minimum(a, b) - widest, np.maximum(a, b) + widest)
    if box is None:
        return
    part, x, y = _from_line(box, a, b)
    radius = (np.float32(start_radius) + np.float32(end_radius - start_radius) * part) * np.float32(scale)
    reach = np.hypot(x, y)
    coverage = np.clip(radius - reach + 0.5, 0.0, 1.0).astype(np.float32)
    far = np.maximum(radius, reach)
    layer.paint(box, coverage, _lit(color, x / far, y / far))


def _paint_ellipse(layer: _Layer, center: Point, radii: Point, color: Picture, scale: float) -> None:
    """Paint an ellipse as a ball, lit from the upper left."""
    middle, half = center * scale, radii * scale
    box = _box(layer, middle - half, middle + half)
    if box is None:
        return
    x, y = _centers(box)
    rx, ry = (np.float32(v) for v in half)
    u, v = (x - np.float32(middle[0])) / rx, (y - np.float32(middle[1])) / ry
    reach = np.hypot(u, v)
    # Distance to the outline, to first order: the implicit function by the length of its gradient.
    slope = np.hypot(u / rx, v / ry) / np.maximum(reach, 1e-6)
    coverage = np.clip((1.0 - reach) / np.maximum(slope, 1e-6) + 0.5, 0.0, 1.0).astype(np.float32)
    far = np.maximum(reach, 1.0)
    layer.paint(box, coverage, _lit(color, u / far, v / far))


def _lit(color: Picture, nx: Picture, ny: Picture) -> Picture:
    """Return ``color`` under a warm key light, a cool fill, and a little green bounced off the screen at the rim."""
    nz = np.sqrt(np.maximum(1.0 - nx**2 - ny**2, 0.0))
    key = np.maximum(-0.55 * nx - 0.45 * ny + 0.70 * nz, 0.0)[..., None]
    bounce = ((1.0 - nz) ** 3)[..., None] * SCREEN * np.float32(0.06)
    return np.asarray(color * (key * KEY_LIGHT + FILL_LIGHT) + bounce, np.float32)
