"""People: head, face, hair, clothes and limbs. One local unit is half the height of a head, (0, 0) its middle."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from model.data.growth import Coat, draw_strands, grow
from model.data.lighting import Rgb, rgb, shade
from model.data.materials import HAIR_TONES, SKIN_TONES, Stage, any_color, cloth, hard, near_screen_color, skin
from model.data.seeding import Draw
from model.data.shapes import box as rectangle
from model.data.shapes import circle, coverage, ellipse, join, limb, line_coverage, rounded_normal
from model.data.subjects.part import Part, add_solid, window
from model.data.textures import read, spectral
from model.data.truth import empty_stack, over
from model.data.view import Motion

Grid = tuple[Tensor, Tensor]


def person(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a person from head to knees."""
    view = stage.view
    pixel = view.pixel / motion.size
    x, y = motion.local(view, stage.x, stage.y)
    tone = draw.pick(SKIN_TONES)
    style = draw.weighted({"short": 2.0, "long": 2.5, "curly": 1.2, "tied": 0.8, "bald": 0.4})
    stack = empty_stack(view.frames, view.height, view.width, view.device)
    coat = _coat(draw.child("hair"), stage, style)
    if style in ("long", "curly"):
        stack = over(_hair_behind(draw.child("behind"), stage, motion, coat, style), stack)
    garment = draw.child("garment")
    stack = _trunk(draw.child("trunk"), garment, stage, stack, (x, y), pixel, tone)
    arms_first = draw.chance(0.5)
    if arms_first:
        stack = _arms(draw.child("arms"), garment, stage, stack, (x, y), pixel, tone)
    head = _head_distance(draw.child("head"), x, y)
    stack = add_solid(
        stack,
        (x, y),
        head,
        pixel,
        lambda u, v, d: _face(
            draw.child("face"), stage, skin(draw.child("head skin"), stage, u, v, d, tone, 0.9), u, v, pixel, coat
        ),
    )
    if style != "bald":
        stack = over(_hair_on_top(draw.child("top"), stage, motion, (x, y), pixel, coat, style), stack)
    stack = _headphones(draw.child("headphones"), stage, stack, (x, y), pixel)
    if not arms_first:
        stack = _arms(draw.child("arms"), garment, stage, stack, (x, y), pixel, tone)
    return Part(stack)


