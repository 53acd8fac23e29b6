"""Grows hair and fur: where strands start, how they bend, curl, clump and sway; draws them as one layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data.lighting import Rgb
from model.data.materials import Stage
from model.data.seeding import Draw
from model.data.strands import rasterize
from model.data.truth import stack_of
from model.data.view import Motion

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Coat:
    """How strands look and behave; lengths in local units, widths in pixels."""

    length: float
    width: tuple[float, float]
    gravity: float  # 0 stiff, 1 hangs
    curl: float  # radians of sway along a strand
    curls: float  # waves along a strand
    clump: float  # 0 loose, 1 one tip per lock
    color: Rgb
    variation: float
    translucency: float


def grow(draw: Draw, roots: Array, angles: Array, coat: Coat, lengths: Array, pieces: int) -> Array:
    """Return curves (S, pieces + 1, 2) from local roots (S, 2), in the direction of ``angles`` (S,)."""
    count = roots.shape[0]
    if coat.clump > 0:
        # Locks are made of neighbours, so neighbours must follow each other.
        cell = np.floor(roots / max(0.15 * coat.length, 0.02))
        order = np.lexsort((cell[:, 0], cell[:, 1]))
        roots, angles, lengths = roots[order], angles[order], lengths[order]
    step = (coat.length * lengths / pieces).astype(np.float32)
    heading = angles.astype(np.float32)
    phase = draw.uniforms(0, 2 * math.pi, count)
    waves = coat.curls * draw.uniforms(0.6, 1.4, count)
    amplitude = coat.curl * draw.uniforms(0.4, 1.3, count)
    points = np.empty((count, pieces + 1, 2), dtype=np.float32)
    points[:, 0] = roots
    for index in range(pieces):
        # y points down, so a hanging strand heads for +90 degrees.
        down = math.pi / 2 - heading
        down = (down + math.pi) % (2 * math.pi) - math.pi
        heading = heading + down * np.float32(min(1.0, coat.gravity * 6 / pieces))
        sway = amplitude * np.sin(phase + waves * (2 * math.pi * index / pieces)) * min(1.0, 3 * index / pieces)
        points[:, index + 1, 0] = points[:, index, 0] + step * np.cos(heading + sway)
        points[:, index + 1, 1] = points[:, index, 1] + step * np.sin(heading + sway)
    if coat.clump > 0:
        points = _clumped(draw, points, coat)[np.argsort(draw.uniforms(0, 1, count))]
    return points


def _clumped(draw: Draw, points: Array, coat: Coat) -> Array:
    count = points.shape[0]
    leaders = np.minimum((np.arange(count) // 9) * 9, count - 1)
    pull = np.linspace(0, 1, points.shape[1], dtype=np.float32) ** 1.5 * np.float32(coat.clump)
    pull = pull[None, :, None] * draw.uniforms(0.3, 1.0, count, 1, 1)
    near = np.linalg.norm(points[leaders, 0] - points[:, 0], axis=-1) < 0.4 * coat.length
    pull = pull * near[:, None, None]
    gathered: Array = points + (points[leaders] - points) * pull
    return gathered


def on_device(array: Array, device: torch.device) -> Tensor:
    """Return an array as a float32 tensor on ``device``."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)


def draw_strands(draw: Draw, stage: Stage, motion: Motion, curves: Array, coat: Coat) -> Tensor:
    """Return the stack (T, 11, H, W) of curves (S, K + 1, 2) in local units, swaying a little over time."""
    view = stage.view
    count, pieces = curves.shape[0], curves.shape[1] - 1
    moving = torch.from_numpy(curves).to(view.device)
    if view.frames > 1:
        wind = draw.child("wind")
        time = torch.arange(view.frames, device=view.device).view(-1, 1, 1, 1) * wind.uniform(0.05, 0.25)
        loose = torch.linspace(0, 1, pieces + 1, device=view.device).view(1, 1, -1, 1) ** 2
        phase = torch.from_numpy(wind.uniforms(0, 1.5, count, 1, 1)).to(view.device)
        sway = torch.sin(time + phase) - torch.sin(phase)
        amount = coat.length * 0.06 * loose * sway
        moving = moving.unsqueeze(0) + torch.cat((amount, amount * 0.2), dim=-1)
    pixels = motion.place(view, moving)
    base, tip = draw.log_uniform(*coat.width), draw.uniform(0.15, 0.6)
    taper = np.linspace(1, tip, pieces, dtype=np.float32)[None]
    widths = base * draw.uniforms(0.7, 1.3, count, 1) * taper
    depth = draw.uniforms(0, 1, count)
    colors = _strand_colors(draw, stage, curves, coat, depth)
    color, alpha = rasterize(
        pixels,
        on_device(widths, view.device),
        on_device(colors, view.device),
        torch.ones(count, device=view.device),
        on_device(depth, view.device),
        view.height,
        view.width,
    )
    return stack_of(color, alpha, gleam=coat.translucency)


def _strand_colors(draw: Draw, stage: Stage, curves: Array, coat: Coat, depth: Array) -> Array:
    """Light by the angle between strand and key (Kajiya, Kay 1989), darker deep inside: (S, K, 3)."""
    count = curves.shape[0]
    tangent = np.diff(curves, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)
    lx, ly, lz = stage.light.direction
    along = tangent[..., 0] * lx + tangent[..., 1] * ly
    diffuse = np.sqrt(np.clip(1 - along * along, 0, 1))
    shine = np.clip(np.sqrt(np.clip(1 - along * along, 0, 1)) * (lz + 0.3), 0, 1) ** 18
    inner = (0.35 + 0.65 * depth)[:, None]
    vary = np.exp(draw.normals(coat.variation, count, 1))
    key, fill = np.array(stage.light.key, np.float32), np.array(stage.light.fill, np.float32)
    color = np.array(coat.color, np.float32)
    color = color * np.exp(draw.normals(coat.variation * 0.35, count, 1, 3)) * vary[..., None]
    light = (0.85 * diffuse * inner)[..., None] * key + (0.75 * inner)[..., None] * fill
    glint = (0.045 + 0.22 * color) * (shine * inner)[..., None] * key
    rim = np.array(stage.light.rim, np.float32) * (0.10 + 0.5 * color) * (depth[:, None, None] * 0.6)
    lit: Array = (color * light + glint + rim).astype(np.float32)
    return lit
