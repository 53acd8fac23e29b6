"""Plants: stems with leaves, blades of grass and twigs, often in colors near a green screen's."""

from __future__ import annotations

import math

import numpy as np
import torch

from model.data.growth import Coat, grow
from model.data.materials import Stage, any_color, linear_of
from model.data.seeding import Draw
from model.data.strands import rasterize
from model.data.subjects.part import Part
from model.data.truth import over, stack_of
from model.data.view import Motion


def foliage(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a bush of stems and leaves that grow from one root."""
    view = stage.view
    stems = draw.integer(6, 22)
    wood = Coat(
        length=draw.uniform(0.7, 1.5),
        width=(1.0, 4.0),
        gravity=draw.uniform(-0.1, 0.35),
        curl=0.4,
        curls=0.7,
        clump=0.0,
        color=(0.1, 0.07, 0.04),
        variation=0.2,
        translucency=0.0,
    )
    roots = np.stack((draw.normals(0.1, stems), 0.7 + draw.normals(0.05, stems)), -1).astype(np.float32)
    angles = (-math.pi / 2 + draw.normals(0.55, stems)).astype(np.float32)
    branches = grow(draw.child("stems"), roots, angles, wood, draw.uniforms(0.4, 1.0, stems), 12)
    count = draw.integer(80, 260)
    chosen = (draw.uniforms(0, 1, count) * stems).astype(int)
    joint = 2 + (draw.uniforms(0, 0.999, count) * 11).astype(int)
    from_branch = branches[chosen, joint]
    heading = np.arctan2(*(branches[chosen, joint] - branches[chosen, joint - 1]).T[::-1]) + draw.normals(0.9, count)
    leaf = Coat(
        length=draw.log_uniform(0.08, 0.4),
        width=(1, 1),
        gravity=draw.uniform(0.0, 0.5),
        curl=0.25,
        curls=0.5,
        clump=0.0,
        color=(0, 0, 0),
        variation=0,
        translucency=0,
    )
    leaves = grow(
        draw.child("leaves"), from_branch, heading.astype(np.float32), leaf, draw.uniforms(0.5, 1.0, count), 7
    )
    broad = leaf.length / view.pixel * motion.size * draw.uniform(0.08, 0.3)
    profile = np.sin(np.linspace(0.25, math.pi - 0.12, 7)).astype(np.float32)
    color = (
        any_color(draw, stage)
        if draw.chance(0.3)
        else linear_of((draw.uniform(0.2, 0.55), draw.uniform(0.32, 0.62), draw.uniform(0.05, 0.3)))
    )
    stack = _drawn(
        draw.child("wood"),
        stage,
        motion,
        branches,
        np.full((stems, 12), draw.log_uniform(1.0, 4.0), np.float32),
        wood.color,
        0.0,
    )
    return Part(
        over(
            _drawn(
                draw.child("green"),
                stage,
                motion,
                leaves,
                broad * profile[None] * draw.uniforms(0.7, 1.2, count, 1),
                color,
                0.12,
            ),
            stack,
        )
    )


def _drawn(
    draw: Draw,
    stage: Stage,
    motion: Motion,
    curves: np.ndarray,
    widths: np.ndarray,
    color: tuple[float, float, float],
    shine: float,
) -> torch.Tensor:
    view = stage.view
    count, pieces = widths.shape
    depth = draw.uniforms(0, 1, count)
    tilt = draw.normals(0.4, count, 1, 1) + draw.normals(0.08, count, pieces, 1)
    level = np.exp(tilt) * (0.3 + 0.7 * depth)[:, None, None]
    light = np.array(stage.light.key, np.float32) * 0.7 + np.array(stage.light.fill, np.float32)
    hue = np.exp(draw.normals(0.12, count, 1, 3))
    colors = np.array(color, np.float32) * level * light * hue + 0.04 * (tilt > 0.7) * np.array(
        stage.light.key, np.float32
    )
    tensor = [
        torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)).to(view.device) for a in (widths, colors, depth)
    ]
    straight, alpha = rasterize(
        motion.place(view, curves),
        tensor[0],
        tensor[1],
        torch.ones(count, device=view.device),
        tensor[2],
        view.height,
        view.width,
    )
    return stack_of(straight, alpha, gleam=shine)
