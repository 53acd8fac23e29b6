"""Every way a picture file can be wrong, and that only the frame at fault is lost."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from model.settings import KeySettings
from service.errors import DropKeyError, PlateMismatch, PlateMissing, PlateUnreadable
from service.plates import open_plate
from service.shots import shot_from_plate
from tests.service.pictures_on_disk import noise, read, write, write_exr


def sequence(folder: Path, count: int = 3, extension: str = "exr") -> Path:
    for frame in range(1, count + 1):
        write(folder / f"s.{frame:04d}.{extension}", noise(), "float" if extension == "exr" else "uint16")
    return folder / f"s.####.{extension}"


@pytest.mark.parametrize("extension", ["exr", "png", "tif", "dpx", "jpg"])
@pytest.mark.parametrize("share", [0.97, 0.5, 0.02])
def test_a_truncated_frame_is_unreadable_and_the_others_are_not(tmp_path: Path, extension: str, share: float) -> None:
    pixels = noise(3, 64, 64)
    for frame in (1, 2, 3):
        write(tmp_path / f"s.{frame:04d}.{extension}", pixels, "float" if extension == "exr" else "uint16")
    path = tmp_path / f"s.0001.{extension}"
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * share))])
    with open_plate(shot_from_plate(tmp_path), KeySettings()) as plate:
        with pytest.raises(PlateUnreadable) as wrong:
            plate.read(1)
        assert (wrong.value.shot, wrong.value.frame) == ("s", 1)
        assert wrong.value.fix
        assert plate.read(2).color.shape == (64, 64, 3)


@pytest.mark.parametrize("extension", ["exr", "png", "tif", "dpx", "jpg"])
def test_an_empty_file_is_unreadable(tmp_path: Path, extension: str) -> None:
    (tmp_path / f"a.{extension}").touch()
    with pytest.raises(PlateUnreadable, match="empty"):
        read(tmp_path / f"a.{extension}")


def test_a_frame_of_another_size_is_a_mismatch(tmp_path: Path) -> None:
    pattern = sequence(tmp_path)
    write(tmp_path / "s.0002.exr", noise(3, 10, 10), "float")
    with open_plate(shot_from_plate(pattern), KeySettings()) as plate:
        with pytest.raises(PlateMismatch, match=r"s frame 2: It is 10 × 10 pixels; the shot is 16 × 12"):
            plate.read(2)
        plate.read(3)


@pytest.mark.parametrize(("count", "odd"), [(2, 1), (3, 1), (3, 2), (3, 3), (4, 1), (12, 1), (12, 5), (12, 12)])
def test_one_frame_of_another_size_fails_alone_wherever_it_is(tmp_path: Path, count: int, odd: int) -> None:
    pattern = sequence(tmp_path, count)
    write(tmp_path / f"s.{odd:04d}.exr", noise(3, 10, 10), "float")
    with open_plate(shot_from_plate(pattern), KeySettings()) as plate:
        assert (plate.format.width, plate.format.height) == (16, 12)
        for frame in plate.format.frames:
            if frame == odd:
                with pytest.raises(PlateMismatch, match="It is 10 × 10 pixels; the shot is 16 × 12"):
                    plate.read(frame)
            else:
                plate.read(frame)


def test_a_slate_of_two_frames_does_not_decide_the_size(tmp_path: Path) -> None:
    pattern = sequence(tmp_path, 12)
    for frame in (1, 2):
        write(tmp_path / f"s.{frame:04d}.exr", noise(3, 10, 10), "float")
    with open_plate(shot_from_plate(pattern), KeySettings()) as plate:
        assert (plate.format.width, plate.format.height) == (16, 12)


def test_a_frame_or_shot_deleted_half_way_is_missing(tmp_path: Path) -> None:
    with open_plate(shot_from_plate(sequence(tmp_path)), KeySettings()) as plate:
        plate.read(1)
        for path in tmp_path.iterdir():
            path.unlink()
        with pytest.raises(PlateMissing, match=r"s frame 2: s\.0002\.exr is not there"):
            plate.read(2)
        with pytest.raises(PlateMissing, match="no such frame"):
            plate.read(9)


def test_content_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "b.jpg", noise(), "uint8")
    (tmp_path / "b.jpg").rename(tmp_path / "a.exr")
    with pytest.raises(PlateUnreadable, match="a JPEG picture by its content"):
        read(tmp_path / "a.exr")


def test_garbage_is_unreadable(tmp_path: Path) -> None:
    for extension in ("exr", "png", "tif", "dpx", "jpg", "bmp", "tga", "cin"):
        path = tmp_path / f"a.{extension}"
        path.write_bytes(np.random.default_rng(2).bytes(5000))
        with pytest.raises(PlateUnreadable):
            read(path)


def with_window(path: Path, width: int, height: int) -> Path:
    write_exr(path, {"RGB": noise()})
    content = bytearray(path.read_bytes())
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = content.find(name) + len(name) + 4
        content[at : at + 16] = struct.pack("<4i", 0, 0, width - 1, height - 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [(100_000, 100_000), (40_000, 2), (2**31 - 1, 2**31 - 1)])
def test_a_huge_header_is_refused_before_memory_is_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PlateUnreadable):
        read(with_window(tmp_path / "a.exr", *size))


def test_limits_are_the_callers(tmp_path: Path) -> None:
    shot = shot_from_plate(write(tmp_path / "a.png", noise(3, 40, 40), "uint8"))
    with pytest.raises(PlateUnreadable, match="40 × 40 pixels; 32 a side is the most"):
        open_plate(shot, KeySettings(), maximum_side_pixels=32)
    large = shot_from_plate(write(tmp_path / "b.exr", noise(3, 600, 600), "float"))
    with pytest.raises(PlateUnreadable):
        open_plate(large, KeySettings(), maximum_picture_mib=1)
    with open_plate(large, KeySettings()) as plate:
        plate.read(1)


def test_a_png_with_a_huge_header_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", noise(), "uint8")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">2I", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(PlateUnreadable):
        read(path)


def test_too_many_parts_are_refused(tmp_path: Path) -> None:
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": np.zeros((4, 4, 3), np.float32)}, name=f"part{n}")
        for n in range(257)
    ]
    OpenEXR.File(parts).write(str(tmp_path / "b.exr"))
    with pytest.raises(PlateUnreadable, match="more than 256 parts"):
        read(tmp_path / "b.exr")


def test_a_deep_exr_is_refused(tmp_path: Path) -> None:
    rows = np.empty((4, 4), dtype=object)
    for place in np.ndindex(4, 4):
        rows[place] = np.array([0.5, 0.6], dtype=np.float32)
    OpenEXR.File(
        {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}, dict.fromkeys("RGBA", rows)
    ).write(str(tmp_path / "a.exr"))
    with pytest.raises(PlateUnreadable, match="deep"):
        read(tmp_path / "a.exr")


def test_a_plate_whose_first_frames_are_all_broken_says_why(tmp_path: Path) -> None:
    for frame in (1, 2):
        (tmp_path / f"s.{frame:04d}.exr").touch()
    with pytest.raises(DropKeyError, match=r"s frame 1: s\.0001\.exr is empty"):
        open_plate(shot_from_plate(tmp_path), KeySettings())


@pytest.mark.skipif(sys.platform == "win32", reason="links need special rights on Windows")
def test_a_frame_that_became_a_link_out_of_its_root_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "shot"
    folder.mkdir(parents=True)
    shot = shot_from_plate(sequence(folder)).model_copy(update={"confined_to": ((tmp_path / "root").resolve(),)})
    secret = write_exr(tmp_path / "secret.exr", {"RGB": noise()})
    with open_plate(shot, KeySettings()) as plate:
        plate.read(2)
        shot.frame_path(3).unlink()
        shot.frame_path(3).symlink_to(secret)
        with pytest.raises(PlateUnreadable, match="link that leads out"):
            plate.read(3)
    anywhere = shot.model_copy(update={"confined_to": ()})
    with open_plate(anywhere, KeySettings()) as plate:
        plate.read(3)