def hair(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a head of long hair from behind, often windswept: little else than strands."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    style = draw.pick(("long", "curly", "short"))
    coat = _coat(draw.child("hair"), stage, style)
    body = ellipse(x, y, (0.0, 0.0), (0.78, 0.98))
    if style != "short":
        fall = 0.3 * coat.length
        body = join(body, ellipse(x, y, (0.0, 0.3 + fall * 0.5), (0.85, 0.5 + fall)), 0.4)
    mass = _hair_mass(draw.child("mass"), stage, (x, y), view.pixel / motion.size, coat, body)
    stack = over(mass, empty_stack(view.frames, view.height, view.width, view.device))
    count = draw.integer(500, 1300)
    angle = draw.uniforms(-math.pi, math.pi, count)
    spread = np.sqrt(draw.uniforms(0.3, 1.0, count))
    roots = np.stack((0.76 * spread * np.cos(angle), 0.95 * spread * np.sin(angle)), -1).astype(np.float32)
    wind = draw.uniform(-math.pi, math.pi)
    leaning = angle + 0.7 * np.sin(wind - angle) + draw.normals(0.4, count)
    curves = grow(draw.child("strands"), roots, leaning.astype(np.float32), coat, draw.uniforms(0.2, 1.0, count), 28)
    stack = over(draw_strands(draw.child("drawn"), stage, motion, curves, coat), stack)
    return Part(over(_flyaways(draw.child("fly"), stage, motion, coat), stack))


def _coat(draw: Draw, stage: Stage, style: str) -> Coat:
    color = draw.pick(HAIR_TONES + 2 * HAIR_TONES[:5])
    if draw.chance(0.25 * stage.near_screen):
        color = near_screen_color(draw, stage.screen_color)
    length = {"short": draw.uniform(0.08, 0.3), "long": draw.uniform(1.6, 3.6), "curly": draw.uniform(0.9, 2.6)}
    return Coat(
        length=length.get(style, 0.5),
        width=(0.25, 1.2),
        gravity={"short": 0.25, "long": 1.0, "curly": draw.uniform(0.15, 0.8)}.get(style, 0.5),
        curl={"short": 0.3, "long": draw.uniform(0.05, 0.5), "curly": draw.uniform(0.7, 1.5)}.get(style, 0.3),
        curls={"curly": draw.uniform(2, 5)}.get(style, draw.uniform(0.5, 2.0)),
        clump=draw.uniform(0.2, 0.9),
        color=color,
        variation=draw.uniform(0.1, 0.35),
        translucency=0.03,
    )


def _head_distance(draw: Draw, x: Tensor, y: Tensor) -> Tensor:
    skull = ellipse(x, y, (0.0, -0.15), (0.75, 0.86))
    jaw = ellipse(x, y, (0.0, 0.32), (draw.uniform(0.5, 0.6), draw.uniform(0.62, 0.72)))
    head = join(skull, jaw, 0.3)
    for side in (-1.0, 1.0):
        head = join(head, ellipse(x, y, (side * 0.77, 0.05), (0.11, 0.23)), 0.05)
    return head


def _face(draw: Draw, stage: Stage, color: Tensor, x: Tensor, y: Tensor, pixel: float, coat: Coat) -> Tensor:
    """Paint sockets, eyes, brows, nose and mouth; a keyer must not take holes for them."""
    light = stage.light
    turned = draw.uniform(-0.18, 0.18)
    u = x - turned
    hollow = torch.zeros_like(x)
    for side in (-1.0, 1.0):
        hollow += 0.40 * torch.exp(-(((u - side * 0.3) / 0.2) ** 2) - ((y + 0.1) / 0.13) ** 2)
        hollow += 0.16 * torch.exp(-(((u - side * 0.13) / 0.06) ** 2) - ((y - 0.2) / 0.12) ** 2)
    hollow += 0.45 * torch.exp(-((u / 0.15) ** 2) - ((y - 0.32) / 0.045) ** 2)
    hollow += 0.30 * torch.exp(-((u / 0.2) ** 2) - ((y - 0.66) / 0.06) ** 2)
    bright = 0.22 * torch.exp(-((u / 0.06) ** 2) - ((y - 0.1) / 0.2) ** 2)
    bright += 0.12 * torch.exp(-((u / 0.3) ** 2) - ((y + 0.5) / 0.2) ** 2)
    color = color * (1 - hollow + bright).clamp(min=0.1).unsqueeze(1)
    iris = draw.pick(((0.03, 0.018, 0.012), (0.05, 0.07, 0.10), (0.04, 0.06, 0.03)))

    def paint(onto: Tensor, distance: Tensor, reflectance: Rgb, strength: float = 1.0) -> Tensor:
        share = coverage(distance, max(pixel, 0.02)).unsqueeze(1) * strength
        arriving = rgb(light.key, x.device) * 0.55 + rgb(light.fill, x.device)
        lit = rgb(reflectance, x.device) * arriving
        return onto + (lit - onto) * share

    for side in (-1.0, 1.0):
        color = paint(color, ellipse(u, y, (side * 0.3, -0.09), (0.12, 0.05)), (0.36, 0.33, 0.31))
        color = paint(color, circle(u, y, (side * 0.3, -0.1), 0.06), iris)
        color = paint(
            color, limb(u, y, (side * 0.17, -0.14), (side * 0.42, -0.14), 0.02, 0.015), (0.02, 0.015, 0.015), 0.8
        )
        color = paint(color, limb(u, y, (side * 0.15, -0.27), (side * 0.45, -0.29), 0.045, 0.02), coat.color, 0.7)
    lips = (0.34, 0.13 * draw.uniform(0.5, 1.2), 0.12)
    color = paint(color, ellipse(u, y, (0.0, 0.5), (0.24, 0.075)), lips, 0.6)
    return paint(color, limb(u, y, (-0.2, 0.5), (0.2, 0.5), 0.012, 0.012), (0.05, 0.02, 0.02), 0.8)


def _trunk(draw: Draw, garment: Draw, stage: Stage, stack: Tensor, grid: Grid, pixel: float, tone: Rgb) -> Tensor:
    x, y = grid
    wide = draw.uniform(1.25, 1.75)
    rough = spectral(draw.child("outline"), stage.device, slope=1.6, low=1, high=30)
    wobble = 0.045 * read(rough, x * 0.15, y * 0.15)[:, 0]
    legs = torch.minimum(
        limb(x, y, (-0.7, 7.0), (-0.9, 13.0), 0.85, 0.5), limb(x, y, (0.7, 7.0), (0.9, 13.0), 0.85, 0.5)
    )
    legs = join(legs, ellipse(x, y, (0.0, 6.9), (1.4, 1.0)), 0.4) + wobble
    stack = add_solid(
        stack, grid, legs, pixel, lambda u, v, d: cloth(draw.child("trousers"), stage, u, v, d, pixel, 0.9)
    )
    neck = join(limb(x, y, (0.0, 0.5), (0.0, 1.9), 0.45, 0.55), ellipse(x, y, (0.0, 2.3), (1.1, 0.55)), 0.5)
    stack = add_solid(
        stack, grid, neck, pixel, lambda u, v, d: 0.8 * skin(draw.child("neck"), stage, u, v, d, tone, 0.6)
    )
    body = join(
        limb(x, y, (0.0, 3.2), (0.0, 6.6), wide, wide * 0.88), limb(x, y, (-wide, 2.55), (wide, 2.55), 0.5, 0.5), 0.7
    )
    body = join(body, limb(x, y, (-0.55, 2.0), (0.55, 2.0), 0.35, 0.35), 0.5) + wobble
    collar = ellipse(x, y, (0.0, draw.uniform(1.5, 2.1)), (draw.uniform(0.35, 0.6), draw.uniform(0.25, 0.8)))
    body = torch.maximum(body, -collar)
    return add_solid(stack, grid, body, pixel, lambda u, v, d: _shirt(garment, stage, u, v, d, pixel))


def _shirt(draw: Draw, stage: Stage, x: Tensor, y: Tensor, body: Tensor, pixel: float) -> Tensor:
    color = cloth(draw.child("cloth"), stage, x, y, body, pixel, 1.2)
    if not draw.chance(0.4):
        return color
    inner = cloth(draw.child("under"), stage, x, y, body, pixel, 1.5)
    opening = (x - draw.uniform(-0.1, 0.1)).abs() - draw.uniform(0.15, 0.5) * (1.4 - 0.18 * (y - 2)).clamp(min=0.1)
    share = coverage(opening, pixel * 1.5).unsqueeze(1)
    return (color + (inner - color) * share) * (1 - 0.35 * coverage(opening.abs() - 0.03, 0.08).unsqueeze(1))


def _arms(draw: Draw, garment: Draw, stage: Stage, stack: Tensor, grid: Grid, pixel: float, tone: Rgb) -> Tensor:
    sleeves = draw.chance(0.6)
    frames = torch.arange(stage.view.frames, device=stage.device).view(-1, 1, 1)
    for side in (-1.0, 1.0):
        arm = draw.child(f"arm {side}")
        shoulder = (side * 1.6, 2.6)
        swing = arm.uniform(-0.02, 0.02) * frames
        x = torch.cos(swing) * (grid[0] - shoulder[0]) + torch.sin(swing) * (grid[1] - shoulder[1]) + shoulder[0]
        y = torch.cos(swing) * (grid[1] - shoulder[1]) - torch.sin(swing) * (grid[0] - shoulder[0]) + shoulder[1]
        upper = math.pi / 2 - side * arm.uniform(-0.1, 0.9 if arm.chance(0.7) else 2.4)
        elbow = (shoulder[0] + 2.2 * math.cos(upper), shoulder[1] + 2.2 * math.sin(upper))
        lower = upper + side * arm.uniform(-0.2, 2.4)
        wrist = (elbow[0] + 2.0 * math.cos(lower), elbow[1] + 2.0 * math.sin(lower))
        stack = _hand(arm.child("hand"), stage, stack, (x, y), pixel, tone, wrist, lower)
        fore, top = limb(x, y, elbow, wrist, 0.36, 0.24), limb(x, y, shoulder, elbow, 0.5, 0.4)
        if sleeves:
            both = join(fore - 0.08, top, 0.25)
            stack = add_solid(
                stack, (x, y), both, pixel, lambda u, v, d: cloth(garment.child("cloth"), stage, u, v, d, pixel, 0.45)
            )
        else:
            bare = join(fore, top - 0.04, 0.2)
            stack = add_solid(
                stack, (x, y), bare, pixel, lambda u, v, d: skin(draw.child("arm"), stage, u, v, d, tone, 0.42)
            )
            short = torch.maximum(
                top - 0.06,
                limb(x, y, shoulder, ((shoulder[0] + elbow[0]) / 2, (shoulder[1] + elbow[1]) / 2), 0.62, 0.6),
            )
            stack = add_solid(
                stack, (x, y), short, pixel, lambda u, v, d: cloth(garment.child("cloth"), stage, u, v, d, pixel, 0.5)
            )
    return stack


def _hand(
    draw: Draw,
    stage: Stage,
    stack: Tensor,
    grid: Grid,
    pixel: float,
    tone: Rgb,
    wrist: tuple[float, float],
    heading: float,
) -> Tensor:
    palm = (wrist[0] + 0.4 * math.cos(heading), wrist[1] + 0.4 * math.sin(heading))
    box = window(circle(grid[0], grid[1], palm, 4.5), 0.0)
    if box is None:
        return stack
    whole, stack = stack, stack[:, :, box[0], box[1]]
    x, y = grid = grid[0][:, box[0], box[1]], grid[1][:, box[0], box[1]]
    hand = join(limb(x, y, wrist, palm, 0.25, 0.34), circle(x, y, palm, 0.33), 0.1)
    spread = draw.uniform(0.05, 0.32)
    curled = draw.uniform(0.35, 1.0)
    for index in range(4):
        angle = heading + (index - 1.5) * spread
        start = (
            palm[0] + 0.28 * math.cos(heading + (index - 1.5) * 0.55),
            palm[1] + 0.28 * math.sin(heading + (index - 1.5) * 0.55),
        )
        length = curled * (0.62, 0.72, 0.68, 0.52)[index]
        hand = join(
            hand,
            limb(x, y, start, (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)), 0.1, 0.075),
            0.04,
        )
    thumb = heading + draw.sign() * draw.uniform(0.7, 1.2)
    hand = join(
        hand, limb(x, y, palm, (palm[0] + 0.72 * math.cos(thumb), palm[1] + 0.72 * math.sin(thumb)), 0.13, 0.09), 0.08
    )
    if draw.chance(0.3):
        tip = (
            palm[0] + draw.uniform(1, 4) * math.cos(thumb + 0.6),
            palm[1] + draw.uniform(1, 4) * math.sin(thumb + 0.6),
        )
        stick = limb(x, y, palm, tip, draw.log_uniform(0.02, 0.15), draw.log_uniform(0.015, 0.12))
        stack = add_solid(
            stack, grid, stick, pixel, lambda u, v, d: hard(draw.child("held"), stage, u, v, d, pixel, 0.1)
        )
    add_solid(stack, grid, hand, pixel, lambda u, v, d: skin(draw.child("skin"), stage, u, v, d, tone, 0.25))
    return whole


