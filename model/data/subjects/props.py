"""Props: things with hard outlines and holes, thin poles and cables, phones that show green, mirrors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from model.data.lighting import rgb, shade
from model.data.materials import Stage, any_color, cloth, hard, near_screen_color, pattern
from model.data.seeding import Draw
from model.data.shapes import blob, box, circle, coverage, limb, line_coverage, polygon, rounded_normal
from model.data.subjects.part import Part, add_solid
from model.data.textures import read, spectral
from model.data.truth import empty_stack, stack_of
from model.data.view import Motion

_LINES = {"poles": 2.0, "ropes": 1.2, "spokes": 0.8}


def _outline(draw: Draw, x: Tensor, y: Tensor) -> Tensor:
    kind = draw.weighted({"box": 1.5, "blob": 1.5, "polygon": 1.5, "star": 0.6, "gear": 0.4})
    if kind == "box":
        return box(x, y, (0.0, 0.0), (draw.uniform(0.4, 1.0), draw.uniform(0.4, 1.0)), draw.uniform(0.0, 0.3))
    if kind == "blob":
        waves = [(n, draw.normal(0.14 / n), draw.uniform(0, 6.28)) for n in range(2, 7)]
        return blob(x, y, 0.75, waves)
    if kind == "gear":
        return blob(x, y, 0.8, [(draw.integer(6, 18), draw.uniform(0.03, 0.09), 0.0)])
    count = draw.integer(3, 7)
    corners = []
    for index in range(count * (2 if kind == "star" else 1)):
        radius = draw.uniform(0.6, 1.0) * (0.5 if kind == "star" and index % 2 else 1.0)
        angle = 2 * math.pi * index / (count * (2 if kind == "star" else 1)) + draw.normal(0.1)
        corners.append((radius * math.cos(angle), radius * math.sin(angle)))
    return polygon(x, y, corners) - draw.uniform(0.0, 0.06)


def thing(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw one to three stacked things, hard or of cloth, perhaps with holes through them."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    stack = empty_stack(view.frames, view.height, view.width, view.device)
    for index in range(draw.integer(1, 3)):
        own = draw.child(f"thing {index}")
        size = own.uniform(0.6, 1.0) if index == 0 else own.uniform(0.25, 0.6)
        dx, dy = (0.0, 0.0) if index == 0 else (own.uniform(-0.7, 0.7), own.uniform(-0.7, 0.7))
        u, v = (x - dx) / size, (y - dy) / size
        distance = _outline(own.child("outline"), u, v)
        if own.chance(0.3):
            for hole in range(own.integer(1, 4)):
                place = (own.uniform(-0.5, 0.5), own.uniform(-0.5, 0.5))
                distance = torch.maximum(distance, -circle(u, v, place, own.uniform(0.05, 0.25) / (1 + 0.3 * hole)))
        distance = distance * size
        painter = hard if own.chance(0.6) else cloth
        stack = add_solid(
            stack, (x, y), distance, pixel, partial(painter, own.child("paint"), stage, pixel=pixel, thickness=0.4)
        )
    return Part(stack)


def thin(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw poles, ropes, a stand or spokes, from a fraction of a pixel to a few pixels wide."""
    return _drawn(draw, stage, motion, _LINES | {"stand": 1.0})


