"""Sets of shots on disk: what is written is read back, and the check finds every fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from numpy.typing import NDArray

from model.data.config import DataConfig
from model.data.dataset import check, find_shots, picture_path, read_description, read_shot, write_shots
from model.data.scenes import generate
from model.data.truth import ShotBatch

Picture = NDArray[np.float32]


def write(path: Path, picture: Picture) -> None:
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": np.ascontiguousarray(picture)}).write(str(path))


def read(path: Path) -> Picture:
    with OpenEXR.File(str(path)) as file:
        return np.array(file.channels()["RGB"].pixels, dtype=np.float32)


@pytest.fixture
def batch() -> ShotBatch:
    return generate([3, 7], height=24, width=32, config=DataConfig(camera=False), frames=2)


@pytest.fixture
def folder(tmp_path: Path, batch: ShotBatch) -> Path:
    write_shots(tmp_path, batch, write, noiseless=True)
    return tmp_path


def test_shots_come_back_bit_for_bit(folder: Path, batch: ShotBatch) -> None:
    shots = find_shots(folder)
    assert [shot.name for shot in shots] == ["procedural_3", "procedural_7"]
    back = read_shot(shots[1], read)
    for part in ("plate", "foreground", "alpha", "background", "clean_plate", "spill", "emission"):
        assert torch.equal(getattr(back, part), getattr(batch, part)[2:]), part
    assert read_description(shots[0]).recipe["seed"] == 3


def test_a_sound_set_has_no_faults(folder: Path) -> None:
    assert list(check(folder, read)) == []


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    assert "holds no shot" in next(check(tmp_path, read))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{ half of it", "Invalid JSON"),
        (b"\xff\xfe\x00", "utf-8"),
        (b'{"name": "procedural_3", "generator": "procedural", "width": 32, "height": -1, "frames": 2}', "height: "),
    ],
    ids=["torn", "binary", "senseless"],
)
def test_a_description_that_cannot_be_read_is_named_in_one_line(folder: Path, content: bytes, words: str) -> None:
    broken = find_shots(folder)[0] / "shot.json"
    broken.write_bytes(content)
    (fault,) = check(folder, read)
    assert fault.startswith(f"{broken}: cannot be read: ") and words in fault and "\n" not in fault


def test_pictures_without_a_description_are_a_fault(folder: Path) -> None:
    first, second = find_shots(folder)
    (second / "shot.json").unlink()
    (fault,) = check(folder, read)
    assert str(second) in fault and "no shot.json" in fault
    (first / "shot.json").unlink()
    told = list(check(folder, read))
    assert [fault.startswith(f"{shot}: ") for fault, shot in zip(told, (first, second), strict=True)] == [True, True]
    assert list(check(first, read)) == [told[0]]


def test_pictures_of_no_part_are_no_shot(folder: Path) -> None:
    other = folder / "result" / "alpha"
    other.mkdir(parents=True)
    write(other / "wave_alpha.1001.exr", np.zeros((4, 4, 3), np.float32))
    write(folder / "alpha.0001.exr", np.zeros((4, 4, 3), np.float32))
    assert list(check(folder, read)) == []


def test_a_missing_frame_is_named(folder: Path) -> None:
    gone = picture_path(find_shots(folder)[0], "alpha", 2)
    gone.unlink()
    assert [fault for fault in check(folder, read) if str(gone) in fault and "missing" in fault]


def test_a_broken_file_is_named(folder: Path) -> None:
    broken = picture_path(find_shots(folder)[0], "plate", 1)
    broken.write_bytes(b"not a picture")
    assert [fault for fault in check(folder, read) if str(broken) in fault and "cannot be read" in fault]


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [("alpha", 1.5, "leaves 0–1"), ("plate", np.nan, "not finite"), ("background", 9.0, "recompose")],
)
def test_wrong_values_are_found(folder: Path, part: str, value: float, words: str) -> None:
    path = picture_path(find_shots(folder)[0], part, 1)  # type: ignore[arg-type]  # names of parts
    picture = read(path)
    picture[:] = value
    write(path, picture)
    assert [fault for fault in check(folder, read) if words in fault]


def test_a_premultiplied_foreground_is_found(folder: Path) -> None:
    shot = next(s for s in find_shots(folder) if (read(picture_path(s, "alpha", 1)) % 1 > 0.2).any())
    path = picture_path(shot, "foreground", 1)
    write(path, read(path) * read(picture_path(shot, "alpha", 1)))
    assert [fault for fault in check(folder, read) if "straight" in fault]


def test_a_foreground_where_nothing_is_is_found(folder: Path) -> None:
    shot = next(s for s in find_shots(folder) if (read(picture_path(s, "alpha", 1)) == 0).any())
    path = picture_path(shot, "foreground", 1)
    write(path, np.maximum(read(path), 0.1))
    assert [fault for fault in check(folder, read) if "where alpha is 0" in fault]


def test_a_renamed_folder_is_found(folder: Path) -> None:
    shot = find_shots(folder)[0]
    shot.rename(folder / "other")
    assert [fault for fault in check(folder, read) if "called 'other'" in fault]