def _hair_mass(draw: Draw, stage: Stage, grid: Grid, pixel: float, coat: Coat, distance: Tensor) -> Tensor:
    """Return the closed body of hair under the strands, streaked, with a ragged outline."""
    stack = empty_stack(stage.view.frames, stage.view.height, stage.view.width, stage.device)
    box = window(distance, 0.2)
    if box is None:
        return stack
    x, y, distance = (each[:, box[0], box[1]] for each in (*grid, distance))
    streaks = spectral(
        draw.child("streaks"), stage.device, slope=0.7, low=2, high=110, stretch=5.0, angle=math.pi / 2, slopes=True
    )
    value = read(streaks, x * 0.55, y * 0.55)
    ragged = distance + 0.04 + 0.022 * value[:, 0]
    nx, ny, nz = rounded_normal(distance, 0.8)
    albedo = rgb(coat.color, stage.device) * torch.exp(0.42 * value[:, 0:1]).clamp(max=2.6)
    color = shade(
        albedo,
        (nx + 0.002 * value[:, 1], ny, nz),
        stage.light,
        gloss=0.12 * torch.sigmoid(value[:, 0] * 2),
        shininess=9.0,
    )
    soft = (0.5 - ragged / max(2.5 * pixel, 0.06)).clamp(0, 1)
    alpha = soft.unsqueeze(1)
    zero = torch.zeros_like(color)
    stack[:, :, box[0], box[1]] = torch.cat(
        (color * 0.8 * alpha, alpha, zero, albedo.clamp(max=1) * alpha, 0.01 * alpha), dim=1
    )
    return stack


