"""Sequences: truth follows the motion, and nothing flickers."""

from __future__ import annotations

import math

import torch

from model.data.config import DataConfig
from model.data.lighting import draw_light
from model.data.materials import Stage
from model.data.scenes import generate
from model.data.seeding import Draw
from model.data.subjects import KINDS
from model.data.truth import ALPHA, COLOR, Truth
from model.data.view import Motion, View

STILL_CAMERA = DataConfig(camera=False, spill=False, motion_blur=0.0, defocus=0.0)


def test_first_frame_of_a_sequence_is_the_single_frame() -> None:
    single = generate([4, 9], height=64, width=64, config=STILL_CAMERA)
    moving = generate([4, 9], height=64, width=64, config=STILL_CAMERA, frames=3)
    assert moving.alpha.shape[0] == 6
    assert torch.allclose(single.alpha, moving.alpha[[0, 3]], atol=1e-4)
    assert torch.allclose(single.background, moving.background[[0, 3]], atol=1e-4)


def test_truth_recomposes_in_every_frame() -> None:
    batch = generate(range(4), height=64, width=64, config=STILL_CAMERA, frames=4)
    assert float((batch.truth.recompose() - batch.plate).abs().max()) <= 1e-5 * max(1.0, float(batch.plate.max()))


def test_a_rigid_shape_that_moves_whole_pixels_translates_alpha_and_texture() -> None:
    pixel = 1 / 96
    view = View(96, 96, 3, pixel, 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
    x, y = view.world()
    draw = Draw(2)
    stage = Stage(view, x, y, draw_light(draw.child("light"), (1.0, 1.0)), (0.1, 0.6, 0.1), 0.0)
    motion = Motion(center=(0.0, 0.0), size=0.3, velocity=(4 * pixel, -2 * pixel))
    stack = KINDS["object"].draw(draw.child("look"), stage, motion).stack
    inner = slice(12, 84)
    for frame in (1, 2):
        for part in (ALPHA, COLOR):
            moved = torch.roll(stack[0], (-2 * frame, 4 * frame), (1, 2))[part, inner, inner]
            assert torch.allclose(stack[frame, part, inner, inner], moved, atol=2e-3)


def test_slow_sequences_change_little_from_frame_to_frame() -> None:
    slow = STILL_CAMERA.model_copy(update={"zoom": (1.0, 1.0), "subjects": {"person": 1.0, "fur": 1.0}, "empty": 0.0})
    batch = generate(range(5), height=72, width=72, config=slow, frames=3)
    first, second = batch.alpha[0::3], batch.alpha[1::3]
    other = batch.alpha[0::3].roll(1, 0)
    assert float((first - second).abs().mean()) < 0.2 * float((first - other).abs().mean())


def test_motion_blur_keeps_the_covered_area() -> None:
    base = {"subjects": {"object": 1.0}, "extra_subjects": 0.0, "empty": 0.0, "zoom": (1.0, 1.0), "defocus": 0.0}
    config = DataConfig(camera=False, spill=False, motion_blur=1.0, **base)  # type: ignore[arg-type]  # pydantic checks
    batch = generate(range(6), height=160, width=160, config=config)
    partial = ((batch.alpha > 0.02) & (batch.alpha < 0.98)).float().mean()
    sharp = generate(range(6), height=160, width=160, config=config.model_copy(update={"motion_blur": 0.0}))
    assert float(partial) > 1.3 * float(((sharp.alpha > 0.02) & (sharp.alpha < 0.98)).float().mean())
    assert math.isclose(float(batch.alpha.mean()), float(sharp.alpha.mean()), rel_tol=0.25)


def test_truth_type_adds_up() -> None:
    one = torch.ones(1, 3, 2, 2)
    truth = Truth(one * 0.5, one[:, :1] * 0.25, one * 0.2, one, one * 0.1, one * 0.3)
    assert torch.allclose(truth.recompose(), one * (0.125 + 0.15 + 0.3))
    assert torch.allclose(truth.noiseless(), one * (0.125 + 0.15 + 0.3 + 0.1))
