"""Movies whose end is missing: what is left has its right numbers, and the loss is told, never a shorter shot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from service.errors import PlateMissing, PlateUnreadable
from service.jobs import FrameState
from service.messages import ShotStarted
from service.pipeline import Limits
from service.plates.wholeness import is_cut_short
from service.shots import shot_from_plate
from tests.service.movies_on_disk import counting_movie, grey, number_in, numbered, opened, write_movie
from tests.service.pipeline_runs import manifest_of, run, states
from tests.service.shots_on_disk import Listener, order_for

COUNT = 40
SCREEN = {"color": (0, 1, 0), "coverage": 0.5}
B_FRAMES = {"crf": "18", "bf": "3", "g": "12", "x264-params": "b-pyramid=normal:scenecut=0"}
H264: dict[str, Any] = {"codec": "libx264", "pixel_format": "yuv420p", "options": B_FRAMES}
MPEG2: dict[str, Any] = {
    "codec": "mpeg2video",
    "pixel_format": "yuv422p",
    "options": {"bf": "2"},
    "rate": Fraction(25),
}
MJPEG: dict[str, Any] = {"codec": "mjpeg", "pixel_format": "yuvj420p"}
KNOWN: dict[str, dict[str, Any]] = {
    "b_frames.mkv": H264,
    "intra.mkv": MJPEG,
    "mpeg2.mxf": MPEG2,
    "intra.avi": MJPEG,
    "header_first.mp4": {**H264, "container": {"movflags": "faststart"}},
}
"""Containers that say in their head how long they are."""

UNKNOWN: dict[str, dict[str, Any]] = {
    "camera.mts": H264,
    "camera.m2ts": H264,
    "live.mkv": {**H264, "container": {"live": "1"}},
    "fragments.mp4": {**H264, "container": {"movflags": "frag_keyframe+empty_moov"}},
}
"""… and those that do not."""


def cut(path: Path, share: float) -> Path:
    """Cut the end off, in the middle of a packet."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share) // 192 * 192 + 37])
    return path


def readable(path: Path) -> tuple[list[int], tuple[int, ...]]:
    """The frames that can be read, each checked to be the picture of its number, and those told to be lost."""
    found = []
    with opened(path) as plate:
        for frame in plate.format.frames:
            try:
                color = plate.read(frame).color
            except PlateUnreadable:
                continue
            assert number_in(color) == frame - 1
            found.append(frame)
        for frame in plate.format.lost_frames:
            with pytest.raises(PlateMissing, match=f"frame {frame}: The movie is cut short"):
                plate.read(frame)
        return found, plate.format.lost_frames


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_a_cut_has_taken_is_named_frame_by_frame(tmp_path: Path, name: str) -> None:
    path = counting_movie(tmp_path / name, count=COUNT, **KNOWN[name])
    content = path.read_bytes()
    assert readable(path) == (list(range(1, COUNT + 1)), ())
    for share in (0.95, 0.9, 0.75):
        path.write_bytes(content)
        found, lost = readable(cut(path, share))
        assert found == list(range(1, len(found) + 1))
        assert 0 < len(found) < COUNT
        assert lost[-1] == COUNT


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_a_cut_movie_that_says_no_length_has_a_lost_frame_at_its_end(tmp_path: Path, name: str) -> None:
    path = counting_movie(tmp_path / name, count=COUNT, **UNKNOWN[name])
    content = path.read_bytes()
    assert readable(path) == (list(range(1, COUNT + 1)), ())
    for less in (60, 400):
        path.write_bytes(content[:-less])
        found, lost = readable(path)
        assert found == list(range(1, len(found) + 1))
        assert found[-1] < COUNT
        assert lost[0] - found[-1] in (1, 2)  # the picture that is cut through may stand between
        assert len(lost) <= 6


def test_a_cut_avi_whose_pictures_are_counted_is_keyed_as_far_as_their_numbers_are_certain(
    tmp_path: Path,
) -> None:
    path = counting_movie(tmp_path / "m.avi", count=COUNT, **H264)
    with av.open(str(path)) as file:
        places = [packet.pos for packet in file.demux(video=0) if packet.size]
    content = path.read_bytes()
    for there in (20, 26, 27, 35):
        path.write_bytes(content[: places[there] + 5])
        found, lost = readable(path)
        assert found == list(range(1, len(found) + 1)) and there - 16 <= len(found) < there
        assert lost == tuple(range(len(found) + 1, COUNT + 1))


