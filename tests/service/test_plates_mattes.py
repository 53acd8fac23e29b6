"""Mattes and clean plates: the right file for a frame, the right channel, the right size."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from service.errors import BadInput, PlateMismatch, PlateMissing
from service.plates import matte_path, read_clean_plate, read_matte
from service.plates.curves import srgb
from tests.service.pictures_on_disk import noise, write, write_exr

GREY = np.linspace(0, 1, 192, dtype=np.float32).reshape(12, 16)


def test_a_grey_matte_is_read_as_stored(tmp_path: Path) -> None:
    codes = np.arange(192, dtype=np.uint16).reshape(12, 16, 1) * 300
    found = read_matte(write(tmp_path / "m.png", codes, "uint16"), 7, 16, 12)
    np.testing.assert_array_equal(found, (codes[..., 0] / np.float32(65535)).astype(np.float32))


def test_equal_channels_are_read_exactly_and_colors_by_luminance(tmp_path: Path) -> None:
    equal = np.repeat(GREY[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_matte(write_exr(tmp_path / "a.exr", {"RGB": equal}), 1, 16, 12), GREY)
    pixels = noise()
    expected = pixels @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    np.testing.assert_allclose(read_matte(write_exr(tmp_path / "b.exr", {"RGB": pixels}), 1, 16, 12), expected, 1e-6)


def test_an_alpha_that_says_something_is_the_matte(tmp_path: Path) -> None:
    pixels = noise(4)
    np.testing.assert_array_equal(
        read_matte(write_exr(tmp_path / "a.exr", {"RGBA": pixels}), 1, 16, 12), pixels[..., 3]
    )
    pixels[..., 3] = 1
    pixels[..., :3] = GREY[..., None]
    np.testing.assert_array_equal(read_matte(write_exr(tmp_path / "b.exr", {"RGBA": pixels}), 1, 16, 12), GREY)


def test_our_own_alpha_pass_is_a_hint(tmp_path: Path) -> None:
    four = np.repeat(GREY[..., None], 4, axis=2)
    np.testing.assert_array_equal(read_matte(write_exr(tmp_path / "a.exr", {"RGBA": four}), 1, 16, 12), GREY)


def test_a_picture_of_alpha_alone_is_a_matte(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_matte(write_exr(tmp_path / "a.exr", {"A": GREY}), 1, 16, 12), GREY)


def test_a_sequence_gives_the_picture_of_the_frame_and_a_still_the_same_for_all(tmp_path: Path) -> None:
    for frame in (1, 2):
        write(tmp_path / f"m.{frame:04d}.png", np.full((12, 16, 1), frame * 50, np.uint8), "uint8")
    for source in (tmp_path, tmp_path / "m.####.png"):
        assert matte_path(source, 2) == tmp_path / "m.0002.png"
        assert read_matte(source, 2, 16, 12)[0, 0] == pytest.approx(100 / 255)
        with pytest.raises(PlateMissing, match="no such frame"):
            read_matte(source, 3, 16, 12)
    assert read_matte(tmp_path / "m.0001.png", 99, 16, 12)[0, 0] == pytest.approx(50 / 255)


def test_a_frame_that_arrives_later_is_found(tmp_path: Path) -> None:
    for frame in (1, 2):
        write(tmp_path / f"m.{frame:04d}.png", np.zeros((12, 16, 1), np.uint8), "uint8")
    with pytest.raises(PlateMissing):
        read_matte(tmp_path, 3, 16, 12)
    write(tmp_path / "m.0003.png", np.full((12, 16, 1), 255, np.uint8), "uint8")
    assert read_matte(tmp_path, 3, 16, 12)[0, 0] == 1


def test_a_still_that_changes_is_read_again_and_callers_cannot_spoil_it(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", np.zeros((12, 16, 1), np.uint8), "uint8")
    read_matte(path, 1, 16, 12)[:] = 0.5
    assert not read_matte(path, 2, 16, 12).any()
    write(path, np.full((12, 16, 1), 255, np.uint8), "uint8")
    os.utime(path, ns=(2 * 10**18, 2 * 10**18))
    assert read_matte(path, 2, 16, 12).all()


def test_another_size_is_a_mismatch_and_a_movie_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", noise(1), "uint8")
    with pytest.raises(PlateMismatch, match=r"m\.png is 16 × 12 pixels; the plate is 20 × 12"):
        read_matte(path, 1, 20, 12)
    with pytest.raises(PlateMismatch):
        read_clean_plate(path, 1, "auto", 20, 12)
    (tmp_path / "m.mov").write_bytes(b"x")
    with pytest.raises(BadInput, match="must be pictures"):
        read_matte(tmp_path / "m.mov", 1, 16, 12)
    with pytest.raises(PlateMissing):
        read_matte(tmp_path / "gone.png", 1, 16, 12)


def test_a_clean_plate_is_decoded_as_the_plate_is(tmp_path: Path) -> None:
    codes = np.full((12, 16, 3), 128, np.uint8)
    path = write(tmp_path / "c.png", codes, "uint8")
    stored = (codes / np.float32(255)).astype(np.float32)
    np.testing.assert_array_equal(read_clean_plate(path, 5, "auto", 16, 12), srgb(stored))
    np.testing.assert_array_equal(read_clean_plate(path, 5, "linear", 16, 12), stored)
    # ARRI: (10^((x − 0.385537) / 0.2471896) − 0.052272) / 5.555556 at 128/255
    assert read_clean_plate(path, 5, "arri-logc3", 16, 12)[0, 0, 0] == pytest.approx(0.5230, abs=1e-4)


def test_a_clean_plate_in_the_plates_primaries_is_converted(tmp_path: Path) -> None:
    ap1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    path = write_exr(tmp_path / "c.exr", {"RGB": noise()}, chromaticities=ap1, compression=OpenEXR.ZIPS_COMPRESSION)
    np.testing.assert_array_equal(
        read_clean_plate(path, 1, "acescg", 16, 12), read_clean_plate(path, 1, "auto", 16, 12)
    )
