"""Toys: round bodies in any colors, as varied as photographs, with a nap that ends in a ragged, soft outline."""

from __future__ import annotations

import torch
from torch import Tensor

from model.data.lighting import rgb, shade
from model.data.materials import Stage, any_color, heap, near_screen_color, pattern
from model.data.seeding import Draw
from model.data.shapes import coverage, ellipse, join, rounded_normal
from model.data.subjects.part import Part
from model.data.textures import read, spectral
from model.data.truth import stack_of
from model.data.view import Motion


def plush(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a body of one to six balls whose nap is from a hundredth of a pixel to a tenth of the body long."""
    x, y = motion.local(stage.view, stage.x, stage.y)
    pixel = stage.view.pixel / motion.size
    body = _body(draw.child("body"), x, y)
    nap = spectral(draw.child("nap"), stage.device, slope=draw.pick((0.0, 0.5, 1.0)), low=6, high=128, slopes=True)
    scale = draw.log_uniform(0.3, 2.0)
    relief = read(nap, x * scale, y * scale)
    albedo = _albedo(draw.child("albedo"), stage, x, y, pixel)
    nx, ny, nz = rounded_normal(body, draw.uniform(0.2, 0.9))
    rough = draw.log_uniform(0.0003, 0.006)
    normal = (nx + rough * relief[:, 1], ny + rough * relief[:, 2], nz)
    tone = torch.exp(draw.uniform(0.0, 0.3) * relief[:, 0:1])
    color = shade(albedo * tone, normal, stage.light, gloss=draw.uniform(0.0, 0.3) * draw.integer(0, 1))
    length = draw.log_uniform(0.002, 0.09)
    outline = body + 0.5 * length * relief[:, 0].clamp(-2.0, 2.0)
    soft = max(pixel, length * draw.log_uniform(0.15, 1.5))
    return Part(stack_of(color, coverage(outline, soft) ** draw.log_uniform(0.5, 2.0), bounce=albedo.clamp(max=1.0)))


def _body(draw: Draw, x: Tensor, y: Tensor) -> Tensor:
    body = ellipse(x, y, (0.0, 0.0), (draw.uniform(0.4, 0.8), draw.uniform(0.4, 0.8)))
    for _ in range(draw.integer(0, 5)):
        center = (draw.uniform(-0.8, 0.8), draw.uniform(-0.8, 0.8))
        radii = (draw.log_uniform(0.08, 0.45), draw.log_uniform(0.08, 0.45))
        body = join(body, ellipse(x, y, center, radii), draw.log_uniform(0.01, 0.2))
    return body


def _albedo(draw: Draw, stage: Stage, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    kind = draw.weighted({"leaves": 3.0, "pattern": 1.0, "near screen": 0.6, "plain": 1.0})
    if kind == "leaves":
        return heap(draw, stage, x * 0.7, y * 0.7, pixel * 0.7) * draw.log_uniform(0.7, 2.0)
    if kind == "pattern":
        return pattern(draw.child("pattern"), stage, x, y, pixel, 1.0)
    color = near_screen_color(draw, stage.screen_color) if kind == "near screen" else any_color(draw, stage)
    return rgb(color, stage.device).expand(x.shape[0], 3, *x.shape[1:])