def _hair_behind(draw: Draw, stage: Stage, motion: Motion, coat: Coat, style: str) -> Tensor:
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    down = min(coat.length, 3.2) * 0.55
    bush = 0.75 if style == "long" else 1.0
    mass = join(
        ellipse(x, y, (0.0, -0.1), (0.9 * (0.6 + 0.4 * bush), 0.95)),
        ellipse(x, y, (0.0, down * 0.5), (0.85 * bush + 0.15, 0.5 + down * 0.6)),
        0.5,
    )
    body = _hair_mass(draw.child("mass"), stage, (x, y), view.pixel / motion.size, coat, mass)
    count = draw.integer(400, 900)
    side = np.where(draw.uniforms(0, 1, count) < 0.5, -1.0, 1.0)
    angle = -math.pi / 2 + side * draw.uniforms(0.1, 2.0, count)
    roots = np.stack((0.85 * np.cos(angle), -0.1 + 0.9 * np.sin(angle)), -1).astype(np.float32)
    out = angle + side * draw.uniforms(0.2, 1.0, count)
    curves = grow(draw.child("strands"), roots, out.astype(np.float32), coat, draw.uniforms(0.35, 1.05, count), 28)
    return over(draw_strands(draw.child("drawn"), stage, motion, curves, coat), body)


