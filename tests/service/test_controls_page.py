"""docs/controls.md is what the code says, with a picture of each control, in which the control shows."""

from __future__ import annotations

from itertools import pairwise

import pytest

from model.settings import CHANGING
from service.controls_page import CONTROLS, PAGE, PICTURES, draw, render, tiles

BY_NAME = {control.name: control for control in CONTROLS}


def test_the_page_is_the_controls() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `python -m service.controls_page`"


def test_each_control_has_a_picture_and_none_is_left_over() -> None:
    assert {path.stem for path in PICTURES.glob("*.png")} == set(BY_NAME)
    assert set(BY_NAME) >= CHANGING


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_control_changes_what_its_picture_shows(name: str) -> None:
    seen = tiles(BY_NAME[name])
    channel = 3 if BY_NAME[name].alpha else slice(0, 3)
    for one, other in pairwise(seen):
        assert abs(one[..., channel] - other[..., channel]).max() > 0.005


def test_a_picture_is_a_png() -> None:
    assert draw(BY_NAME["choke"]).startswith(b"\x89PNG")
