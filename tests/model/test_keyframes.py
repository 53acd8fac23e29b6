"""Settings that change over a shot: written in place of a value, kept as data, read at a frame."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from model.keyer import FINISHING
from model.settings import CHANGING, KeySettings


def test_a_value_changes_linearly_between_keyframes_and_stays_beyond_them() -> None:
    settings = KeySettings.model_validate({"despill": {"1001": 1.0, "1051": 0.5}})
    told = [settings.at(frame).despill for frame in (900, 1001, 1026, 1051, 2000)]
    assert told == pytest.approx([1.0, 1.0, 0.75, 0.5, 0.5])


def test_a_held_value_jumps_at_its_keyframe() -> None:
    settings = KeySettings.model_validate({"choke": {"1": 0.0, "10": 2.0, "interpolation": "held"}})
    assert [settings.at(frame).choke for frame in (1, 9, 10, 11)] == [0.0, 0.0, 2.0, 2.0]


def test_colors_change_channel_by_channel() -> None:
    settings = KeySettings.model_validate({"spill_replacement": {"1": [0, 0, 1], "3": [1, 0, 0]}})
    assert settings.at(2).spill_replacement == pytest.approx((0.5, 0.0, 0.5))


def test_what_was_written_comes_back_the_same_from_json() -> None:
    settings = KeySettings.model_validate({"despill": {"1001": 1.0, "1050": 0.6}, "soften": 2.0})
    again = KeySettings.model_validate_json(settings.model_dump_json())
    assert again == settings and again.at(1050).despill == 0.6
    assert KeySettings().at(7) == KeySettings() == KeySettings.model_validate_json(KeySettings().model_dump_json())


def test_settings_without_keyframes_are_the_same_at_every_frame() -> None:
    settings = KeySettings(despill=0.3)
    assert settings.at(5) is settings


@pytest.mark.parametrize(
    "written",
    [
        {"despill": {"1001": 2.0}},
        {"despill": {}},
        {"despill": {"first": 1.0}},
        {"despill": {"1": [0.1, 0.2, 0.3]}},
        {"soften": {"1": 1.0, "interpolation": "smooth"}},
        {"keyer": {"1": "neural"}},
        {"over_time": {"encoding": {"values": {"1": 1.0}}}},
    ],
)
def test_keyframes_that_a_setting_cannot_take_are_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KeySettings.model_validate(written)


def test_nothing_that_changes_over_a_shot_needs_a_plate_to_be_inferred_again() -> None:
    assert CHANGING < FINISHING


@pytest.mark.parametrize("wrong", [["despill"], "despill", 3, [[1]]])
def test_keyframes_that_are_no_table_are_refused_as_such(wrong: object) -> None:
    with pytest.raises(ValidationError, match="over_time"):
        KeySettings.model_validate({"over_time": wrong, "despill": {"1001": 1.0}})
