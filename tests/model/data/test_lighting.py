"""Light and view vary as far as the config says, and each way of screen light reaches the subject by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data.config import DataConfig
from model.data.lighting import Spill, draw_light, screen_light_on
from model.data.scenes import _staged
from model.data.seeding import Draw
from model.data.truth import ALPHA, BOUNCE, CHANNELS, GLEAM

NONE = Spill(ambient=0.0, wrap=0.0, reach=3.0, mirror=0.0, glare=0.0)
GREEN = torch.tensor([0.05, 0.4, 0.08]).view(1, 3, 1, 1).expand(1, 3, 40, 40)


def subject(bounce: float = 0.0, gleam: float = 0.0, coverage: float = 1.0) -> torch.Tensor:
    """A square in the middle of the frame."""
    stack = torch.zeros(1, CHANNELS, 40, 40)
    stack[:, ALPHA, 10:30, 10:30] = coverage
    stack[:, BOUNCE, 10:30, 10:30] = bounce * coverage
    stack[:, GLEAM, 10:30, 10:30] = gleam * coverage
    return stack


def test_light_reaches_from_half_to_twice_a_correct_exposure() -> None:
    lights = [draw_light(Draw(seed), DataConfig().light) for seed in range(400)]
    levels = [light.fill[1] + 0.75 * light.key[1] for light in lights]  # key = L·c, fill = L·(1 − 0.75·c)
    assert 0.5 <= min(levels) < 0.55 and 1.9 < max(levels) <= 2.0


def test_frames_are_turned_by_any_angle_or_level() -> None:
    config = DataConfig()
    angles = [_staged(Draw(seed), 36, 64, 1, torch.device("cpu"), config)[2].angle for seed in range(300)]
    turned = [angle for angle in angles if angle]
    assert 0.4 < 1 - len(turned) / len(angles) < 0.6
    counts, _ = np.histogram(turned, bins=8, range=(0, 2 * math.pi))
    assert counts.min() > 0 and max(turned) < 2 * math.pi


@pytest.mark.parametrize(
    ("spill", "stack"),
    [
        (replace(NONE, ambient=0.1), subject(bounce=0.5)),
        (replace(NONE, wrap=0.5), subject(bounce=0.5)),
        (replace(NONE, mirror=0.8), subject(gleam=0.5)),
        (replace(NONE, wrap=0.5), subject(coverage=0.5)),
    ],
    ids=["bounce", "wrap", "mirror", "forward through fibers"],
)
def test_each_way_of_screen_light_reaches_the_subject_by_itself(spill: Spill, stack: torch.Tensor) -> None:
    light = screen_light_on(stack, spill, GREEN)
    assert float(light[:, 1].max()) > 4 * float(light[:, 0].max()) > 0.0, "in the screen's color"
    assert float(light[..., :8, :].abs().max()) == 0.0, "on the subject alone"
    assert float(screen_light_on(stack, NONE, GREEN).abs().max()) == 0.0


def test_wrap_is_an_edge_and_bounce_is_everywhere() -> None:
    wrap = screen_light_on(subject(bounce=0.5), replace(NONE, wrap=0.5), GREEN)[0, 1]
    bounce = screen_light_on(subject(bounce=0.5), replace(NONE, ambient=0.1), GREEN)[0, 1]
    assert float(wrap[20, 11]) > 2 * float(wrap[20, 20])
    assert float(bounce[20, 11]) == pytest.approx(float(bounce[20, 20]), rel=0.05)
