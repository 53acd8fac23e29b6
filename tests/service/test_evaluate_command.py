"""`dropkey evaluate`: which pictures and parts it takes, and what it refuses before anything is keyed."""

from __future__ import annotations

import pytest

from tests.service.command_line import Dropkey


def test_one_half_of_a_set_is_scored_and_the_table_says_which(dropkey: Dropkey) -> None:
    result = dropkey("evaluate", "--set", "rendered", "--keyer", "ffmpeg", "--half", "held-out", "--frames")
    assert result.exit_code == 0, result.output
    assert "held-out half" in result.stdout
    pictures = [line for line in result.stdout.splitlines() if "blender_" in line]
    assert len(pictures) == 4 and not any("blender_hair_11" in line for line in pictures)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--half", "better"), "development, held-out"),
        (("--half", "held-out", "--stamp", "--weights", "mine.safetensors"), "whole sets"),
    ],
    ids=["unknown half", "half stamped"],
)
def test_halves_that_make_no_sense_are_refused(dropkey: Dropkey, options: tuple[str, ...], said: str) -> None:
    result = dropkey("evaluate", "--quick", *options)
    assert result.exit_code == 10
    assert said in result.stderr
