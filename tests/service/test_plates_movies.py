"""Plates that are movies: the right picture in any order, and what happens when the file is damaged."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from model.settings import KeySettings
from service.errors import PlateMissing, PlateUnreadable
from service.plates import open_plate, read_picture
from service.shots import shot_from_plate
from tests.service.movies_on_disk import counting_movie, format_of, number_in, opened

# ---- the right picture

B_FRAMES = {"crf": "18", "bf": "3", "g": "12", "x264-params": "b-pyramid=normal:scenecut=0"}
OPEN_GOP = {"crf": "18", "bf": "3", "g": "10", "x264-params": "open-gop=1:scenecut=0"}
MOVIES: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES},
    "open_gop.mov": {"codec": "libx264", "pixel_format": "yuv420p", "options": OPEN_GOP},
    "h264.mkv": {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES},
    "h264.mts": {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES},
    "late_start.mp4": {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES, "first_pts": 37},
    "hevc10.mp4": {
        "codec": "libx265",
        "pixel_format": "yuv420p10le",
        "options": {"x265-params": "keyint=15:bframes=4:log-level=none"},
    },
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le"},
    "dnxhr.mov": {"codec": "dnxhd", "pixel_format": "yuv422p", "options": {"profile": "dnxhr_hq"}, "count": 9},
    "dnxhr.mxf": {"codec": "dnxhd", "pixel_format": "yuv422p", "options": {"profile": "dnxhr_hq"}, "count": 9},
    "h264.avi": {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES},
    "open_gop.avi": {"codec": "libx264", "pixel_format": "yuv420p", "options": OPEN_GOP},
    "mpeg4.avi": {"codec": "mpeg4", "pixel_format": "yuv420p", "options": {"bf": "2", "g": "12", "qscale": "2"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
}


@pytest.mark.parametrize("name", sorted(MOVIES))
def test_every_picture_is_found_in_any_order(tmp_path: Path, name: str) -> None:
    path = counting_movie(tmp_path / name, **MOVIES[name])
    count = MOVIES[name].get("count", 40)
    with opened(path) as plate:
        assert plate.format.frames == tuple(range(1, count + 1))
        for frame in plate.format.frames:
            assert number_in(plate.read(frame).color) == frame - 1
        for frame in np.random.default_rng(7).integers(1, count + 1, 25).tolist():
            assert number_in(plate.read(frame).color) == frame - 1
        for frame in reversed(plate.format.frames):
            assert number_in(plate.read(frame).color) == frame - 1


@pytest.mark.parametrize("name", ["h264.mp4", "open_gop.mov", "hevc10.mp4"])
def test_a_picture_is_the_same_bits_however_it_was_reached(tmp_path: Path, name: str) -> None:
    path = counting_movie(tmp_path / name, **MOVIES[name])
    with opened(path) as plate:
        straight = {frame: plate.read(frame).color.tobytes() for frame in plate.format.frames}
        for frame in (40, 1, 23, 22, 11, 12, 31, 2):
            assert plate.read(frame).color.tobytes() == straight[frame]


def test_a_movie_can_be_numbered_from_anywhere(tmp_path: Path) -> None:
    path = counting_movie(tmp_path / "m.mp4", **MOVIES["h264.mp4"])
    with opened(path, first_frame=1001) as plate:
        assert plate.format.frames == tuple(range(1001, 1041))
        assert number_in(plate.read(1011).color) == 10
        with pytest.raises(PlateMissing, match=r"m frame 1: The plate has no such frame\. It has 1001-1040"):
            plate.read(1)
    assert number_in(read_picture(path, frame=5)) == 5


def test_pictures_hidden_by_an_edit_list_do_not_count(tmp_path: Path) -> None:
    hidden = {**MOVIES["h264.mp4"], "first_pts": -10, "container": {"avoid_negative_ts": "disabled"}}
    with opened(counting_movie(tmp_path / "m.mp4", **hidden)) as plate:
        assert len(plate.format.frames) == 30
        for frame in (1, 2, 30, 1, 15, 14, 3):
            assert number_in(plate.read(frame).color) == frame - 1 + 10


def test_the_rate_is_exact(tmp_path: Path) -> None:
    assert format_of(counting_movie(tmp_path / "m.mov", "prores_ks", "yuv422p10le", 5)).fps == Fraction(24000, 1001)


# ---- what can be wrong


def test_a_movie_cut_short_is_unreadable_or_misses_only_its_end(tmp_path: Path) -> None:
    header_last = counting_movie(tmp_path / "a.mp4", **MOVIES["h264.mp4"])
    content = header_last.read_bytes()
    header_last.write_bytes(content[: len(content) // 2])
    with pytest.raises(PlateUnreadable, match="cannot be opened as a movie"):
        opened(header_last)
    header_first = counting_movie(tmp_path / "b.mp4", **{**MOVIES["h264.mp4"], "container": {"movflags": "faststart"}})
    content = header_first.read_bytes()
    header_first.write_bytes(content[: int(len(content) * 0.8)])
    with opened(header_first) as plate:
        assert (*plate.format.frames, *plate.format.lost_frames) == tuple(range(1, 41))
        assert number_in(plate.read(3).color) == 2
        with pytest.raises(PlateMissing, match="b frame 40: The movie is cut short"):
            plate.read(40)
        assert number_in(plate.read(4).color) == 3


def test_damage_inside_loses_only_the_pictures_it_hits(tmp_path: Path) -> None:
    path = counting_movie(tmp_path / "m.mov", "prores_ks", "yuv422p10le", 12)
    with av.open(str(path)) as file:
        entry = file.streams.video[0].index_entries[5]
        at, size = entry.pos, entry.size
    content = bytearray(path.read_bytes())
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    with opened(path) as plate:
        assert len(plate.format.frames) == 12
        for frame in plate.format.frames:
            if frame == 6:
                with pytest.raises(PlateUnreadable):
                    plate.read(frame)
            else:
                assert number_in(plate.read(frame).color) == frame - 1


def test_pictures_that_build_upon_a_damaged_one_are_not_passed_off_as_sound(tmp_path: Path) -> None:
    """H.264 decodes them all the same, with traces of another picture in them, up to the next keyframe."""
    path = counting_movie(
        tmp_path / "m.mp4", "libx264", "yuv420p", 24, options={"g": "12", "bf": "0", "sc_threshold": "0"}
    )
    with av.open(str(path)) as file:
        packets = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    at, size = packets[4]
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    with opened(path) as plate:
        for frame in (*range(1, 5), *range(13, 25)):
            assert number_in(plate.read(frame).color) == frame - 1
        for frame in range(5, 13):
            with pytest.raises(PlateUnreadable, match="or one that it builds upon"):
                plate.read(frame)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_times_that_were_guessed_when_an_avi_was_copied_into_another_container_are_not_believed(
    tmp_path: Path, kind: str
) -> None:
    path = counting_movie(tmp_path / "m.avi", "libx264", "yuv420p", options=B_FRAMES)
    with av.open(str(path)) as source, av.open(str(tmp_path / f"m.{kind}"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    with opened(tmp_path / f"m.{kind}") as plate:
        for frame in (*plate.format.frames, 30, 12, 13):
            assert number_in(plate.read(frame).color) == frame - 1


def test_after_damage_in_an_avi_whose_pictures_can_only_be_counted_none_is_passed_off_as_another(
    tmp_path: Path,
) -> None:
    path = counting_movie(tmp_path / "m.avi", "libx264", "yuv420p", options=B_FRAMES)
    with av.open(str(path)) as file:
        packets = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    at, size = packets[26]
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    with opened(path) as plate:
        assert len(plate.format.frames) == 40
        for frame in range(1, 13):
            assert number_in(plate.read(frame).color) == frame - 1
        with pytest.raises(PlateUnreadable):
            plate.read(40)
        for frame in plate.format.frames:
            try:
                assert number_in(plate.read(frame).color) == frame - 1
            except PlateUnreadable:
                assert frame > 12


def test_empty_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    shot = shot_from_plate(counting_movie(tmp_path / "m.mp4", **MOVIES["h264.mp4"]))
    for content, words in (
        (b"", "empty"),
        (b"#EXTM3U\nhttp://example.org/x.ts\n" * 20, "cannot be opened"),
        (b"x" * 999, "cannot be opened"),
    ):
        (tmp_path / "m.mp4").write_bytes(content)
        with pytest.raises(PlateUnreadable, match=words):
            open_plate(shot, KeySettings())
    (tmp_path / "m.mp4").unlink()
    with pytest.raises(PlateMissing, match=r"m: m\.mp4 is not there"):
        open_plate(shot, KeySettings())


def test_a_movie_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.mov"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=48000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with pytest.raises(PlateUnreadable, match="no pictures"):
        opened(path)


def test_limits_hold_for_movies(tmp_path: Path) -> None:
    shot = shot_from_plate(counting_movie(tmp_path / "m.mp4", **MOVIES["h264.mp4"]))
    with pytest.raises(PlateUnreadable, match="128 × 96"):
        open_plate(shot, KeySettings(), maximum_side_pixels=100)
