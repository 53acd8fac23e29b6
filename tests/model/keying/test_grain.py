"""Heavy grain is calmed for keying as far as it disturbs it; what has little grain is left alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.difference import DifferenceKeyer
from model.keyer import KeyedFrame, Mattes
from model.keying.clean_plate import clean_plate
from model.keying.grain import calm_enough, calmed, grain
from model.keying.screen import hue_rotation
from model.settings import KeySettings, Screen

DARK_GREEN, GREEN, GREY = (0.01, 0.04, 0.015), (0.1, 0.6, 0.15), (0.02, 0.02, 0.02)


def painted(color: tuple[float, float, float], size: tuple[int, int] = (180, 320)) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(-1, *size).clone()


def grained(plate: Tensor, deviation: float) -> Tensor:
    noise = torch.randn(plate.shape, generator=torch.Generator().manual_seed(7))
    return (plate.clamp_min(0.0).sqrt() + deviation * noise).square()


def before(color: tuple[float, float, float]) -> tuple[Tensor, Tensor]:
    """A grey disc before a screen, and its alpha (1, H, W)."""
    rows, columns = torch.arange(180)[:, None] - 90, torch.arange(320)[None, :] - 160
    alpha = ((rows.square() + columns.square()) < 50**2).float()[None]
    return torch.lerp(painted(color), painted(GREY), alpha), alpha


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.05])
def test_grain_is_told_within_a_tenth_whatever_stands_in_the_plate(deviation: float) -> None:
    plate, _ = before(GREEN)
    torch.testing.assert_close(grain(grained(plate, deviation)), torch.full((3,), deviation), rtol=0.1, atol=0.0)


def test_a_plate_with_little_grain_is_returned_itself() -> None:
    plate = grained(before(GREEN)[0], 0.0025)
    assert calmed(plate) is plate


def test_plain_screen_is_seen_through_the_grain_of_a_camera() -> None:
    plate = grained(before(DARK_GREEN)[0], 0.006)
    # So narrow is what a survey finds in a large frame, whose reduction has no grain left.
    screen = Screen(color=DARK_GREEN, coverage=0.8, tolerance=0.06)
    noisy, calm = (clean_plate(one, screen)[1] for one in (plate, calmed(plate)))
    assert float(noisy.mean()) < 0.3
    assert float(calm.mean()) > 0.6


def test_calming_takes_most_of_the_grain_and_no_edge() -> None:
    plain, alpha = before(GREEN)
    noisy = grained(plain, 0.03)
    calm = calmed(noisy)
    assert float((calm - plain).square().mean()) < 0.15 * float((noisy - plain).square().mean())
    inside = float(calm[1][alpha[0] > 0].mean()) - GREY[1]
    assert abs(inside) < 0.01


def test_bands_of_rows_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    plate = grained(before(GREEN)[0], 0.03)
    whole = calmed(plate)
    monkeypatch.setattr("model.keying.grain._BAND", 7)
    torch.testing.assert_close(calmed(plate), whole, atol=1e-6, rtol=1e-5)


def test_light_below_zero_and_beyond_cameras_is_left_alone() -> None:
    plate = grained(before(GREEN)[0], 0.03)
    plate[:, 5, 5], plate[:, 9, 9] = -0.25, 5e4
    calm = calmed(plate)
    assert torch.equal(calm[:, 5, 5], plate[:, 5, 5])
    assert torch.equal(calm[:, 9, 9], plate[:, 9, 9])
    assert bool(torch.isfinite(calm).all())


def test_grain_that_a_bright_screen_outshines_is_left_in_the_hair() -> None:
    plate = grained(before(GREEN)[0], 0.014)
    seen, rotation = torch.ones_like(plate[:1]), hue_rotation(GREEN)[0]
    calm = calmed(plate)
    assert calm is not plate
    assert torch.equal(calm_enough(plate, calm, painted(GREEN), seen, rotation), plate)


def test_a_subject_before_a_dark_grainy_screen_is_keyed_and_keeps_its_grain(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, truth = before(DARK_GREEN)
    plate = grained(plain, 0.02)
    keyer, settings = DifferenceKeyer(torch.device("cpu")), KeySettings(keyer="difference")

    def keyed() -> KeyedFrame:
        return keyer.key(plate, keyer.survey([plate], settings), Mattes(), settings)

    found = keyed()
    off = float((found.alpha - truth).abs().mean())
    monkeypatch.setattr("model.keying.grain.calmed", lambda plate: plate)
    assert off < 0.01
    assert off < 0.2 * float((keyed().alpha - truth).abs().mean())
    inside = (truth > 0)[0] & (found.alpha >= 1.0)[0]
    assert float(found.foreground[0][inside].std()) > 0.8 * float(plate[0][inside].std())


def test_a_plate_of_two_rows_has_no_grain_to_tell() -> None:
    assert torch.equal(grain(torch.rand(3, 2, 40)), torch.zeros(3))


@pytest.mark.parametrize("bars", [0, 200])
def test_bars_around_the_picture_do_not_hide_its_grain(bars: int) -> None:
    inside = grained(painted(GREEN), 0.02)
    plate = torch.nn.functional.pad(inside, (bars, bars))
    assert float(grain(plate).mean()) == pytest.approx(0.02, rel=0.1)


def test_a_plate_without_any_structure_has_no_grain() -> None:
    assert float(grain(painted(GREEN)).max()) == 0.0
