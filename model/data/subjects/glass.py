"""Clear things: glass that bends the screen, spectacles with lenses, and colored gels."""

from __future__ import annotations

import colorsys

import torch

from model.data.lighting import rgb, shade
from model.data.materials import Stage, any_color, linear_of
from model.data.seeding import Draw
from model.data.shapes import blob, box, circle, coverage, ellipse, join, limb, rounded_normal
from model.data.subjects.part import Part
from model.data.textures import read, spectral
from model.data.truth import over, stack_of
from model.data.view import Motion


def vessel(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a bottle, tumbler, visor or ball of glass: thin coverage, bright reflections, a bent background."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    kind = draw.weighted({"bottle": 1.0, "tumbler": 1.0, "ball": 0.8, "visor": 0.8})
    if kind == "bottle":
        body = join(box(x, y, (0.0, 0.3), (0.38, 0.65), 0.12), box(x, y, (0.0, -0.6), (0.14, 0.4), 0.05), 0.2)
    elif kind == "tumbler":
        body = box(x * (1 + 0.15 * y), y, (0.0, 0.0), (0.5, 0.8), 0.08)
    elif kind == "ball":
        body = circle(x, y, (0.0, 0.0), 0.85)
    else:
        body = torch.maximum(ellipse(x, y, (0.0, 0.0), (0.95, 0.6)), -(y + 0.45))
    normal = rounded_normal(body, draw.uniform(0.25, 0.9))
    nx, ny, nz = normal
    inside = coverage(body, pixel)
    sheen = read(spectral(draw.child("sheen"), stage.device, slope=1.8, low=1, high=10), x * 0.2, y * 0.4)[:, 0]
    window = torch.sigmoid(30 * (0.12 - (nx - draw.uniform(-0.7, 0.7)).abs())) * torch.sigmoid(5 * (sheen + 0.6))
    fresnel = 0.02 + 0.85 * (1 - nz) ** 3
    alpha = (draw.uniform(0.02, 0.25) + fresnel + draw.uniform(0.2, 0.8) * window).clamp(0, 1)
    tint = rgb(any_color(draw, stage), stage.device) if draw.chance(0.4) else rgb((0.25, 0.26, 0.27), stage.device)
    level = stage.light.key[1]
    color = (0.3 * tint * level + (draw.uniform(0.6, 2.5) * level * window).unsqueeze(1)).expand(
        view.frames, 3, view.height, view.width
    )
    stack = stack_of(color, alpha * inside, bounce=0.2 * torch.ones_like(color), gleam=0.3 * fresnel)
    strength = draw.uniform(0.1, 0.8) * motion.size / view.pixel * inside
    bend = (-nx * strength, -ny * strength)
    return Part(stack, bend)


def spectacles(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a pair of spectacles: thin rims, lenses that are nearly clear or tinted, a reflection."""
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    radii = (draw.uniform(0.36, 0.45), draw.uniform(0.25, 0.42))
    lenses = [box(x, y, (side * 0.5, 0.0), radii, min(radii) * draw.uniform(0.3, 1.0)) for side in (-1.0, 1.0)]
    lens = torch.minimum(lenses[0], lenses[1])
    rim = lens.abs() - max(draw.log_uniform(0.008, 0.05), 0.4 * pixel)
    rim = torch.minimum(rim, limb(x, y, (-0.12, -0.08), (0.12, -0.08), 0.02, 0.02))
    for side in (-1.0, 1.0):
        rim = torch.minimum(
            rim, limb(x, y, (side * 0.95, -0.1), (side * draw.uniform(1.0, 1.6), draw.uniform(-0.4, 0.6)), 0.02, 0.025)
        )
    tint = draw.chance(0.3)
    alpha = torch.full_like(x, draw.uniform(0.3, 0.9) if tint else draw.uniform(0.02, 0.12))
    streak = torch.sigmoid(25 * (0.06 - (x - torch.round(x) * 1.0 + 0.7 * y - draw.uniform(-0.3, 0.3)).abs()))
    alpha = torch.maximum(alpha, draw.uniform(0.1, 0.6) * streak) * coverage(lens, pixel)
    level = stage.light.key[1]
    shade_of_lens = rgb(any_color(draw, stage), stage.device) * (0.15 if tint else 0.4) * level
    color = (shade_of_lens + (1.5 * level * streak).unsqueeze(1)).expand(view.frames, 3, view.height, view.width)
    stack = stack_of(color, alpha, bounce=0.1 * torch.ones_like(color), gleam=0.15)
    metal = rgb(any_color(draw, stage), stage.device).expand_as(color)
    frame = shade(metal, rounded_normal(rim, 0.03), stage.light, gloss=0.5, shininess=30)
    stack = over(stack_of(frame, coverage(rim, pixel)), stack)
    power = draw.uniform(-0.15, 0.15) * motion.size / view.pixel * coverage(lens, pixel)
    middle = torch.where(x > 0, x - 0.5, x + 0.5)
    return Part(stack, (middle * power, y * power))


def gel(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a sheet of colored gel: it veils what is behind by one alpha and adds its own color, never the screen's.

    A red gel before a green screen is a half-transparent red, as a compositor wants it over the next background.
    """
    view = stage.view
    x, y = motion.local(view, stage.x, stage.y)
    pixel = view.pixel / motion.size
    if draw.chance(0.6):
        distance = box(x, y, (0.0, 0.0), (draw.uniform(0.5, 1.0), draw.uniform(0.5, 1.0)), draw.uniform(0.0, 0.2))
    else:
        distance = blob(x, y, 0.75, [(n, draw.normal(0.1 / n), draw.uniform(0, 6.28)) for n in range(2, 6)])
    screen_hue = colorsys.rgb_to_hsv(*stage.screen_color)[0]
    hue = (screen_hue + draw.uniform(0.18, 0.82)) % 1.0
    drawn = linear_of(colorsys.hsv_to_rgb(hue, draw.uniform(0.5, 1.0), draw.uniform(0.4, 1.0)))
    tint = rgb(stage.palette[0] if stage.palette else drawn, stage.device)
    creases = read(
        spectral(draw.child("creases"), stage.device, slope=1.7, low=1, high=30, slopes=True), x * 0.3, y * 0.3
    )
    depth = draw.uniform(0.0, 0.05)
    nx, ny, nz = rounded_normal(distance, 0.05)
    normal = (0.3 * nx - depth * creases[:, 1], 0.3 * ny - depth * creases[:, 2], nz)
    alpha = (draw.uniform(0.25, 0.85) * (1 + 0.08 * creases[:, 0])).clamp(0.05, 0.97) * coverage(distance, pixel)
    color = shade(
        tint.expand(view.frames, 3, view.height, view.width),
        normal,
        stage.light,
        gloss=draw.uniform(0, 0.8),
        shininess=25,
    )
    wave = draw.uniform(0, 6) * depth
    return Part(
        stack_of(color, alpha, gleam=0.02), (wave * creases[:, 1], wave * creases[:, 2]) if wave > 0.02 else None
    )
