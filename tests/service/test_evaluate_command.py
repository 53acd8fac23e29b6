"""`dropkey evaluate`: which pictures and parts it takes, and what it refuses before anything is keyed."""

from __future__ import annotations

from pathlib import Path

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


def test_the_table_says_what_the_neural_keyer_left_out(dropkey: Dropkey) -> None:
    options = ("--set", "rendered", "--half", "development", "--quick", "--keyer", "neural", "--keyer", "ffmpeg")
    result = dropkey("evaluate", *options, "--without", "evidence", "--without", "keep-within")
    assert result.exit_code == 0, result.output
    progress = result.stderr.splitlines()
    assert progress == ["neural without evidence, keep-within on rendered", "ffmpeg on rendered"]
    assert "without" in result.stdout, "the row is told from that of the whole keyer"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--without", "snap-confident", "--without", "polish"), "no part called 'polish'"),
        (("--without", "polish"), "There are: evidence, steadiness, grow-connected,"),
        (("--without", "evidence", "--stamp", "--weights", "mine.safetensors"), "on the whole keyer"),
        (("--without", "evidence", "--keyer", "difference"), "not among those to judge"),
    ],
    ids=["unknown", "unknown with the list", "stamped", "no neural keyer"],
)
def test_parts_that_cannot_be_left_out_are_refused(dropkey: Dropkey, options: tuple[str, ...], said: str) -> None:
    result = dropkey("evaluate", "--quick", *options)
    assert result.exit_code == 10
    assert said in " ".join(result.stderr.split())


def test_sheets_show_every_picture_in_full_size_and_what_is_wrong_with_it(dropkey: Dropkey, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "sheets"
    options = ("--set", "rendered", "--half", "development", "--keyer", "ffmpeg", "--sheet", folder)
    assert dropkey("evaluate", *options).exit_code == 0
    written = sorted(path.name for path in folder.iterdir())
    assert written[0] == "rendered-blender_cloth_13-ffmpeg.png" and len(written) == 4
    width, height = size_of(folder / written[0])
    assert (width, height) == (2 * 320, 2 * 180), "four pictures, two in a row"


def size_of(png: Path) -> tuple[int, int]:
    head = png.read_bytes()[:24]
    assert head[:4] == b"\x89PNG"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
