"""Doubtful screens speak: in the screen's `doubt`, and where there is none, in the refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.keyer import load_keyer
from model.settings import KeySettings, Screen
from service.errors import NoScreen
from service.pipeline.screen_doubts import doubts_about, is_no_screen, likely_color, written
from service.pipeline.sources import Sources
from service.pipeline.survey import survey
from service.plates import open_plate
from service.shots import shot_from_plate
from tests.service.pictures_on_disk import write

GREEN, BLUE, BEIGE = (0.03, 0.40, 0.054), (0.021, 0.061, 0.515), (0.202, 0.159, 0.12)


def wall(color: tuple[float, ...], light: float = 1.0, width: int = 160, height: int = 90) -> NDArray[np.float32]:
    """A wall with a grey subject in the middle, slightly uneven."""
    picture = np.full((height, width, 3), color, np.float32) * np.linspace(0.9, 1.1, width, dtype=np.float32)[:, None]
    picture[30:, 60:100] = 0.18
    return picture * np.float32(light)


def tensors(*pictures: NDArray[np.float32]) -> list[torch.Tensor]:
    return [torch.from_numpy(np.moveaxis(picture, -1, 0).copy()) for picture in pictures]


def doubt(
    color: tuple[float, float, float],
    *pictures: NDArray[np.float32],
    coverage: float = 0.6,
    empty: float | None = None,
    asked: bool = False,
) -> str:
    return doubts_about(Screen(color=color, coverage=coverage), tensors(*pictures), empty, asked=asked)


def test_a_plain_screen_is_not_doubted() -> None:
    assert doubt(GREEN, wall(GREEN), wall(GREEN)) == ""
    assert doubt(BLUE, wall(BLUE), empty=0.0) == ""
    assert doubt(GREEN, wall(GREEN), empty=1.0) == "", "an alpha that nobody wrote"


def test_a_plate_that_was_keyed_before_is_told() -> None:
    assert "60% of the plate has an alpha of 0" in doubt(BLUE, wall(BLUE), empty=0.6)


def test_little_of_it_is_told_unless_the_color_was_named() -> None:
    assert "covers only 6.0%" in doubt(GREEN, wall(GREEN), coverage=0.06)
    assert doubt(GREEN, wall(GREEN), coverage=0.06, asked=True) == ""


def test_a_pale_screen_and_one_like_skin_are_told() -> None:
    assert "is pale" in doubt((0.3, 0.4, 0.32), wall((0.3, 0.4, 0.32)))
    orange = (0.6, 0.2, 0.05)
    assert "near that of skin" in doubt(orange, wall(orange))


def test_a_second_screen_is_told_with_its_color_to_copy() -> None:
    both = wall(GREEN)
    both[:, 80:] = wall(BLUE)[:, 80:]
    found = doubt(GREEN, both)
    assert "A second color" in found
    color = tuple(float(channel) for channel in found.rpartition("screen_color ")[2].rstrip(".").split(","))
    assert color == pytest.approx(BLUE, rel=0.2)


def test_a_fade_is_told() -> None:
    assert "as in a fade" in doubt(GREEN, wall(GREEN), wall(GREEN, 0.5), wall(GREEN, 0.1))
    assert doubt(GREEN, wall(GREEN), wall(GREEN, 0.6)) == ""


def test_skin_and_walls_are_no_screens_and_saturated_colors_are() -> None:
    assert is_no_screen(BEIGE)
    assert is_no_screen((0.45, 0.25, 0.18))
    for color in (GREEN, BLUE, (0.7, 0.05, 0.04), (0.5, 0.03, 0.5)):
        assert not is_no_screen(color)


class Finds:
    """A keyer that takes any color for the screen."""

    name = "finds"
    weights_id = None

    def __init__(self, color: tuple[float, float, float]) -> None:
        self._color = color

    def survey(self, plates: object, settings: KeySettings) -> Screen:
        del plates, settings
        return Screen(color=self._color, coverage=0.8)


def found(path: Path, keyer: Any, **settings: object) -> Screen:
    shot = shot_from_plate(path)
    chosen = KeySettings.model_validate(settings)
    with open_plate(shot, chosen) as plate:
        return survey(plate, plate.format.frames, keyer, chosen, Sources(shot), lambda _: None).screen


def test_a_beige_wall_is_refused_with_its_color_to_copy_and_keyed_when_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", wall(BEIGE), "float")
    with pytest.raises(NoScreen, match=r"skin, wood or a wall.*set screen_color to 0\.202,0\.159,0\.12"):
        found(path, Finds(BEIGE))
    assert found(path, Finds(BEIGE), screen_color=BEIGE).color == BEIGE


def test_the_plates_own_alpha_is_looked_at_though_it_is_ignored(tmp_path: Path) -> None:
    alpha = np.zeros((90, 160, 1), np.float32)
    alpha[30:60, 60:100] = 1
    path = write(tmp_path / "a.exr", np.concatenate([wall(GREEN), alpha], axis=2), "float")
    assert "keyed before" in found(path, Finds(GREEN)).doubt


def test_the_refusal_of_a_dark_screen_names_the_color_that_it_saw(tmp_path: Path) -> None:
    dark = wall((0.0009, 0.0035, 0.0012))
    keyer = load_keyer("difference", "cpu")
    with pytest.raises(NoScreen) as refused:
        found(write(tmp_path / "a.exr", dark, "float"), keyer)
    color = likely_color(tensors(dark))
    assert color is not None
    assert written(color) in str(refused.value)