def _hair_on_top(draw: Draw, stage: Stage, motion: Motion, grid: Grid, pixel: float, coat: Coat, style: str) -> Tensor:
    x, y = grid
    parting = draw.uniform(-0.4, 0.4)
    hairline = -0.52 + draw.uniform(0.3, 0.9) * (x - parting) ** 2 + 0.55 * (x.abs() - 0.5).clamp(min=0)
    cap = torch.maximum(ellipse(x, y, (0.0, -0.2), (0.83, draw.uniform(0.9, 1.02))), (y - hairline) * 0.8)
    top = _hair_mass(draw.child("cap"), stage, grid, pixel, coat, cap)
    if style == "tied":
        knot = ellipse(x, y, (draw.uniform(-0.4, 0.4), -1.15), (0.42, 0.36))
        top = over(top, _hair_mass(draw.child("knot"), stage, grid, pixel, coat, knot))
    count = draw.integer(300, 800)
    angle = draw.uniforms(-math.pi * 0.97, -math.pi * 0.03, count)
    inner = np.sqrt(draw.uniforms(0.6, 1.0, count))
    roots = np.stack((0.82 * inner * np.cos(angle), -0.22 + 0.9 * inner * np.sin(angle)), -1).astype(np.float32)
    flow = angle + np.where(np.cos(angle) > parting, 1.0, -1.0) * draw.uniforms(0.4, 1.4, count)
    short = Coat(**{**coat.__dict__, "length": min(coat.length, 0.4), "gravity": min(coat.gravity, 0.3)})
    curves = grow(draw.child("strands"), roots, flow.astype(np.float32), short, draw.uniforms(0.3, 1.0, count), 8)
    top = over(draw_strands(draw.child("drawn"), stage, motion, curves, short), top)
    return over(_flyaways(draw.child("fly"), stage, motion, coat), top)


def _flyaways(draw: Draw, stage: Stage, motion: Motion, coat: Coat) -> Tensor:
    """Single hairs that leave the shape: far thinner than a pixel and everywhere."""
    count = draw.integer(15, 110)
    angle = draw.uniforms(-math.pi * 1.25, math.pi * 0.25, count)
    roots = np.stack((0.8 * np.cos(angle), -0.15 + 0.88 * np.sin(angle)), -1).astype(np.float32)
    loose = Coat(
        length=draw.uniform(0.3, 1.1),
        width=(0.18, 0.8),
        gravity=draw.uniform(0.0, 0.9),
        curl=draw.uniform(0.2, 1.0),
        curls=draw.uniform(0.5, 2.5),
        clump=0.0,
        color=coat.color,
        variation=0.2,
        translucency=0.06,
    )
    curves = grow(
        draw.child("strands"), roots, angle + draw.normals(0.8, count), loose, draw.uniforms(0.2, 1.0, count), 14
    )
    return draw_strands(draw.child("drawn"), stage, motion, curves, loose)


def _headphones(draw: Draw, stage: Stage, stack: Tensor, grid: Grid, pixel: float) -> Tensor:
    if not draw.chance(0.08):
        return stack
    x, y = grid
    arc = torch.maximum(ellipse(x, y, (0.0, -0.1), (0.93, 1.08)).abs() - 0.05, y)
    cups = torch.minimum(
        rectangle(x, y, (-0.9, 0.05), (0.17, 0.35), 0.15), rectangle(x, y, (0.9, 0.05), (0.17, 0.35), 0.15)
    )
    shape = torch.minimum(arc, cups)
    wire = line_coverage(x - 0.9 - 0.2 * torch.sin(1.7 * y), 0.025, pixel) * (y > 0.2)
    shape = torch.where(
        (y > 0.3) & (wire > 0), torch.minimum(shape, (x - 0.9 - 0.2 * torch.sin(1.7 * y)).abs() - 0.025), shape
    )
    tint = any_color(draw, stage)
    return add_solid(
        stack,
        grid,
        shape,
        pixel,
        lambda u, v, d: shade(
            rgb(tint, u.device) + 0 * v.unsqueeze(1), rounded_normal(d, 0.15), stage.light, gloss=0.4, shininess=40
        ),
    )
