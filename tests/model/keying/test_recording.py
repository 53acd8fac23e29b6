"""How a plate was recorded is told from the plate itself: 4:2:0 from 4:4:4, grain from none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.data.compression import compress
from model.data.config import DataConfig
from model.data.scenes import generate
from model.keying.color_difference import color_difference_alpha
from model.keying.recording import chroma_halved, exact_color, recording
from model.keying.screen import hue_rotation


def plate(seed: int, chroma: str, grain: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return a plate (3, H, W) with hair, in a camera's file, its color difference and its bare screen (1, H, W)."""
    clean = DataConfig(subjects={"hair": 1.0}, camera=False, markers=0.0, set_visible=0.0)
    shot = generate([seed], height=96, width=128, config=clean)
    display = shot.plate.clamp(0.0, 1.0) ** (1.0 / 2.2)
    noise = torch.randn(display.shape, generator=torch.Generator().manual_seed(seed))
    signal = (display + grain * noise).clamp(0.0, 1.0)
    kept = compress(signal, scheme=chroma, quality=None, bits=10, matrix="rec709", origin=(0, 0))
    light, screen = kept[0] ** 2.2, shot.clean_plate[0]
    rotation, _ = hue_rotation(tuple(screen.mean((1, 2)).tolist()))
    return light, color_difference_alpha(light, screen, rotation), (shot.alpha[0] <= 0.0).float()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("grain", [0.0, 0.004])
def test_subsampled_chroma_is_less_sharp_than_luma(seed: int, grain: float) -> None:
    full, half = (float(recording(*plate(seed, chroma, grain))[0]) for chroma in ("4:4:4", "4:2:0"))
    assert half < full - 0.1


def test_grain_is_measured_on_the_bare_screen() -> None:
    levels = [float(recording(*plate(1, "4:4:4", grain))[1]) for grain in (0.0, 0.002, 0.01)]
    assert levels[0] < levels[1] - 0.1 and levels[1] < levels[2] - 0.3


def exact(seed: int, chroma: str, grain: float) -> float:
    light, difference, bare = plate(seed, chroma, grain)
    return float(exact_color(recording(light, difference, bare), chroma_halved(light)))


@pytest.mark.parametrize("seed", range(4))
def test_color_is_exact_in_full_chroma_with_grain_and_nowhere_else(seed: int) -> None:
    full, half, smooth = exact(seed, "4:4:4", 0.004), exact(seed, "4:2:0", 0.004), exact(seed, "4:4:4", 0.0)
    assert full > 0.4 and half == 0.0 and smooth < 0.1 * full


@pytest.mark.parametrize(("chroma", "halved"), [("4:4:4", [0, 0]), ("4:2:2", [1, 0]), ("4:2:0", [1, 1])])
def test_along_which_axes_chroma_was_halved_is_told_from_the_plate(chroma: str, halved: list[int]) -> None:
    found = torch.stack([chroma_halved(plate(seed, chroma, 0.002)[0]) for seed in range(8)]).median(dim=0).values
    assert found.round().tolist() == halved


@pytest.mark.parametrize("seed", range(8))
def test_chroma_that_is_halved_along_rows_alone_is_not_exact_either(seed: int) -> None:
    assert exact(seed, "4:2:2", 0.006) < 0.2


@pytest.mark.parametrize("size", [(3, 5), (8, 8), (9, 13), (64, 7)])
@pytest.mark.parametrize("light", [0.0, 1.0, 5e4])
def test_any_size_and_any_light_has_an_answer_in_range(size: tuple[int, int], light: float) -> None:
    ramp = torch.linspace(-1.0, 1.0, size[1]).expand(3, *size) * light
    found = recording(ramp, ramp[:1], torch.ones(1, *size))
    assert found.shape == (2,)
    assert bool(torch.isfinite(found).all()) and float(found.abs().max()) <= 1.0


def test_exposure_hardly_changes_what_is_found() -> None:
    frame, difference, bare = plate(2, "4:2:0", 0.004)
    dim, bright = (recording(frame * light, difference, bare) for light in (0.7, 1.4))
    torch.testing.assert_close(dim, bright, atol=0.02, rtol=0)
