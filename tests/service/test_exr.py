"""Results on disk: exact float32 EXRs, one part, with headers that After Effects and compositors understand."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from model.settings import Compression
from service.errors import OutputFull, OutputReadOnly, PlateMissing, PlateUnreadable, Transient
from service.exr import (
    COMPRESSIONS,
    LOSSY,
    ExrHeader,
    checksum,
    read_exr,
    sweep_temporaries,
    verify,
    write_alpha,
    write_foreground,
)
from tests.service.full_disk import disk_is_full

HEADER = ExrHeader(
    fps=Fraction(24000, 1001), pixel_aspect_ratio=2.0, provenance={"shot": "wide", "frame": -12, "keyer": "difference"}
)


def picture(height: int = 37, width: int = 53) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    random = np.random.default_rng(5)
    color = random.normal(0.4, 3.0, (height, width, 3)).astype(np.float32)
    color[0, 0] = (50.0, -0.25, 1e-30)
    alpha = random.uniform(0.0, 1.0, (height, width)).astype(np.float32)
    alpha[:5], alpha[-5:] = 0.0, 1.0
    return color, alpha


def no_temporaries(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name not in LOSSY])
def test_every_lossless_compression_gives_back_the_same_bits(tmp_path: Path, compression: Compression) -> None:
    color, alpha = picture()
    path = tmp_path / "a.exr"
    written = write_foreground(path, color, alpha, ExrHeader(compression=compression))
    planes, header = read_exr(path)
    assert header["compression"] == COMPRESSIONS[compression]
    assert np.array_equal(np.dstack([planes[name] for name in "RGB"]), color)
    assert np.array_equal(planes["A"], alpha)
    assert {plane.dtype for plane in planes.values()} == {np.dtype(np.float32)}
    assert written == verify(path) == checksum(path)
    assert no_temporaries(tmp_path)


def test_another_reader_sees_the_same_picture_and_header(tmp_path: Path) -> None:
    color, alpha = picture()
    path = tmp_path / "a.exr"
    write_foreground(path, color, alpha, HEADER)
    read = oiio.ImageBuf(str(path))
    spec = read.spec()
    assert spec.channelnames == ("R", "G", "B", "A")
    assert str(spec.format) == "float"
    assert spec.tile_width == 0
    assert read.nsubimages == 1
    window = (spec.x, spec.y, spec.width, spec.height)
    assert window == (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 53, 37)
    assert np.array_equal(read.get_pixels(oiio.FLOAT), np.dstack((color, alpha)))
    assert spec.get_float_attribute("PixelAspectRatio") == 2.0


def test_the_header_tells_rate_primaries_association_and_provenance(tmp_path: Path) -> None:
    color, alpha = picture()
    path = tmp_path / "a.exr"
    write_foreground(path, color, alpha, HEADER)
    header = read_exr(path)[1]
    assert header["framesPerSecond"] == Fraction(24000, 1001)
    assert header["pixelAspectRatio"] == 2.0
    assert np.allclose(header["chromaticities"], (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290))
    assert header["dropkey/association"] == "premultiplied"
    assert (header["dropkey/shot"], header["dropkey/frame"]) == ("wide", -12)
    assert header["type"] == OpenEXR.scanlineimage


def test_an_unknown_rate_is_absent(tmp_path: Path) -> None:
    write_alpha(tmp_path / "a.exr", picture()[1], ExrHeader())
    assert "framesPerSecond" not in read_exr(tmp_path / "a.exr")[1]


def test_alpha_is_in_all_four_channels(tmp_path: Path) -> None:
    alpha = picture()[1]
    write_alpha(tmp_path / "a.exr", alpha, HEADER)
    planes = read_exr(tmp_path / "a.exr")[0]
    assert sorted(planes) == ["A", "B", "G", "R"]
    assert all(np.array_equal(plane, alpha) for plane in planes.values())


def test_planar_and_interleaved_arrays_give_the_same_file(tmp_path: Path) -> None:
    color, alpha = picture()
    planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(color, -1, 0)), 0, -1)
    one = write_foreground(tmp_path / "a.exr", color, alpha, HEADER)
    assert write_foreground(tmp_path / "b.exr", planar, alpha, HEADER) == one


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    color, alpha = picture()
    first = write_foreground(tmp_path / "a.exr", color, alpha, HEADER)
    content = (tmp_path / "a.exr").read_bytes()
    assert write_foreground(tmp_path / "a.exr", color, alpha, HEADER) == first
    assert (tmp_path / "a.exr").read_bytes() == content


def test_a_name_beyond_ascii_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "Größe 緑" / "Übung_foreground.0001.exr"
    path.parent.mkdir()
    assert write_alpha(path, picture()[1], HEADER) == verify(path)


@pytest.mark.parametrize("keep", [0, 3, 200, 0.5, 0.98])
def test_a_truncated_file_does_not_verify(tmp_path: Path, keep: float) -> None:
    color, alpha = picture(200, 300)
    path = tmp_path / "a.exr"
    write_foreground(path, color, alpha, HEADER)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 or keep == 0 else keep * len(content))])
    with pytest.raises(PlateUnreadable):
        verify(path)


def test_a_file_with_zeros_in_it_does_not_verify(tmp_path: Path) -> None:
    color, alpha = picture(200, 300)
    path = tmp_path / "a.exr"
    write_foreground(path, color, alpha, HEADER)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(PlateUnreadable):
        verify(path)


def test_a_missing_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(PlateMissing):
        verify(tmp_path / "none.exr")


def test_a_full_disk_is_named_and_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    color, alpha = picture()
    path = tmp_path / "a.exr"
    earlier = write_foreground(path, color, alpha, HEADER)
    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(OutputFull, match="full"):
        write_foreground(path, color * 2, alpha, HEADER)
    assert verify(path) == earlier
    assert no_temporaries(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere; Windows has no such mode")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        with pytest.raises(OutputReadOnly):
            write_alpha(folder / "a.exr", picture()[1], HEADER)
    finally:
        folder.chmod(0o700)


def test_a_folder_that_went_away_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        write_alpha(tmp_path / "gone" / "a.exr", picture()[1], HEADER)


def test_only_temporaries_of_dead_writers_are_swept(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        dead_file = tmp_path / f".a_foreground.0001.exr.{ended.pid}.tmp"
        live_file = tmp_path / f".a_foreground.0002.exr.{alive.pid}.tmp"
        own_file = tmp_path / f".a_foreground.0003.exr.{os.getpid()}.tmp"
        others = [tmp_path / name for name in ("a_foreground.0001.exr", ".hidden", "note.tmp", ".x.tmp")]
        for path in (dead_file, live_file, own_file, *others):
            path.write_bytes(b"x")
        assert sweep_temporaries(tmp_path) == 2
        assert sorted(tmp_path.iterdir()) == sorted([live_file, *others])
    finally:
        alive.communicate(b"\n")
