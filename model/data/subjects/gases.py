"""Smoke that covers softly, and fire and glow: light without coverage."""

from __future__ import annotations

import torch
from torch import Tensor

from model.data.lighting import rgb
from model.data.materials import Stage, linear_of
from model.data.seeding import Draw
from model.data.shapes import coverage, limb
from model.data.subjects.part import Part
from model.data.textures import read, spectral
from model.data.truth import stack_of
from model.data.view import Motion


def _billows(draw: Draw, stage: Stage, x: Tensor, y: Tensor, stretch: float) -> Tensor:
    """Turbulence (T, H, W) that rises over time: noise looked up through another noise."""
    time = torch.arange(stage.view.frames, device=stage.device).view(-1, 1, 1) * draw.uniform(0.005, 0.03)
    swirl = read(
        spectral(draw.child("swirl"), stage.device, slope=1.7, low=1, high=30, channels=2), x * 0.3, y * 0.3 + time
    )
    tile = spectral(draw.child("billows"), stage.device, slope=1.3, low=1, high=90)
    return read(tile, x * 0.28 * stretch + 0.05 * swirl[:, 0], y * 0.28 + 2 * time + 0.05 * swirl[:, 1])[:, 0]


def smoke(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a drifting cloud, thin or nearly opaque, grey, white or dark."""
    x, y = motion.local(stage.view, stage.x, stage.y)
    density = _billows(draw, stage, x, y, draw.uniform(0.6, 1.6))
    fade = torch.exp(-((x / draw.uniform(0.4, 1.0)) ** 2) - (y / draw.uniform(0.5, 1.2)) ** 2)
    amount = (0.6 + 0.5 * density).clamp(min=0) ** 1.5 * fade * draw.log_uniform(0.3, 3.0)
    alpha = 1 - torch.exp(-amount)
    level = draw.uniform(0.5, 0.85) if draw.chance(0.75) else draw.uniform(0.03, 0.2)
    light = sum(stage.light.key) / 3 * 0.6 + sum(stage.light.fill) / 3
    color = (
        level
        * light
        * (1 + 0.18 * density).clamp(0.4, 1.6).unsqueeze(1)
        * rgb((1.0, 1.0, draw.uniform(0.95, 1.1)), stage.device)
    )
    return Part(stack_of(color, alpha.clamp(max=0.995), bounce=0.7 * torch.ones_like(color), gleam=0.10))


def fire(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a flame: emission that rises far above 1, and a little soot that covers."""
    x, y = motion.local(stage.view, stage.x, stage.y)
    noise = _billows(draw, stage, x, y, draw.uniform(1.5, 3.0))
    width = (0.45 - 0.35 * (-y)).clamp(0.03, 0.6)
    body = 1.2 - (x / width) ** 2 - (y / 0.9).clamp(min=0) ** 2 * 4 + 0.6 * noise - 0.5 * (-y).clamp(min=0)
    heat = (body * draw.uniform(0.6, 1.3)).clamp(min=0)
    strength = draw.log_uniform(0.4, 4.0)
    emission = strength * torch.stack((heat**1.2, 0.42 * heat**2, 0.09 * heat**3.2), dim=1).clamp(max=6.0)
    soot = (0.12 * heat * draw.uniform(0, 1)).clamp(0, 0.3)
    return Part(stack_of(0.03 * torch.ones_like(emission), soot, emission=emission))


def glow(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a lit tube, lamp or neon sign: a small bright body in a wide halo of light without coverage."""
    x, y = motion.local(stage.view, stage.x, stage.y)
    pixel = stage.view.pixel / motion.size
    ends = [(draw.uniform(-0.6, 0.6), draw.uniform(-0.6, 0.6)) for _ in range(2)]
    distance = limb(x, y, ends[0], ends[1] if draw.chance(0.6) else ends[0], 0.05, 0.05)
    hue = draw.pick(((1.0, 0.7, 0.35), (1.0, 0.2, 0.2), (0.4, 0.6, 1.0), (1.0, 0.3, 0.9), (1.0, 0.95, 0.9)))
    tint = rgb(linear_of(hue), stage.device)
    outside = distance.clamp(min=0)
    halo = draw.uniform(0.1, 0.6) * torch.exp(-outside / draw.uniform(0.08, 0.4)) + 0.5 * torch.exp(-outside / 0.04)
    alpha = coverage(distance, pixel)
    core = (tint * draw.uniform(1, 4) + 0.5).expand(x.shape[0], 3, *x.shape[1:])
    return Part(stack_of(core, alpha, emission=tint * (halo * (1 - alpha)).unsqueeze(1)))
