"""What stands in a plate, a matte or a setting by mistake spoils its own place at most, never the frame."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from model.errors import KeyingError
from model.keyer import KeyedFrame, Mattes, load_keyer
from model.keying.compositing import over
from model.settings import Color, KeySettings, Polygon

GREEN, SKIN = (0.06, 0.36, 0.09), (0.45, 0.28, 0.2)
HEIGHT, WIDTH = 96, 128
KEYERS = ("difference", "neural")


def flat(color: Color) -> Tensor:
    return torch.tensor(color)[:, None, None].expand(3, HEIGHT, WIDTH).clone()


def disc() -> Tensor:
    rows, columns = torch.arange(HEIGHT)[:, None] + 0.5, torch.arange(WIDTH)[None, :] + 0.5
    return ((26.0 - ((rows - 52.0).square() + (columns - 64.0).square()).sqrt()) / 4.0 + 0.5).clamp(0.0, 1.0)[None]


def shot(screen: Color = GREEN) -> Tensor:
    light = torch.linspace(0.8, 1.2, WIDTH)[None, None, :]
    return over(flat(SKIN), disc(), flat(screen) * light)


def key(plate: Tensor, name: str, mattes: Mattes | None = None, **choices: object) -> KeyedFrame:
    settings = KeySettings.model_validate({"keyer": name, **choices})
    keyer = load_keyer(name)
    return keyer.key(plate, keyer.survey([plate], settings), mattes or Mattes(), settings)


def is_sound(keyed: KeyedFrame) -> bool:
    return bool(torch.isfinite(keyed.alpha).all()) and bool(torch.isfinite(keyed.foreground).all())


@pytest.mark.parametrize("name", KEYERS)
@pytest.mark.parametrize("light", [1e10, -1e10, 1e20, 3e38])
def test_a_pixel_beyond_any_light_is_repaired_and_counted(light: float, name: str) -> None:
    plate = shot()
    sound = key(plate, name)
    plate[0, 52, 64] = light
    keyed = key(plate, name)
    assert is_sound(keyed)
    assert keyed.notes.nan_repaired == 1
    assert (keyed.alpha - sound.alpha).abs().max() < 0.02


@pytest.mark.parametrize("name", KEYERS)
def test_a_highlight_of_ten_million_stays_and_leaves_the_edges_finite(name: str) -> None:
    plate = shot()
    plate[:, 52, 64] = 1e7
    keyed = key(plate, name)
    assert is_sound(keyed)
    assert keyed.notes.nan_repaired == 0
    assert torch.equal(keyed.foreground[:, 52, 64], plate[:, 52, 64])
    assert (keyed.alpha - disc()).abs().mean() < 0.03


@pytest.mark.parametrize("name", KEYERS)
def test_a_matte_that_says_nothing_holds_nothing_and_is_told_of(name: str) -> None:
    plate, unsaid = shot(), torch.zeros(1, HEIGHT, WIDTH)
    unsaid[:, 40:60, 30:90] = math.nan
    plain = key(plate, name)
    keyed = key(plate, name, Mattes(hint=None, clean_plate=None, garbage=unsaid, core=unsaid))
    assert torch.equal(keyed.alpha, plain.alpha)
    assert torch.equal(keyed.foreground, plain.foreground)
    assert "2400 pixels of the mattes were NaN; nothing is held there." in keyed.notes.warnings


@pytest.mark.parametrize("name", KEYERS)
def test_a_screen_purer_than_the_gamut_is_keyed_like_one_within(name: str) -> None:
    pure: Color = (-0.15, 0.5, -0.06)
    within = (key(shot(), name).alpha - disc()).abs().mean()
    assert (key(shot(pure), name).alpha - disc()).abs().mean() < 1.2 * within
    assert (key(shot(pure), name, screen_color=pure).alpha - disc()).abs().mean() < 1.2 * within


@pytest.mark.parametrize("color", [(0.0, 0.0, 0.0), (-0.1, -0.1, -0.1)])
def test_black_is_no_screen(color: Color) -> None:
    with pytest.raises(KeyingError, match="almost black"):
        key(shot(), "difference", screen_color=color)


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_settings_take_numbers_only(nothing: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        KeySettings(screen_color=(nothing, 0.5, 0.1))
    with pytest.raises(ValidationError, match="finite"):
        Polygon(points=((0.0, 0.0), (nothing, 1.0), (1.0, 1.0)))
