"""Choke, spread, soften and edge extend move what they say, and nothing else."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.shaping import choked, extended, softened

HEIGHT, WIDTH, RADIUS = 160, 180, 40.3


def disc(deviation: float) -> Tensor:
    """Return a disc (1, H, W) that lies off the grid, its edge a normal distribution's."""
    down, right = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    inside = RADIUS - torch.hypot(right - 89.4, down - 81.3)
    alpha = 0.5 * (1.0 + torch.erf(inside / (deviation * math.sqrt(2.0))))
    return torch.where(alpha < 1e-4, 0.0, torch.where(alpha > 1.0 - 1e-4, 1.0, alpha))[None]


def hard() -> Tensor:
    alpha = torch.zeros(1, HEIGHT, WIDTH)
    alpha[:, :, 80:] = 1.0
    return alpha


def hairs() -> Tensor:
    """Return lines one to two pixels wide, at an angle."""
    down, right = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    across = (right + 0.4 * down) % 20.0 - 10.0
    return (1.4 - across.abs()).clamp(0.0, 1.0)[None]


def radius(alpha: Tensor) -> float:
    return math.sqrt(float(alpha.sum()) / math.pi)


@pytest.mark.parametrize("shape", [choked, softened])
def test_nothing_asked_for_leaves_the_matte_itself(shape: object) -> None:
    alpha = disc(1.5)
    assert callable(shape) and shape(alpha, 0.0) is alpha


@pytest.mark.parametrize("pixels", [-3.7, -1.0, -0.25, 0.1, 0.5, 2.3])
@pytest.mark.parametrize("deviation", [0.5, 1.5, 3.0])
def test_an_edge_moves_by_as_many_pixels_as_asked_for(pixels: float, deviation: float) -> None:
    before = disc(deviation)
    assert radius(before) - radius(choked(before, pixels)) == pytest.approx(pixels, abs=0.02)


@pytest.mark.parametrize("pixels", [0.25, 0.5, 1.3, 3.0, 6.5])
@pytest.mark.parametrize("deviation", [1.5, 2.0, 4.0])
def test_spread_and_then_choke_by_the_same_returns(pixels: float, deviation: float) -> None:
    alpha = disc(deviation)
    assert float((choked(choked(alpha, -pixels), pixels) - alpha).abs().max()) < 2e-3
    assert float((choked(choked(alpha, pixels), -pixels) - alpha).abs().max()) < 2e-3


@pytest.mark.parametrize("pixels", [-2.0, 0.7, 5.0])
def test_choke_and_soften_leave_core_and_screen_their_bits(pixels: float) -> None:
    alpha = disc(1.0)
    for shaped, reach in ((choked(alpha, pixels), abs(pixels)), (softened(alpha, 6.0), 3.0)):
        margin = math.ceil(reach) + 2
        soft = ((alpha > 0.0) & (alpha < 1.0)).float()
        far = functional.max_pool2d(soft[None], 2 * margin + 1, 1, margin)[0] == 0.0
        assert bool(far.any()) and torch.equal(shaped[far], alpha[far])
        assert float(shaped.min()) == 0.0 and float(shaped.max()) == 1.0


def test_a_hair_gets_thinner_and_wider_on_both_sides() -> None:
    alpha = hairs()
    thin, wide = choked(alpha, 0.5), choked(alpha, -0.5)
    inner = (slice(None), slice(20, -20), slice(20, -20))
    width = float(alpha[inner].mean()) * 20.0 / math.hypot(1.0, 0.4)
    assert float(thin[inner].mean()) * 20.0 / math.hypot(1.0, 0.4) == pytest.approx(width - 1.0, abs=0.25)
    assert float(wide[inner].mean()) * 20.0 / math.hypot(1.0, 0.4) == pytest.approx(width + 1.0, abs=0.25)


def test_a_spread_hair_is_one_band_without_echoes_and_a_choked_one_is_gone() -> None:
    hair = torch.zeros(1, HEIGHT, WIDTH)
    hair[..., 90] = 1.0
    assert bool((choked(hair, -4.0)[0, 60, 86:95] == 1.0).all())
    assert not choked(hair, 4.0)[..., 20:-20, :].any()


@pytest.mark.parametrize("width", [2.0, 6.0, 15.0])
def test_a_hard_edge_becomes_a_ramp_as_wide_as_asked_for(width: float) -> None:
    line = softened(hard(), width)[0, 60]
    soft = (line > 0.0) & (line < 1.0)
    assert width - 2.0 <= int(soft.sum()) <= width + 1.0
    assert bool((line.diff() >= 0.0).all())
    assert float(line.sum()) == pytest.approx(WIDTH - 80.0, abs=0.1)


def test_soften_keeps_an_edge_as_sharp_along_itself() -> None:
    alpha = hard()
    alpha[:, 60:] = alpha[:, 60:].roll(3, dims=-1)
    assert torch.equal(softened(alpha, 6.0)[:, 20], softened(hard(), 6.0)[:, 20])


def blurred(picture: Tensor, pixels: int) -> Tensor:
    return functional.avg_pool2d(picture[None], 2 * pixels + 1, 1, pixels, count_include_pad=False)[0]


def test_extended_color_survives_a_blur_of_four_pixels_without_a_dark_rim() -> None:
    alpha = disc(1.0)
    foreground = torch.where(alpha > 0.0, torch.tensor([0.7, 0.5, 0.3])[:, None, None], 0.0)
    plain = blurred(foreground, 4)
    kept = blurred(extended(foreground, alpha, 12.0), 4)
    soft = (blurred(alpha, 4) > 0.0)[0]
    wanted = torch.tensor([0.7, 0.5, 0.3])[:, None]
    assert float((kept[:, soft] - wanted).abs().max()) < 1e-4
    assert float((plain[:, soft] - wanted).abs().max()) > 0.4  # what it is good for


def test_color_goes_on_as_far_as_asked_for_and_what_has_an_alpha_keeps_its_bits() -> None:
    alpha = hard()
    foreground = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(3)) * alpha
    wide = extended(foreground, alpha, 10.0)
    assert torch.equal(wide[:, :, 80:], foreground[:, :, 80:])
    assert bool((wide[:, :, 70:80] > 0.0).all()) and not wide[:, :, :70].any()
    assert extended(foreground, alpha, 0.0) is foreground
