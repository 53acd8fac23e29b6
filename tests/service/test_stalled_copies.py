"""Copies that stall: what is unfinished is waited for and told, and makes no version of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.wholeness import ends_early
from tests.service.dropping import QUEUED, WAITING, Place
from tests.service.pictures_on_disk import noise, write
from tests.service.shots_on_disk import plate_pixels, write_plate


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


KINDS = ["a.png", "a.jpg", "a.tif", "a.exr"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_without_its_end_is_told_from_a_whole_one(tmp_path: Path, name: str, share: float) -> None:
    file = write(tmp_path / name, (noise(3, 300, 400) * 255).astype(np.uint8), "half" if name == "a.exr" else "uint8")
    assert not ends_early(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    assert ends_early(file)
    if name in ("a.png", "a.jpg"):  # the others may hold zeros for pixels
        file.write_bytes(content[: int(len(content) * share)].ljust(len(content), b"\0"))
        assert ends_early(file)


@pytest.mark.parametrize("content", [b"", b"picture", b"\x89PNG", b"\x76\x2f\x31\x01", b"II*\x00", b"MM"])
def test_what_is_no_picture_is_not_judged_by_a_crash(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert ends_early(file) in (True, False)
    assert not ends_early(tmp_path / "not there.png")


def test_a_copy_that_stalls_within_a_frame_waits_is_told_and_starts_once_it_is_whole(place: Place) -> None:
    for frame in range(1, 6):
        write_plate(place.root / "hero" / f"hero.{frame:04d}.exr", plate_pixels(frame))
    last = place.root / "hero" / "hero.0005.exr"
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    (job,) = place.wait(120)
    assert job.state is WAITING and job.problem and "hero.0005.exr" in job.problem.message
    last.write_bytes(content)
    (job,) = place.wait(600, step=5)  # a copy that stalled once may again: four times as long
    assert job.state is QUEUED and job.version == 1 and job.frames == (1, 2, 3, 4, 5)


def test_what_stays_unfinished_is_taken_after_the_grace_time(place: Place) -> None:
    for frame in range(1, 4):
        write_plate(place.root / "hero" / f"hero.{frame:04d}.exr", plate_pixels(frame))
    last = place.root / "hero" / "hero.0003.exr"
    last.write_bytes(last.read_bytes()[:200])
    place.wait(60)
    assert place.states() == [WAITING]
    place.wait(place.settings.settle_grace_seconds + 60, step=20)
    assert place.states() == [QUEUED]


@pytest.mark.parametrize(
    "ending", [".part", ".partial~", ".!qB", ".downloading", ".filepart", ".crdownload", ".opdownload"]
)
def test_a_file_that_a_program_is_copying_holds_its_shot_back(place: Place, ending: str) -> None:
    place.render(range(1, 4))
    moving = place.put(f"hero/hero.0004.png{ending}", "half")
    (job,) = place.wait(120)
    assert job.state is WAITING and job.problem and moving.name in job.problem.message
    moving.rename(moving.with_name("hero.0004.png"))
    (job,) = place.wait(600, step=5)
    assert job.state is QUEUED and job.frames == (1, 2, 3, 4) and job.version == 1


def test_a_download_beside_a_loose_shot_is_none_of_its_files(place: Place) -> None:
    place.render(range(1, 4), folder=".")
    place.put("holiday.mov.crdownload", "half")
    assert [job.state for job in place.wait(60)] == [QUEUED]


def test_a_matte_that_changes_makes_a_new_version(place: Place) -> None:
    place.render(range(1, 4))
    matte = place.put("mattes/garbage.png", "first")
    place.sidecar(mattes={"garbage": "../mattes/garbage.png"})
    (first,) = place.wait(60)
    assert first.state is QUEUED
    place.queue.cancel(first.id)
    place.wait(60)
    assert len(place.jobs()) == 1
    matte.write_text("painted anew", encoding="utf-8")
    place.wait(60)
    assert [job.state for job in place.jobs()][1:] == [QUEUED]
    assert place.jobs()[1].identity != first.identity
