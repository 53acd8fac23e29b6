"""`dropkey data`: what the check of a set of shots says, and what it finds in a broken one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.data.config import DataConfig
from model.data.dataset import Part, find_shots, picture_path, write_shots
from model.data.scenes import generate
from service.cli.data import linear_writer, read_linear
from tests.service.command_line import dropkey_command

write = linear_writer()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    batch = generate([3, 7], height=24, width=32, config=DataConfig(camera=False), frames=2)
    write_shots(tmp_path / "set", batch, write, noiseless=True)
    return tmp_path / "set"


def check(folder: Path) -> list[str]:
    result = dropkey_command("data", "check", folder)
    assert result.exit_code == 10, result.output
    return result.stdout.splitlines()


def change(folder: Path, part: Part, edit: Any) -> Path:
    path = picture_path(find_shots(folder)[0], part, 1)
    write(path, np.asarray(edit(read_linear(path)), np.float32))
    return path


def test_a_sound_set_passes(folder: Path) -> None:
    result = dropkey_command("data", "check", folder)
    assert result.exit_code == 0 and result.stdout == "2 shots, no faults.\n"


def test_a_missing_file_is_named(folder: Path) -> None:
    path = picture_path(find_shots(folder)[1], "background", 2)
    path.unlink()
    assert check(folder) == [f"{path}: is missing."]


def test_a_picture_of_another_size_is_named(folder: Path) -> None:
    path = change(folder, "plate", lambda picture: picture[:-2])
    (fault,) = check(folder)
    assert str(path) in fault and "(22, 32, 3)" in fault


def test_alpha_out_of_range_is_named(folder: Path) -> None:
    path = change(folder, "alpha", lambda picture: picture * 1.5 + 0.1)
    assert any(str(path) in fault and "leaves 0–1" in fault for fault in check(folder))


def test_parts_that_do_not_add_up_are_named_with_their_frame(folder: Path) -> None:
    change(folder, "plate", lambda picture: picture + 0.01)
    (fault,) = check(folder)
    assert f"{find_shots(folder)[0]}, frame 1" in fault and "recompose" in fault


def test_a_torn_file_is_named(folder: Path) -> None:
    path = picture_path(find_shots(folder)[0], "spill", 1)
    path.write_bytes(path.read_bytes()[:200])
    (fault,) = check(folder)
    assert str(path) in fault and "cannot be read" in fault


def test_every_fault_is_printed(folder: Path) -> None:
    for shot in find_shots(folder):
        picture_path(shot, "alpha", 1).unlink()
        picture_path(shot, "plate", 2).unlink()
    result = dropkey_command("data", "check", folder)
    assert len(result.stdout.splitlines()) == 4 and "4 faults in 2 shots" in result.stderr


def test_a_folder_without_shots_is_refused(tmp_path: Path) -> None:
    assert dropkey_command("data", "check", tmp_path).exit_code == 10
    assert dropkey_command("data", "check", tmp_path / "nowhere").exit_code == 10


def test_rendering_without_blender_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROPKEY_BLENDER_PYTHON", str(tmp_path / "no-python"))
    result = dropkey_command("data", "render", "--output", tmp_path)
    assert result.exit_code == 10 and "does not exist" in result.stderr
    assert result.stderr.count("not available here: ") == 1


def test_pictures_of_a_set_keep_every_bit(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).normal(size=(5, 7, 3)).astype(np.float32) * 3
    write(tmp_path / "picture.exr", picture)
    assert np.array_equal(read_linear(tmp_path / "picture.exr"), picture)
