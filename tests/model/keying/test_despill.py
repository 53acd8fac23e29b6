"""What a keyer expects of the subject's own color is no spill."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from model.keying.despill import despill
from model.keying.screen import hue_rotation

SCREEN = (0.05, 0.4, 0.08)
ROTATION, ANGLE = hue_rotation(SCREEN)


def flat(color: tuple[float, float, float]) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, 48, 64).clone()


def without_spill(seen: Tensor, alpha: float, own: Tensor | None) -> Tensor:
    """Return one pixel (3,) of a subject in one color without the light of the screen."""
    plane = torch.full((1, 48, 64), alpha)
    return despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE, own=own)[:, 24, 32]


def test_a_green_shirt_keeps_its_bits_and_loses_its_color_to_a_keyer_that_expects_nothing() -> None:
    shirt = flat((0.05, 0.2, 0.1))
    assert torch.equal(without_spill(shirt, 1.0, own=shirt), shirt[:, 24, 32])
    assert float(without_spill(shirt, 1.0, own=None)[1]) < 0.11


def test_spill_upon_a_green_shirt_goes_and_the_green_stays() -> None:
    shirt = flat((0.05, 0.2, 0.1))
    found = without_spill(shirt + 0.1 * flat(SCREEN), 1.0, own=shirt)
    torch.testing.assert_close(found, shirt[:, 24, 32], atol=0.01, rtol=0)


def test_spill_upon_a_grey_subject_goes_whether_its_color_is_expected_or_not() -> None:
    coat = flat((0.2, 0.2, 0.2))
    seen = coat + 0.1 * flat(SCREEN)
    assert torch.equal(without_spill(seen, 1.0, own=coat), without_spill(seen, 1.0, own=None))


def test_black_hair_is_left_no_green_though_a_keyer_expects_a_little() -> None:
    hair = flat((0.01, 0.028, 0.015))
    assert torch.equal(without_spill(hair, 1.0, own=hair), without_spill(hair, 1.0, own=None))
    assert float(without_spill(hair, 1.0, own=hair)[1]) < 0.016


def test_in_half_transparent_pixels_an_expected_color_hardly_counts() -> None:
    green = flat((0.05, 0.2, 0.1))
    assert float((without_spill(green, 0.5, own=green) - without_spill(green, 0.5, own=None)).abs().max()) < 0.002


SKINS = ((0.6, 0.36, 0.26), (0.25, 0.12, 0.07), (0.45, 0.3, 0.24))


def hue(color: Tensor) -> float:
    """Return the hue in degrees of linear light (3,)."""
    red, green, blue = (float(part) for part in color)
    return math.degrees(math.atan2(math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0))


@pytest.mark.parametrize("alpha", [0.6, 1.0])
@pytest.mark.parametrize("spill", [0.02, 0.08, 0.2])
@pytest.mark.parametrize("skin", SKINS)
def test_skin_that_is_the_bias_color_keeps_its_hue_within_a_degree_beside_the_screen(
    skin: tuple[float, float, float], spill: float, alpha: float
) -> None:
    seen = flat(skin) + spill * flat(SCREEN)
    plane = torch.full((1, 48, 64), alpha)
    plane[:, :, :32] = 0.0
    found = despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE, bias=skin)[:, 24, 34]
    plain = despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE)[:, 24, 34]
    assert abs(hue(found) - hue(torch.tensor(skin))) < 1.0
    assert abs(hue(plain) - hue(torch.tensor(skin))) > abs(hue(found) - hue(torch.tensor(skin)))


@pytest.mark.parametrize("skin", SKINS)
def test_lighter_and_darker_skin_than_the_bias_color_keeps_its_hue_too(skin: tuple[float, float, float]) -> None:
    plane = torch.ones(1, 48, 64)
    plane[:, :, :32] = 0.0
    for brightness in (0.3, 2.5):
        seen = brightness * flat(skin) + 0.05 * flat(SCREEN)
        found = despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE, bias=skin)[:, 24, 34]
        assert abs(hue(found) - hue(torch.tensor(skin))) < 1.0


def test_despill_of_edges_leaves_the_inside_its_bits_and_takes_the_same_at_the_edge() -> None:
    seen = flat((0.2, 0.3, 0.2))
    plane = torch.ones(1, 48, 64)
    plane[:, :, :8] = 0.0
    everywhere = despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE)
    edges = despill(seen, flat(SCREEN), plane, ROTATION, angle=ANGLE, edges_only=True)
    assert torch.equal(edges[:, 24, 48:], seen[:, 24, 48:])
    assert torch.equal(edges[:, 24, 8], everywhere[:, 24, 8])
    assert float((everywhere - seen)[:, 24, 60].abs().max()) > 0.01


def test_the_background_lights_the_subject_as_much_as_the_screen_did() -> None:
    coat, sky = flat((0.2, 0.2, 0.2)), (0.1, 0.2, 0.6)
    plane = torch.full((1, 48, 64), 0.5)
    found = despill(coat + 0.1 * flat(SCREEN), flat(SCREEN), plane, ROTATION, angle=ANGLE, replacement=sky)
    torch.testing.assert_close(found, coat + 0.1 * flat(sky), atol=2e-4, rtol=0)
