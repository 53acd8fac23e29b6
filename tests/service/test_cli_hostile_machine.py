"""The command line where the machine says no: names that no disk can hold, no home folder, nobody who reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.command_line import Dropkey
from tests.service.shots_on_disk import write_shot

LONG = "a" * 300
"""Longer than any file system takes a name."""


@pytest.mark.parametrize(
    "plate", [LONG, f"{LONG}.exr", f"{LONG}.####.exr", f"{LONG}.mov", f"{LONG}/a.####.exr", "~nobody-here/a.exr"]
)
def test_a_plate_that_no_disk_can_hold_is_not_there(dropkey: Dropkey, tmp_path: Path, plate: str) -> None:
    result = dropkey("key", plate if plate.startswith("~") else tmp_path / plate, "--keyer", "difference")
    assert result.exit_code == 10, result.output
    assert plate[:20] in result.stderr and "→" in result.stderr and "should not happen" not in result.stderr


def test_a_matte_that_no_disk_can_hold_fails_as_one_that_is_not_there(dropkey: Dropkey, tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "plate", (1, 2)).folder
    refused = [
        dropkey("key", plate, "--output", tmp_path, "--keyer", "difference", "--hint", tmp_path / name)
        for name in ("nothing.png", f"{LONG}.png")
    ]
    assert [result.exit_code for result in refused] == [10, 10], refused[1].output
    assert LONG in refused[1].stderr and "should not happen" not in refused[1].stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows says of such a name that nothing is there")
@pytest.mark.parametrize("command", [("demo", "--output"), ("data", "check"), ("panel", "build", "--output")])
def test_a_folder_that_no_disk_can_hold_is_refused_by_name(
    dropkey: Dropkey, tmp_path: Path, command: tuple[str, ...]
) -> None:
    result = dropkey(*command, tmp_path / LONG)
    assert result.exit_code == 10, result.output
    assert f"{LONG} cannot be used" in result.stderr and "→ Name another path" in result.stderr


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user whom the system does not know, as containers and render farms start programs."""

    def unknown(_: object) -> None:
        raise KeyError("no such user")

    for variable in ("HOME", "DROPKEY_HOME", "XDG_DATA_HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pytest.importorskip("pwd"), "getpwuid", unknown)


@pytest.mark.parametrize("command", [("doctor",), ("serve", "--no-open"), ("key", "plate")])
def test_a_user_without_a_home_is_told_to_name_one(dropkey: Dropkey, homeless: None, command: tuple[str, ...]) -> None:
    result = dropkey(*command)
    assert result.exit_code == 2, result.output
    assert "no home folder" in result.stderr and "→ Set DROPKEY_HOME" in result.stderr
    assert "Traceback" not in result.output


def test_a_home_that_cannot_be_made_is_named(dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path / "file" / "home"))
    result = dropkey("serve", "--no-open", "--port", 0)
    assert result.exit_code == 2, result.output
    assert f"The home folder {tmp_path / 'file' / 'home'} cannot be used" in result.stderr
    assert "→ Set DROPKEY_HOME" in result.stderr


def test_a_home_that_may_not_be_written_is_named(
    dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    result = dropkey("serve", "--no-open", "--port", 0)
    assert result.exit_code == 2, result.output
    assert f"The home folder {tmp_path / 'home'} cannot be used: Permission denied" in result.stderr


def test_settings_that_may_not_be_read_are_not_to_be_mended(dropkey: Dropkey, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("service.settings.TomlConfigSettingsSource", refused)
    result = dropkey("doctor")
    assert result.exit_code == 2, result.output
    assert "Let your user read it, or set DROPKEY_HOME" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has another error for a pipe that nobody reads")
def test_a_command_whose_output_nobody_reads_any_more_ends_without_a_word(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "panel", "build", "--output", str(tmp_path)],
        env={**os.environ, "DROPKEY_HOME": str(tmp_path / "home")},
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
    assert not (tmp_path / "home").exists(), "no report of it"
