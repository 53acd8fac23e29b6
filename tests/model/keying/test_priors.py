"""What a network is told of a frame: the same for every screen and light, and never a number that is none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.keying import priors as known
from model.keying.compositing import over
from model.keying.priors import Priors, compress, expand, priors
from model.keying.screen import hue_rotation
from model.network.neural import FEATURES
from model.neural import screen_level
from model.settings import Screen

GREEN, BLUE = (0.05, 0.4, 0.05), (0.05, 0.05, 0.4)


def told(
    screen: tuple[float, float, float], subject: tuple[float, float, float], light: Tensor | float = 1.0
) -> Priors:
    alpha = torch.zeros(1, 60, 80)
    alpha[:, 20:50, 25:60] = 1.0
    alpha[:, 18:20, 25:60] = 0.5
    behind = torch.tensor(screen)[:, None, None] * light * torch.ones(3, 60, 80)
    plate = over(torch.tensor(subject)[:, None, None].expand(3, 60, 80) * light, alpha, behind)
    found = Screen(color=screen, coverage=0.5)
    rotation, _ = hue_rotation(screen)
    return priors(plate, behind, (alpha <= 0).float(), rotation, screen_level(found, rotation))


def test_there_are_as_many_channels_as_the_network_sees() -> None:
    assert told(GREEN, (0.4, 0.3, 0.2)).features.shape == (FEATURES, 60, 80)


def test_light_from_the_screen_is_nothing_and_the_screen_is_one_unit() -> None:
    features = told(GREEN, (0.4, 0.3, 0.2)).features
    assert float(features[known.FROM_SCREEN, :10].abs().max()) < 1e-6
    light = expand(features[known.LIGHT, :10])
    torch.testing.assert_close(light[1] - torch.maximum(light[0], light[2]), torch.ones(10, 80))


def test_a_blue_screen_looks_like_a_green_one() -> None:
    green, blue = told(GREEN, (0.3, 0.3, 0.3)).features, told(BLUE, (0.3, 0.3, 0.3)).features
    torch.testing.assert_close(green[: known.RECORDING.start], blue[: known.RECORDING.start], atol=2e-3, rtol=0)
    # Luma is luma: edges of a blue screen are others than those of a green one.
    torch.testing.assert_close(green[known.RECORDING], blue[known.RECORDING], atol=0.05, rtol=0)


def test_uneven_light_on_screen_and_subject_is_seen_in_the_level_only() -> None:
    even = told(GREEN, (0.4, 0.3, 0.2)).features
    uneven = told(GREEN, (0.4, 0.3, 0.2), torch.linspace(0.6, 1.4, 80)[None, None]).features
    for part in (known.LIGHT, known.FROM_SCREEN, known.DIFFERENCE, known.PALENESS):
        torch.testing.assert_close(uneven[part], even[part], atol=2e-3, rtol=0)
    assert float(uneven[known.LEVEL, 30, 5]) < 0 < float(uneven[known.LEVEL, 30, 75])


def test_the_color_of_the_core_is_continued_beyond_it() -> None:
    found = told(GREEN, (0.4, 0.3, 0.2))
    rotation, _ = hue_rotation(GREEN)
    subject = rotation @ torch.tensor((0.4, 0.3, 0.2)) / found.unit[:, 0, 0]
    torch.testing.assert_close(expand(found.features[known.CONTINUED, 18, 40]), subject, atol=0.03, rtol=0.03)


def test_without_an_opaque_core_nothing_is_continued() -> None:
    features = told(GREEN, GREEN).features
    assert float(features[known.CONTINUED].abs().max()) == 0.0
    assert float(features[known.CORE_NEAR].abs().max()) == 0.0


@pytest.mark.parametrize("subject", [(0.0, 0.0, 0.0), (60.0, 50.0, 40.0), (-0.2, 0.5, 0.1), (3e38, 0.0, 0.0)])
def test_every_light_gives_finite_features(subject: tuple[float, float, float]) -> None:
    assert bool(torch.isfinite(told(GREEN, subject).features).all())


def test_a_screen_without_light_divides_by_no_nothing() -> None:
    found = told((1e-9, 2e-9, 1e-9), (0.2, 0.2, 0.2))
    assert bool(torch.isfinite(found.features).all())
    assert float(found.unit.min()) > 0


def test_compressed_light_is_odd_and_never_falls() -> None:
    light = torch.tensor([-9.0, -0.1, 0.0, 0.1, 9.0, 500.0])
    packed = compress(light)
    assert bool((packed[1:] > packed[:-1]).all())
    torch.testing.assert_close(compress(-light), -packed)


def test_compressed_light_is_half_an_inverse_hyperbolic_sine_of_it() -> None:
    light = torch.tensor([-300.0, -0.5, 0.0, 1e-6, 1e-3, 0.2, 1.0, 50.0, 2e4])
    torch.testing.assert_close(compress(light), torch.asinh(4.0 * light.double()).float() / 2.0, atol=1e-7, rtol=1e-6)
