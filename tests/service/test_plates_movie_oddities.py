"""Movies as phones and tape machines make them: turned, mirrored, anamorphic, interlaced, uneven, of two sizes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from service.errors import PlateMismatch
from service.shots import shot_from_plate
from tests.service.movies_on_disk import (
    LOSSLESS,
    counting_movie,
    format_of,
    grey,
    number_in,
    numbered,
    opened,
    video_frame,
    write_movie,
)
from tests.service.pipeline_runs import manifest_of, run
from tests.service.shots_on_disk import order_for

SCREEN = {"color": (0, 1, 0), "coverage": 0.5}


def marked(path: Path, change: Callable[[Any], None]) -> Path:
    """A movie with a light corner at the top left, whose stream was changed by ``change`` before it was encoded."""
    luma = np.full((96, 128), 50, np.uint8)
    luma[:24, :32] = 200
    with av.open(str(path), "w", format="mpegts" if path.suffix == ".mts" else None) as file:
        stream = file.add_stream("libx264", rate=24, options=LOSSLESS["libx264"])
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        change(stream)
        file.mux(stream.encode(video_frame([luma, *grey(128, 96)], "yuv420p")))
        file.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("degrees", "hflip", "vflip", "corner"),
    [
        (0, True, False, (0, -1)),
        (0, False, True, (-1, 0)),
        (180, True, False, (-1, 0)),
        (90, True, False, (-1, -1)),
        (270, True, False, (0, 0)),
    ],
)
def test_a_mirrored_movie_is_shown_as_its_file_says(
    tmp_path: Path, degrees: int, hflip: bool, vflip: bool, corner: tuple[int, int]
) -> None:
    path = marked(tmp_path / "m.mov", lambda stream: stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip))
    with opened(path, plate_alpha="garbage") as plate:
        picture = plate.read(1).color[..., 1]
        assert picture.shape == (plate.format.height, plate.format.width)
        assert not plate.format.warnings
    assert picture.shape == ((128, 96) if degrees % 180 else (96, 128))
    assert picture[corner] > 0.3 and picture.mean() < 0.1


def test_a_turn_by_less_than_a_quarter_is_told_and_not_applied(tmp_path: Path) -> None:
    path = marked(tmp_path / "m.mov", lambda stream: stream.set_display_rotation(30))
    with opened(path) as plate:
        assert plate.format.warnings == ("The movie asks to be turned by 30°; only quarter turns are applied.",)
        assert plate.read(1).color[0, 0, 1] > 0.3


@pytest.mark.parametrize("degrees", [0, 90])
@pytest.mark.parametrize("name", ["m.mov", "m.mp4", "m.mkv"])
def test_pixels_that_are_not_square_keep_their_shape(tmp_path: Path, name: str, degrees: int) -> None:
    def anamorphic(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(degrees)

    found = format_of(marked(tmp_path / name, anamorphic))
    assert found.pixel_aspect_ratio == pytest.approx(3 / 4 if degrees else 4 / 3)


def test_an_interlaced_movie_is_told(tmp_path: Path) -> None:
    options = {"crf": "18", "x264-params": "tff=1"}
    path = counting_movie(tmp_path / "m.mov", "libx264", "yuv420p", 3, options=options)
    (warning,) = format_of(path).warnings
    assert "interlaced" in warning and "Deinterlace" in warning


def uneven(path: Path) -> Path:
    """30 pictures of which every third stays twice as long, as a phone in the dark makes them."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        time = 0
        for number in range(30):
            frame = video_frame([numbered(number, 128, 96), *grey(128, 96)], "yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 600)
            time += 20 if number % 3 else 40
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def test_a_variable_frame_rate_is_told_in_the_manifest_and_every_picture_is_a_frame(tmp_path: Path) -> None:
    path = uneven(tmp_path / "m.mp4")
    with opened(path) as plate:
        assert [number_in(plate.read(frame).color) for frame in plate.format.frames] == list(range(30))
    order = order_for(shot_from_plate(path), tmp_path / "out", frames=(1, 2), screen=SCREEN)
    assert run(order).outcome == "done"
    assert any("variable frame rate" in warning for warning in manifest_of(order).warnings)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
@pytest.mark.parametrize("name", ["m.mp4", "m.mkv", "m.mts"])
def test_a_constant_rate_is_not_taken_for_a_variable_one(tmp_path: Path, name: str, rate: Fraction) -> None:
    path = counting_movie(tmp_path / name, "libx264", "yuv420p", options={"bf": "2"}, rate=rate)
    assert not format_of(path).warnings


def test_where_a_movie_changes_its_size_the_pictures_of_another_one_fail_by_name(tmp_path: Path) -> None:
    small = counting_movie(tmp_path / "a.mts", "libx264", "yuv420p", 12)
    large = [[numbered(number, 256, 128), *grey(256, 128)] for number in range(12)]
    write_movie(tmp_path / "b.mts", large, "libx264", "yuv420p", first_pts=12)
    both = tmp_path / "both.mts"
    both.write_bytes(small.read_bytes() + (tmp_path / "b.mts").read_bytes())
    with opened(both) as plate:
        assert len(plate.format.frames) == 24
        for frame in range(1, 13):
            assert number_in(plate.read(frame).color) == frame - 1
        with pytest.raises(PlateMismatch, match="both frame 13: It is 256 × 128 pixels; the movie began with 128 × 96"):
            plate.read(13)
