"""What a keyer expects of the subject's own color is no spill."""

from __future__ import annotations

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
