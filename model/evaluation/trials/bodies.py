"""Subjects that the generator draws only by chance, made to measure: a swung arm, hair, lamps, crosses, a room."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.data.blur import motion_blur
from model.data.growth import Coat, draw_strands, grow
from model.data.lighting import Rgb, rgb, shade
from model.data.markers import Marks
from model.data.materials import SKIN_TONES, Stage, cloth, skin
from model.data.scenes import Backdrop
from model.data.seeding import Draw
from model.data.shapes import box, circle, coverage, join, limb, rounded_normal
from model.data.subjects.part import Part, add_solid
from model.data.textures import read, spectral
from model.data.truth import empty_stack, over, stack_of
from model.data.view import Motion, View

HAIR_WIDTH = (0.25, 0.45)
"""Pixels across a strand at its root."""


def swung_arm(draw: Draw, stage: Stage, at: Motion, shutter: float) -> Part:
    """Draw a sleeve, forearm and open hand that swing around the elbow at (0, 0) while the shutter is open."""
    view, pixel = stage.view, stage.view.pixel / at.size
    x, y = at.local(view, stage.x, stage.y)
    stack = empty_stack(view.frames, view.height, view.width, view.device)
    hand = join(limb(x, y, (0.0, -2.2), (0.0, -2.75), 0.26, 0.36), circle(x, y, (0.0, -2.75), 0.36), 0.1)
    for angle, length in ((-0.42, 0.62), (-0.14, 0.74), (0.12, 0.72), (0.38, 0.55), (1.15, 0.62)):
        root = (0.3 * math.sin(1.3 * angle), -2.75 - 0.28 * math.cos(angle))
        tip = (root[0] + length * math.sin(angle), root[1] - length * math.cos(angle))
        hand = join(hand, limb(x, y, root, tip, 0.115, 0.085), 0.05)
    bare = join(hand, limb(x, y, (0.0, 0.0), (0.0, -2.2), 0.42, 0.26), 0.15)
    stack = add_solid(
        stack, (x, y), bare, pixel, lambda u, v, d: skin(draw.child("skin"), stage, u, v, d, SKIN_TONES[2], 0.4)
    )
    sleeve = limb(x, y, (0.0, 1.5), (0.0, -0.95), 0.62, 0.46)
    stack = add_solid(
        stack, (x, y), sleeve, pixel, lambda u, v, d: cloth(draw.child("sleeve"), stage, u, v, d, pixel, 0.5)
    )
    # One sweep is 16 moments at most; a short one fills the gaps between them.
    return Part(motion_blur(motion_blur(stack, view, at, shutter / 16), view, at, shutter))


def fine_strands(draw: Draw, stage: Stage, at: Motion, count: int, color: Rgb) -> Part:
    """Draw loose hair around a head of radius 0.8 at (0, 0), blown to one side, thinner than a pixel throughout."""
    coat = Coat(
        length=1.7,
        width=HAIR_WIDTH,
        gravity=0.08,
        curl=0.55,
        curls=1.3,
        clump=0.15,
        color=color,
        variation=0.25,
        translucency=0.03,
    )
    angle = draw.uniforms(-math.pi * 1.05, math.pi * 0.2, count)
    inner = np.sqrt(draw.uniforms(0.55, 1.0, count))
    roots = np.stack((0.78 * inner * np.cos(angle), 0.95 * inner * np.sin(angle)), -1).astype(np.float32)
    heading = angle + 0.5 * np.sin(-0.25 - angle) + draw.normals(0.3, count)
    curves = grow(draw.child("strands"), roots, heading.astype(np.float32), coat, draw.uniforms(0.3, 1.0, count), 24)
    return Part(draw_strands(draw.child("drawn"), stage, at, curves, coat))


def lamps(stage: Stage, bulbs: Sequence[tuple[float, float, float, float]]) -> Part:
    """Draw bare bulbs on black stands: x, y and radius in the frame, and the light in the middle of each."""
    view, x, y = stage.view, stage.x, stage.y
    stack = empty_stack(view.frames, view.height, view.width, view.device)
    for left, top, radius, level in bulbs:
        stand = torch.minimum(
            limb(x, y, (left, top + radius), (left, 0.7), 0.010, 0.012),
            box(x, y, (left, top + 1.15 * radius), (0.55 * radius, 0.35 * radius), 0.01),
        )
        black = rgb((0.02, 0.02, 0.022), view.device).expand(1, 3, view.height, view.width)
        painted = shade(black, rounded_normal(stand, 0.012), stage.light, gloss=0.4, shininess=30)
        stack = over(stack_of(painted, coverage(stand, view.pixel)), stack)
        bulb = circle(x, y, (left, top), radius)
        inner = (-bulb / radius).clamp(0, 1)
        light = (0.25 + 0.75 * inner**1.5).unsqueeze(1) * level * rgb((1.0, 0.86, 0.66), view.device)
        stack = over(stack_of(light, coverage(bulb, view.pixel)), stack)
    return Part(stack)


def crosses(view: View, x: Tensor, y: Tensor, paints: Sequence[Rgb], period: float, size: float) -> Marks:
    """Return crosses on a grid, its rows shifted by halves, in turn in each of the paints (linear reflectance)."""
    row = torch.floor(y / period + 0.5)
    u = x / period + 0.5 * (row % 2)
    column = torch.floor(u)
    p, q = (u - column - 0.5) * period, y - row * period
    shape = torch.minimum(box(p, q, (0, 0), (size, size * 0.22)), box(p, q, (0, 0), (size * 0.22, size)))
    turn = ((column + 2 * row) % len(paints)).unsqueeze(1)
    color = torch.zeros(1, 3, view.height, view.width)
    for index, paint in enumerate(paints):
        color = torch.where(turn == index, rgb(paint, view.device), color)
    return Marks("cross", coverage(shape, view.pixel).unsqueeze(1), color)


def hot_spot(backdrop: Backdrop, x: Tensor, y: Tensor, center: tuple[float, float], gain: float) -> Backdrop:
    """Return the backdrop with a lamp too close to it: ``gain`` times brighter there, paler, and dark far away."""
    near = torch.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / 0.28**2).unsqueeze(1)

    def lit(light: Tensor) -> Tensor:
        sheen = 0.12 * near * light.mean(1, keepdim=True)
        return light * (0.42 + (gain - 0.42) * near) + gain * sheen

    return backdrop._replace(background=lit(backdrop.background), clean_plate=lit(backdrop.clean_plate))


def hung(backdrop: Backdrop, room: Backdrop, view: View, x: Tensor, y: Tensor) -> Backdrop:
    """Return the screen of one backdrop, hung in a room from above the frame, a stand at either side."""
    share = coverage(box(x + 0.06 * y, y, (0.01, -0.13), (0.44, 0.56)), view.pixel).unsqueeze(1)
    stands = torch.minimum(*(limb(x, y, (side * 0.46, -0.6), (side * 0.49, 0.5), 0.006, 0.010) for side in (-1, 1)))
    solid = coverage(stands, view.pixel).unsqueeze(1)
    metal = rgb((0.035, 0.035, 0.037), view.device)

    def seen(screen: Tensor, beside: Tensor) -> Tensor:
        light = beside + (screen - beside) * share
        return light + (metal - light) * solid

    return Backdrop(
        seen(backdrop.background, room.background),
        seen(backdrop.clean_plate, room.clean_plate),
        backdrop.share * share * (1 - solid),
    )


def room(draw: Draw, view: View, x: Tensor, y: Tensor) -> Backdrop:
    """Return a room without any screen: plaster, skirting, a picture, a shelf, a lamp's glow, all in muted colors."""
    plaster = read(
        spectral(draw.child("plaster"), view.device, slope=1.6, low=1, high=60, channels=3), x * 0.4, y * 0.4
    )
    glow = 0.5 + 0.7 * torch.exp(-((x + 0.5) ** 2 + (y + 0.25) ** 2) / 0.6).unsqueeze(1)
    wall = rgb((0.30, 0.29, 0.275), view.device) * torch.exp(0.06 * plaster) * glow

    def put(onto: Tensor, distance: Tensor, color: Rgb, strength: float = 1.0) -> Tensor:
        return onto + (rgb(color, view.device) * glow - onto) * coverage(distance, view.pixel).unsqueeze(1) * strength

    wood = read(spectral(draw.child("wood"), view.device, slope=1.0, low=1, high=60, stretch=8.0), x * 0.5, y * 0.5)
    floor = coverage(0.36 - y, view.pixel).unsqueeze(1)
    wall = wall + (rgb((0.16, 0.115, 0.08), view.device) * torch.exp(0.2 * wood) * glow - wall) * floor
    wall = put(wall, box(x, y, (0.0, 0.345), (2.0, 0.022)), (0.52, 0.51, 0.49))
    wall = put(wall, box(x, y, (-0.58, -0.16), (0.17, 0.13)), (0.05, 0.045, 0.04))
    wall = put(wall, box(x, y, (-0.58, -0.16), (0.15, 0.11)), (0.42, 0.40, 0.36))
    wall = put(wall, circle(x, y, (-0.61, -0.17), 0.06), (0.17, 0.19, 0.23))
    wall = put(wall, box(x, y, (0.62, 0.02), (0.2, 0.012)), (0.12, 0.085, 0.06))
    for index, tone in enumerate(((0.24, 0.10, 0.08), (0.10, 0.11, 0.14), (0.33, 0.30, 0.24), (0.08, 0.08, 0.08))):
        wall = put(wall, box(x, y, (0.47 + 0.052 * index, -0.065), (0.022, 0.07 + 0.008 * (index % 2))), tone)
    wall = put(wall, circle(x, y, (0.74, -0.04), 0.045), (0.34, 0.34, 0.36))
    return Backdrop(wall, wall, torch.zeros(1, 1, view.height, view.width))
