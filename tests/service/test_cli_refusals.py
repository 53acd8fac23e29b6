"""A refused value is named by the flag, the choice or the file that it came from, never by an inner field path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.command_line import Dropkey


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("key plate --despill 7", "--despill: must be at most 1."),
        ("key plate --set despill=7", "--set despill: must be at most 1."),
        (
            "key plate --despill 7 --set alpha_floor=1",
            "--set alpha_floor: must be less than 0.5; --despill: ",
        ),
        ("key plate --set despil=1", "--set despil: there is no such choice."),
        ("key plate --screen-color green", "--screen-color: 'green' is not a color."),
        ("key plate --screen-color 0.1,0.5", "--screen-color: '0.1,0.5' is not a color."),
        ("key plate --set screen_color=[1,2]", "--set screen_color: must be one of 'auto', or is missing."),
        ("key plate --set screen_color=green", "--set screen_color: 'green' is not a color."),
        ("key plate --fps fast", "--fps: “fast” is not written as it should be."),
        ("key plate --first-frame -5000000000", "--first-frame: must be at least -1000000000."),
        ("bench --precision float8", "--precision: must be one of 'float32', 'bfloat16' or 'float16'."),
        ("train --set batch=0 --set pool=0", "--set batch: must be at least 1; --set pool:"),
        ("train --set bacth=1", "--set bacth: there is no such choice."),
    ],
)
def test_a_refused_value_is_named_by_what_was_typed(dropkey: Dropkey, command: str, told: str) -> None:
    result = dropkey(*command.split())
    assert result.exit_code == 10, result.output
    assert told in result.stderr and "→" in result.stderr


def test_a_refused_setting_of_a_file_is_named_with_the_file_unless_a_flag_took_its_place(
    dropkey: Dropkey, tmp_path: Path
) -> None:
    file = tmp_path / "look.json"
    file.write_text('{"despill": 7, "tint": 1}', encoding="utf-8")
    result = dropkey("key", "plate", "--settings", file)
    assert f"despill in {file}: must be" in result.stderr
    assert f"tint in {file}: there is no such choice" in result.stderr and "There are: keyer, " in result.stderr
    result = dropkey("key", "plate", "--settings", file, "--despill", 8)
    assert "--despill: must be" in result.stderr and f"despill in {file}" not in result.stderr


def test_only_an_unknown_setting_is_answered_with_the_list_of_all(dropkey: Dropkey) -> None:
    assert "There are: keyer" not in dropkey("key", "plate", "--despill", 7).stderr
    assert "docs/settings.md" in dropkey("key", "plate", "--despill", 7).stderr