def rods(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw what ``thin`` draws, but no stand: where gear of the set stands about, a stand is no subject."""
    return _drawn(draw, stage, motion, _LINES)


def _drawn(draw: Draw, stage: Stage, motion: Motion, kinds: Mapping[str, float]) -> Part:
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    lines = _lines(draw.child("lines"), x, y, kinds)
    alpha = torch.zeros_like(x)
    distance = torch.full_like(x, 1e3)
    for middle, half in lines:
        alpha = torch.maximum(alpha, line_coverage(middle, half, pixel))
        distance = torch.minimum(distance, middle - half)
    albedo = rgb(any_color(draw, stage), x.device).expand(view.frames, 3, view.height, view.width)
    gloss = draw.uniform(0, 0.6)
    color = shade(albedo, rounded_normal(distance, 0.02), stage.light, gloss=gloss, shininess=25)
    return Part(stack_of(color, alpha))


def _lines(draw: Draw, x: Tensor, y: Tensor, kinds: Mapping[str, float]) -> list[tuple[Tensor, float]]:
    """Return the distance (T, H, W) to the middle of each line, and half its width."""
    kind = draw.weighted(kinds)
    if kind == "poles":
        ends = [
            [(draw.uniform(-0.9, 0.9), draw.uniform(-0.9, 0.9)) for _ in range(2)] for _ in range(draw.integer(1, 5))
        ]
        return [(limb(x, y, start, end, 0, 0), draw.log_uniform(0.002, 0.04)) for start, end in ends]
    if kind == "ropes":
        ropes = []
        for _ in range(draw.integer(1, 4)):
            swing, waves, phase = draw.uniform(0.05, 0.3), draw.uniform(1, 6), draw.uniform(0, 6)
            path = y - draw.uniform(-0.5, 0.5) - swing * torch.sin(x * waves + phase)
            slope = swing * waves * torch.cos(x * waves + phase)
            ropes.append((path.abs() / torch.sqrt(1 + slope * slope), draw.log_uniform(0.002, 0.025)))
        return ropes
    if kind == "spokes":
        count = draw.integer(5, 16)
        angle, radius = torch.atan2(y, x) * (count / (2 * math.pi)), torch.hypot(x, y)
        across = (angle - torch.round(angle)).abs() * (2 * math.pi / count) * radius
        spokes = torch.where(radius < 0.75, across, torch.full_like(across, 1e3))
        return [(spokes, draw.log_uniform(0.002, 0.012)), ((radius - 0.75).abs(), draw.uniform(0.01, 0.05))]
    foot = draw.uniform(0.4, 0.9)
    legs = [(limb(x, y, (0.0, foot - 0.4), (side, foot + 0.15), 0, 0), 0.008) for side in (-0.45, 0.05, 0.4)]
    return [
        (limb(x, y, (0.0, -0.9), (0.0, foot), 0, 0), 0.012),
        (limb(x, y, (-0.6, -0.8), (0.7, -0.9), 0, 0), 0.007),
        *legs,
    ]


def practical(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a lamp that belongs to the scene: a bulb on a pole, far brighter than what it lights, or under a shade."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    radius, thick = draw.uniform(0.15, 0.4), draw.log_uniform(0.02, 0.07)
    pole = _pole(draw.child("pole"), x, y, radius, thick)
    paint = draw.child("paint")
    albedo = rgb((0.02, 0.02, 0.02) if paint.chance(0.6) else any_color(paint, stage), x.device)
    level, warmth, shaded = draw.log_uniform(1.0, 50.0), draw.uniform(0.5, 1.0), draw.chance(0.3)
    light = (min(level, 4.0) if shaded else level) * rgb((1.0, 0.6 + 0.4 * warmth, warmth), x.device)
    bulb = box(x, y, (0.0, 0.0), (1.6 * radius, 1.1 * radius), 0.1 * radius) if shaded else circle(x, y, (0, 0), radius)

    def painted(u: Tensor, _: Tensor, distance: Tensor) -> Tensor:
        body = albedo.expand(u.shape[0], 3, *u.shape[1:])
        return shade(body, rounded_normal(distance, thick), stage.light, gloss=0.4, shininess=30)

    def glowing(_: Tensor, __: Tensor, distance: Tensor) -> Tensor:
        inner = (-distance / radius).clamp(0, 1)
        return (0.25 + 0.75 * inner**1.5).unsqueeze(1) * light

    stack = empty_stack(view.frames, view.height, view.width, view.device)
    stack = add_solid(stack, (x, y), pole, pixel, painted)
    return Part(add_solid(stack, (x, y), bulb, pixel, glowing))


def _pole(draw: Draw, x: Tensor, y: Tensor, radius: float, thick: float) -> Tensor:
    """Return the distance to the pole under a bulb of ``radius`` at (0, 0), its socket, and perhaps its foot."""
    tall = draw.log_uniform(1.0, 12.0)
    pole = limb(x, y, (0.0, 0.8 * radius), (0.0, tall), thick, thick * draw.uniform(1.0, 1.3))
    pole = torch.minimum(pole, box(x, y, (0.0, 1.15 * radius), (0.55 * radius, 0.35 * radius), 0.02))
    if draw.chance(0.5):
        pole = torch.minimum(pole, box(x, y, (0.0, tall), (draw.uniform(0.3, 0.8), 0.05), 0.04))
    return pole


def phone(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a phone or tablet whose display is lit in a color at or near the screen's: it must stay opaque."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    half = (0.45, 0.9) if draw.chance(0.6) else (0.9, 0.65)
    case = box(x, y, (0.0, 0.0), half, 0.09)
    stack = empty_stack(view.frames, view.height, view.width, view.device)

    def body(u: Tensor, _: Tensor, d: Tensor) -> Tensor:
        dark = rgb((0.015, 0.015, 0.017), u.device).expand(u.shape[0], 3, *u.shape[1:])
        return shade(dark, rounded_normal(d, 0.05), stage.light, gloss=0.5, shininess=50)

    stack = add_solid(stack, (x, y), case, pixel, body)
    display = box(x, y, (0.0, 0.0), (half[0] - 0.05, half[1] - 0.05), 0.05)

    def shown(u: Tensor, v: Tensor, _: Tensor) -> Tensor:
        tint = stage.screen_color if draw.chance(0.5) else near_screen_color(draw, stage.screen_color)
        level = draw.uniform(0.5, 1.3)
        picture = rgb(tint, x.device) * level + 0 * u.unsqueeze(1)
        if draw.chance(0.5):
            other = pattern(draw.child("picture"), stage, u, v, pixel, 1.5)
            share = torch.sigmoid(
                8
                * (
                    read(spectral(draw.child("share"), x.device, slope=2.0, low=1, high=8), u * 0.4, v * 0.4)[:, 0:1]
                    - 0.4
                )
            )
            picture = picture + (other - picture) * share
        return picture

    return Part(add_solid(stack, (x, y), display, pixel, shown))


def mirror(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw polished metal or lacquer that mirrors the screen: the reflection is spill, the body is opaque."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    distance = _outline(draw.child("outline"), x, y)
    nx, ny, nz = rounded_normal(distance, draw.uniform(0.15, 0.9))
    swirl = read(
        spectral(draw.child("world"), x.device, slope=1.5, low=1, high=30, channels=2),
        nx * 0.3 + 0.05 * x,
        ny * 0.3 + 0.05 * y,
    )
    room = (0.10 + 0.12 * swirl[:, 0:1]).clamp(min=0.01) * rgb((1.0, 0.95, 0.88), x.device)
    lamps = 3.0 * torch.sigmoid(12 * (swirl[:, 1:2] - 1.9)) * rgb(stage.light.key, x.device)
    tint = rgb(any_color(draw, stage), x.device)
    metal = draw.chance(0.5)
    body = (room + lamps) * (0.5 + 0.5 * tint) if metal else tint * 0.8 * stage.light.key[1] + 0.15 * (room + lamps)
    color = shade(
        body.expand(view.frames, 3, view.height, view.width).clamp(max=4.0),
        (nx, ny, nz),
        stage.light,
        gloss=0.6,
        shininess=80,
    )
    seen = torch.sigmoid(6 * (torch.hypot(nx, ny) - 0.55 + 0.25 * swirl[:, 1]))
    fresnel = (0.25 + 0.75 * (1 - nz) ** 2) if metal else (0.04 + 0.6 * (1 - nz) ** 3)
    layer = stack_of(color, coverage(distance, pixel), gleam=seen * fresnel * draw.uniform(0.3, 0.9))
    return Part(layer)