def test_a_transport_stream_cut_between_two_packets_is_told_by_the_pictures_it_lacks(tmp_path: Path) -> None:
    path = counting_movie(tmp_path / "m.mts", count=COUNT, **H264)
    content = path.read_bytes()
    packets = len(content) // 188
    found, lost = [], ()
    for kept in range(packets * 3 // 4, packets * 3 // 4 + 8):  # one of these leaves B-frames out
        path.write_bytes(content[: kept * 188])
        with opened(path) as plate:
            lost = lost or plate.format.lost_frames
            found.append(len(plate.format.frames))
    assert lost
    assert max(found) < COUNT


@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_a_transport_stream_cut_inside_its_last_picture_between_two_packets_passes_on_whole_pictures_only(
    tmp_path: Path, b_frames: str
) -> None:
    """A decoder makes up what the rest of the picture lacks, without a word."""
    grain = np.random.default_rng(3).integers(0, 25, (24, 96, 128), np.uint8)
    pictures = [[numbered(number, 128, 96) + grain[number], *grey(128, 96)] for number in range(24)]
    options = {"crf": "18", "bf": b_frames, "g": "12"}
    path = write_movie(tmp_path / "m.mts", pictures, "libx264", "yuv420p", options=options)
    with opened(path) as plate:
        assert not plate.format.lost_frames
        whole = {frame: plate.read(frame).color.tobytes() for frame in plate.format.frames}
    content, told = path.read_bytes(), 0
    packets = len(content) // 188
    for kept in range(packets * 3 // 4, packets * 3 // 4 + 16):
        path.write_bytes(content[: kept * 188])
        with opened(path) as plate:
            told += bool(plate.format.lost_frames)
            for frame in plate.format.frames[-3:]:
                assert plate.read(frame).color.tobytes() == whole[frame]
    assert told > 8, "most cuts go through a picture"


def test_a_transport_stream_whose_pictures_fill_their_packets_is_not_called_cut_for_that(tmp_path: Path) -> None:
    """Recorders of constant rate fill pictures up instead of stuffing packets."""
    begin = bytes.fromhex("47410010") + bytes.fromhex("000001e00000800000").ljust(184, b"\xff")
    middle = bytes.fromhex("47010010") + bytes(184)
    path = tmp_path / "m.mts"
    path.write_bytes((begin + 5 * middle) * 12)
    assert not is_cut_short(path, "mpegts")


def test_a_recording_that_was_never_closed_is_cut_short(tmp_path: Path) -> None:
    """The recorder lost power: the head of the MXF knows no footer yet, and no length."""
    path = counting_movie(tmp_path / "m.mxf", count=COUNT, **MPEG2)
    content = bytearray(path.read_bytes())
    at = content.find(bytes.fromhex("060e2b34020501010d01020101")) + 20 + 24
    footer = int.from_bytes(content[at : at + 8])
    assert 0 < footer < len(content)
    content[at : at + 8] = bytes(8)
    path.write_bytes(content)
    assert not is_cut_short(path, "mxf"), "it has its footer, the head only does not know it"
    path.write_bytes(content[:footer])
    assert is_cut_short(path, "mxf")


def test_an_avi_that_was_never_closed_is_cut_short_and_one_of_several_parts_is_not(tmp_path: Path) -> None:
    path = tmp_path / "m.avi"
    part = b"RIFF" + (8).to_bytes(4, "little") + b"AVI " + bytes(4)
    for content, verdict in (
        (part, False),
        (part + part, False),
        (part + b"RIFF" + bytes(4) + b"AVIX", True),
        (part + part[:-1], True),
        (part + b"JUNKJUNK", False),
    ):
        path.write_bytes(content)
        assert is_cut_short(path, "avi") is verdict


def test_bytes_after_the_end_are_no_cut(tmp_path: Path) -> None:
    for name, more in (("intra.avi", bytes(99)), ("header_first.mp4", bytes(99)), ("b_frames.mkv", bytes(99))):
        path = counting_movie(tmp_path / name, count=4, **KNOWN[name])
        path.write_bytes(path.read_bytes() + more)
        assert readable(path) == ([1, 2, 3, 4], ())


def test_a_movie_with_no_whole_picture_left_is_refused(tmp_path: Path) -> None:
    path = cut(counting_movie(tmp_path / "m.mkv", count=COUNT, **H264), 0.3)
    with pytest.raises(PlateUnreadable, match="it holds no whole picture"):
        opened(path)


def test_a_cut_movie_is_keyed_as_far_as_it_goes_and_its_lost_frames_are_holes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut(counting_movie(tmp_path / "green.mkv", count=12, **MJPEG), 0.75)
    waits: list[float] = []
    monkeypatch.setattr("service.pipeline.stages.time.sleep", waits.append)
    order = order_for(shot_from_plate(path), tmp_path / "out", screen=SCREEN)
    listener = Listener()
    limits = Limits(minimum_free_gib=0.0, retry_seconds=9.0, manifest_seconds=0.0)
    assert run(order, listener=listener, limits=limits).outcome == "incomplete"
    assert waits == [], "what is not in the file is not waited for"
    assert listener.of(ShotStarted)[0].frames == tuple(range(1, 13))
    failed = [result for result in manifest_of(order).frames if result.state is FrameState.FAILED]
    assert [result.frame for result in failed] == list(range(failed[0].frame, 13))
    assert all(result.problem and "cut short" in result.problem.message for result in failed)
    accepted = order_for(shot_from_plate(path), tmp_path / "accepted", screen=SCREEN, accept_gaps=True)
    assert run(accepted).outcome == "done"
    assert list(states(accepted)) == list(range(1, failed[0].frame))
    assert "not in the plate" in manifest_of(accepted).warnings[0]
