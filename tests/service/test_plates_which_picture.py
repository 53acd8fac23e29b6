"""Which picture of a movie is meant: no cover and no thumbnail, and a frame for two fields."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from service.errors import PlateUnreadable
from tests.service.fields_on_disk import level, write_fields
from tests.service.movies_on_disk import (
    LOSSLESS,
    format_of,
    grey,
    number_in,
    numbered,
    opened,
    video_frame,
    write_movie,
)

LUMAS = (60, 90, 120, 150, 180)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", ["m.mts", "m.mkv", "m.mp4"])
def test_two_fields_are_one_frame(tmp_path: Path, name: str, together: bool) -> None:
    path = write_fields(tmp_path / name, LUMAS, together=together)
    with opened(path) as plate:
        assert plate.format.frames == (1, 2, 3, 4, 5)
        assert not plate.format.lost_frames
        assert any("interlaced" in warning for warning in plate.format.warnings)
        assert (plate.format.width, plate.format.height) == (64, 64)
        for frame in (1, 2, 3, 4, 5, 3, 1, 4):
            assert plate.read(frame).color[32, 32] == pytest.approx([level(LUMAS[frame - 1])] * 3, abs=1e-5)
        # This Matroska file does not say how long its frames are.
        assert plate.format.fps == (None if path.suffix == ".mkv" else Fraction(25))


def test_a_last_frame_of_one_field_counts(tmp_path: Path) -> None:
    path = write_fields(tmp_path / "m.mts", LUMAS, together=False, lonely=True)
    with opened(path) as plate:
        assert plate.format.frames == (1, 2, 3, 4, 5)
        assert plate.read(4).color[32, 32, 0] == pytest.approx(level(150), abs=1e-5)


def test_a_cut_recording_of_fields_misses_frames_not_fields(tmp_path: Path) -> None:
    content = write_fields(tmp_path / "whole.mts", LUMAS, together=False).read_bytes()
    path = tmp_path / "m.mts"
    path.write_bytes(content[: len(content) * 3 // 5])
    with opened(path) as plate:
        frames, lost = plate.format.frames, plate.format.lost_frames
        assert 1 <= len(frames) <= 3
        assert 1 <= len(lost) <= 2
        assert plate.read(1).color[32, 32, 0] == pytest.approx(level(60), abs=1e-5)


@pytest.mark.parametrize("first", ["tff", "bff"])
def test_hevc_of_fields_is_refused_by_name(tmp_path: Path, first: str) -> None:
    fields = [[numbered(number, 64, 32), *grey(64, 32)] for number in range(6)]
    options = {"x265-params": f"interlace={first}:lossless=1:bframes=0:log-level=none"}
    path = write_movie(tmp_path / "m.mkv", fields, "libx265", "yuv420p", options=options)
    with pytest.raises(PlateUnreadable, match="each picture is a field") as refused:
        opened(path)
    assert "weave" in refused.value.fix


def test_interlaced_frames_coded_as_frames_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "m.mts"
    options = LOSSLESS["libx264"] | {"x264-params": "tff=1:interlaced=1:bframes=0"}
    with av.open(str(path), "w", format="mpegts") as file:
        stream = file.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(12):
            frame = video_frame([numbered(number, 128, 96), *grey(128, 96)], "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with opened(path) as plate:
        assert plate.format.frames == tuple(range(1, 13))
        assert plate.format.fps == Fraction(25)
        assert [number_in(plate.read(frame).color) for frame in (1, 7, 12)] == [0, 6, 11]


# ---- several streams


def write_streams(path: Path, *streams: tuple[str, int, int, int], cover: int | None = None) -> Path:
    """Write streams as (codec, width, height, pictures), each with bars for its place in the file."""
    with av.open(str(path), "w") as file:
        made = []
        for place, (codec, width, height, _) in enumerate(streams):
            stream = file.add_stream(codec, rate=24, options=LOSSLESS.get(codec, {}))
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            if codec == "mjpeg":
                stream.codec_context.color_range = 2
            if place == cover:
                stream.disposition = av.stream.Disposition.attached_pic
            made.append(stream)
        for place, (stream, (_, width, height, count)) in enumerate(zip(made, streams, strict=True)):
            for number in range(count):
                frame = video_frame([numbered(place + 1, width, height), *grey(width, height)], stream.pix_fmt)
                frame.pts, frame.time_base = number, Fraction(1, 24)
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "streams", "cover", "meant"),
    [
        ("m.mp4", [("mjpeg", 64, 64, 1), ("libx264", 128, 96, 6)], 0, 2),
        ("m.mp4", [("mjpeg", 256, 256, 1), ("libx264", 128, 96, 6)], 0, 2),
        ("m.mp4", [("mjpeg", 256, 256, 1), ("libx264", 128, 96, 6)], None, 2),
        ("m.mp4", [("libx264", 64, 64, 6), ("libx264", 128, 96, 6)], None, 2),
        ("m.mkv", [("libx264", 64, 64, 6), ("libx264", 128, 96, 6)], None, 2),
        ("m.mov", [("libx264", 128, 96, 3), ("libx264", 128, 96, 9)], None, 2),
        ("m.mov", [("libx264", 128, 96, 6), ("mjpeg", 64, 64, 6)], None, 1),
    ],
)
def test_of_several_streams_the_largest_or_longest_that_is_no_cover_is_meant_and_the_others_are_told(
    tmp_path: Path, name: str, streams: list[tuple[str, int, int, int]], cover: int | None, meant: int
) -> None:
    path = write_streams(tmp_path / name, *streams, cover=cover)
    _, width, height, count = streams[meant - 1]
    found = format_of(path)
    assert (found.width, found.height, len(found.frames)) == (width, height, count)
    with opened(path) as plate:
        for frame in (1, count, 2):
            assert number_in(plate.read(frame).color) == meant
    assert any("2 video streams" in warning for warning in found.warnings)


def test_one_stream_is_not_told(tmp_path: Path) -> None:
    assert not format_of(write_streams(tmp_path / "m.mp4", ("libx264", 128, 96, 3))).warnings


def test_a_cover_alone_is_read(tmp_path: Path) -> None:
    assert np.ptp(opened(write_streams(tmp_path / "m.mp4", ("mjpeg", 128, 96, 1))).read(1).color) > 0
