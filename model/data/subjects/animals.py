"""Furry animals and toys: rounded bodies that carry short strands all over and along their outline."""

from __future__ import annotations

import math

import numpy as np
import torch

from model.data.growth import Coat, draw_strands, grow
from model.data.lighting import rgb, shade
from model.data.materials import HAIR_TONES, Stage, any_color
from model.data.seeding import Draw
from model.data.shapes import circle, coverage, ellipse, join, rounded_normal
from model.data.subjects.part import Part
from model.data.textures import read, spectral
from model.data.truth import over, stack_of
from model.data.view import Motion


def fur(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a furry body with head and ears; the coat may be spotted or striped."""
    view = stage.view
    pixel = view.pixel / motion.size
    x, y = motion.local(view, stage.x, stage.y)
    side = draw.sign()
    balls = [((0.0, 0.15), (0.75, 0.6)), ((side * 0.6, -0.35), (0.42, 0.38))]
    balls += [((side * 0.6 + offset, -0.72), (0.13, draw.uniform(0.15, 0.4))) for offset in (-0.25, 0.25)]
    balls += [((draw.uniform(-0.7, 0.7), 0.6), (0.2, 0.3)) for _ in range(2)]
    body = ellipse(x, y, *balls[0])
    for center, radii in balls[1:]:
        body = join(body, ellipse(x, y, center, radii), 0.12)
    color = draw.pick(HAIR_TONES) if draw.chance(0.7) else any_color(draw, stage)
    coat = Coat(
        length=draw.log_uniform(0.05, 0.26),
        width=(0.4, 1.6),
        gravity=draw.uniform(0.0, 0.5),
        curl=draw.uniform(0.1, 0.9),
        curls=draw.uniform(0.3, 2.5),
        clump=draw.uniform(0.0, 0.9),
        color=color,
        variation=draw.uniform(0.1, 0.35),
        translucency=0.05,
    )
    marks = spectral(
        draw.child("marks"),
        stage.device,
        slope=1.8,
        low=2,
        high=20,
        stretch=draw.uniform(1, 5),
        angle=draw.uniform(0, 3),
    )
    tufts = spectral(
        draw.child("tufts"),
        stage.device,
        slope=0.6,
        low=3,
        high=110,
        stretch=2.5,
        angle=draw.uniform(0, 3),
        slopes=True,
    )
    value = read(tufts, x * 0.6, y * 0.6)
    dark = torch.sigmoid(4 * read(marks, x * 0.3, y * 0.3)[:, 0:1]) * draw.uniform(0.0, 0.8)
    albedo = rgb(color, stage.device) * torch.exp(0.35 * value[:, 0:1] - 1.2 * dark)
    nx, ny, nz = rounded_normal(body, 0.5)
    under = shade(albedo.clamp(max=0.95), (nx + 0.002 * value[:, 1], ny + 0.002 * value[:, 2], nz), stage.light)
    ragged = body + 0.02 + 0.02 * value[:, 0]
    stack = stack_of(under, coverage(ragged, max(pixel * 2.5, 0.02)), bounce=albedo.clamp(max=1))
    for eye in (-0.14, 0.14):
        ball = circle(x, y, (side * 0.6 + eye, -0.4), 0.05)
        glass = shade(
            rgb((0.02, 0.015, 0.01), stage.device).expand_as(under),
            rounded_normal(ball, 0.05),
            stage.light,
            gloss=0.9,
            shininess=60,
        )
        stack = over(stack_of(glass, coverage(ball, pixel)), stack)
    curves = _hide(draw.child("hide"), balls, coat)
    return Part(over(draw_strands(draw.child("drawn"), stage, motion, curves, coat), stack))


def _hide(draw: Draw, balls: list[tuple[tuple[float, float], tuple[float, float]]], coat: Coat) -> np.ndarray:
    roots, angles = [], []
    lie = draw.uniform(-math.pi, math.pi)
    for index, (center, radii) in enumerate(balls):
        count = int(1500 * math.sqrt(radii[0] * radii[1])) + 40
        own = draw.child(f"ball {index}")
        angle = own.uniforms(-math.pi, math.pi, count)
        inner = np.sqrt(own.uniforms(0.25, 1.0, count))
        roots.append(
            np.stack((center[0] + radii[0] * inner * np.cos(angle), center[1] + radii[1] * inner * np.sin(angle)), -1)
        )
        normal = np.arctan2(np.sin(angle) / radii[1], np.cos(angle) / radii[0])
        angles.append(normal + 0.6 * np.sin(lie - normal) + own.normals(0.35, count))
    places, headings = np.concatenate(roots).astype(np.float32), np.concatenate(angles).astype(np.float32)
    return grow(draw.child("strands"), places, headings, coat, draw.uniforms(0.4, 1.0, places.shape[0]), 5)
