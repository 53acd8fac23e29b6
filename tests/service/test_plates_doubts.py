"""Tags of movies that cannot be: what is done, what is told, and how to insist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.plates.doubts import DOUBTS
from service.plates.planes import YuvReading, frame_to_rgb
from service.plates.tagged import MovieTags, choose_movie_encoding
from tests.service.movies_on_disk import LOSSLESS, format_of, opened, video_frame, write_movie

DOCS = Path(__file__).parents[2] / "docs" / "color.md"
SCREEN = np.array((48, 170, 66)) / 255


def levels(rgb: NDArray[np.float64], kr: float, kb: float, bits: int = 8, full: bool = False) -> tuple[int, int, int]:
    """Y, Cb and Cr of a color by the definition of the matrix."""
    luma = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    blue, red = (rgb[2] - luma) / (2 * (1 - kb)), (rgb[0] - luma) / (2 * (1 - kr))
    step = 1 << (bits - 8)
    if full:
        most = (1 << bits) - 1
        return round(luma * most), round(blue * most + 128 * step), round(red * most + 128 * step)
    return round((16 + 219 * luma) * step), round((128 + 224 * blue) * step), round((128 + 224 * red) * step)


def movie(path: Path, numbers: tuple[int, int, int], pixel_format: str = "yuv420p", **tags: int) -> Path:
    """Two pictures of one color with a darker stripe, 64 × 48, tagged as told."""
    kind = np.uint16 if "10" in pixel_format else np.uint8
    size = (24, 32) if "420" in pixel_format else (48, 32) if "422" in pixel_format else (48, 64)
    luma = np.full((48, 64), numbers[0], kind)
    luma[:, :8] = abs(numbers[0] - 10)
    planes = [luma, *(np.full(size, number, kind) for number in numbers[1:])]

    def tag(context: Any) -> None:
        for name, value in tags.items():
            setattr(context, name, value)

    codec = "prores_ks" if path.suffix == ".mov" else "libx264"
    options = {"profile": "hq", "qscale": "1"} if codec == "prores_ks" else LOSSLESS["libx264"]
    return write_movie(path, [planes, planes], codec, pixel_format, options=options, tag=tag)


def light(path: Path, **settings: Any) -> NDArray[np.float32]:
    with opened(path, **settings) as plate:
        return plate.read(1).color[24, 40]


def doubts_about(path: Path, **settings: Any) -> list[str]:
    with opened(path, **settings) as plate:
        plate.watch(plate.format.frames)
        return [*plate.format.warnings, *plate.doubts()]


REC709, REC601 = (0.2126, 0.0722), (0.299, 0.114)


@pytest.mark.parametrize("curve", [8, 9, 10])
def test_linear_or_logarithmic_video_of_eight_bits_is_taken_as_rec709_and_told(tmp_path: Path, curve: int) -> None:
    path = movie(tmp_path / "m.mp4", levels(SCREEN, *REC709), color_primaries=1, color_trc=curve, colorspace=1)
    assert light(path) == pytest.approx(SCREEN**2.4, abs=0.006)
    assert format_of(path).encoding == "rec709"
    told = doubts_about(path)
    assert len(told) == 1
    insist = told[0].rpartition("set encoding to ")[2].rstrip(".")
    assert format_of(path, encoding=insist).encoding == {8: "linear", 9: "log100", 10: "log316"}[curve]
    assert not doubts_about(path, encoding=insist)


def test_linear_video_of_ten_bits_is_honored(tmp_path: Path) -> None:
    numbers = levels(SCREEN, *REC709, bits=10)
    path = movie(tmp_path / "m.mov", numbers, "yuv422p10le", color_primaries=1, color_trc=8, colorspace=1)
    assert format_of(path).encoding == "linear"


def test_pq_with_eight_bits_and_the_matrix_of_rec709_is_honored_and_doubted(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.mp4", levels(SCREEN, *REC709), color_primaries=9, color_trc=16, colorspace=1)
    assert format_of(path).encoding == "pq"
    assert "8 bits and the matrix of Rec.709" in doubts_about(path)[0]


@pytest.mark.parametrize(
    ("tags", "weights", "named"),
    [
        ({"color_primaries": 1}, REC709, "Rec.709"),
        ({"color_primaries": 5}, REC601, "Rec.601"),
        ({}, REC601, "Rec.601"),  # by its size
    ],
)
def test_the_matrix_of_rgb_on_yuv_is_told_and_another_taken(
    tmp_path: Path, tags: dict[str, int], weights: tuple[float, float], named: str
) -> None:
    path = movie(tmp_path / "m.mp4", levels(SCREEN, *weights), colorspace=0, color_trc=1, **tags)
    assert light(path, encoding="rec709") == pytest.approx(SCREEN**2.4, abs=0.006)
    assert f"matrix 0 is impossible for its pixels (YUV): {named}" in doubts_about(path)[0]
    assert not doubts_about(path, matrix="rec709")


def test_a_frame_without_a_matrix_takes_that_of_its_container(tmp_path: Path) -> None:
    """ProRes tags each frame as well; with 0 there, the container's word counts, whatever the size."""
    numbers = levels(SCREEN, *REC709, bits=10)
    path = movie(tmp_path / "m.mov", numbers, "yuv422p10le", color_primaries=1, color_trc=1, colorspace=1)
    before, *frames = path.read_bytes().split(b"icpf")
    # RDD 36, 5.1.1: primaries, curve and matrix are bytes 14 to 16 of a frame's header.
    path.write_bytes(b"icpf".join([before, *(frame[:14] + b"\0\0\0" + frame[17:] for frame in frames)]))
    assert light(path) == pytest.approx(SCREEN**2.4, abs=0.01)
    assert "Rec.709 is used instead" in doubts_about(path)[0]


def test_an_artist_may_insist_on_matrix_and_range(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.mp4", levels(SCREEN, *REC709, full=True), color_primaries=1, color_trc=1, colorspace=6)
    assert light(path, matrix="rec709", range="full") == pytest.approx(SCREEN**2.4, abs=0.006)
    assert light(path) != pytest.approx(SCREEN**2.4, abs=0.02)


def test_a_full_range_that_is_not_used_is_told_and_so_is_a_limited_one_that_is_exceeded(tmp_path: Path) -> None:
    green = levels(SCREEN, *REC709)
    full = movie(tmp_path / "full.mp4", green, color_primaries=1, color_trc=1, colorspace=1, color_range=2)
    assert "within 16 to 235" in doubts_about(full)[0]
    assert not doubts_about(full, range="full")
    assert light(full, range="limited") == pytest.approx(SCREEN**2.4, abs=0.006)

    black = levels(np.zeros(3), *REC709, full=True)
    limited = movie(tmp_path / "limited.mp4", black, color_primaries=1, color_trc=1, colorspace=1, color_range=1)
    assert "beyond 16 to 235" in doubts_about(limited)[0]
    assert light(limited) == pytest.approx([-((16 / 219) ** 2.4)] * 3, abs=1e-4)
    assert not doubts_about(limited, range="limited")

    right = movie(tmp_path / "right.mp4", green, color_primaries=1, color_trc=1, colorspace=1, color_range=1)
    assert not doubts_about(right)


def test_primaries_of_a_movie_are_converted_whatever_its_curve(tmp_path: Path) -> None:
    """P3 with the curve of Rec.709, as exporters of phones' footage write it."""
    numbers = levels(np.array((0.7, 0.3, 0.2)), *REC709)
    path = movie(tmp_path / "m.mp4", numbers, color_primaries=12, color_trc=1, colorspace=1)
    # P3-D65 to Rec.709. Source: SMPTE EG 432-1 and BT.709, computed with colour-science.
    matrix = np.array(((1.2249, -0.2247, 0), (-0.0420, 1.0419, 0), (-0.0197, -0.0786, 1.0979)))
    assert light(path) == pytest.approx(matrix @ np.array((0.7, 0.3, 0.2)) ** 2.4, abs=0.006)
    assert format_of(path).encoding_reason == "the movie's tags: primaries 12 (P3 D65), curve 1 (BT.709)"


def test_tags_without_a_meaning_are_ignored_and_told() -> None:
    chosen = choose_movie_encoding("auto", MovieTags(primaries=77, curve=3, matrix=1, bits=8, is_rgb=False))
    assert chosen.encoding == "rec709"
    assert "primaries 77, curve 3" in chosen.warnings[0]


def test_a_picture_tagged_otherwise_than_its_movie_is_told(tmp_path: Path) -> None:
    numbers = levels(SCREEN, *REC709, bits=10)
    path = movie(tmp_path / "m.mov", numbers, "yuv422p10le", color_primaries=1, color_trc=1, colorspace=1)
    content = path.read_bytes()
    at = content.rindex(b"icpf") + 18
    path.write_bytes(content[:at] + b"\x09\x10\x09" + content[at + 3 :])
    with opened(path) as plate:
        assert not plate.read(1).notes
        assert "PQ" in plate.read(2).notes[0]


def test_ycgco_and_a_matrix_that_follows_from_the_primaries_are_read() -> None:
    rgb = np.array((0.2, 0.7, 0.3))
    green, orange = 0.5 * rgb[1] - 0.25 * (rgb[0] + rgb[2]), 0.5 * (rgb[0] - rgb[2])  # H.273, equations 44 to 47
    luma = 0.5 * rgb[1] + 0.25 * (rgb[0] + rgb[2])
    numbers = (16 + 219 * luma, 128 + 224 * green, 128 + 224 * orange)
    planes = [np.full((8, 8), round(number), np.uint8) for number in numbers]
    frame = video_frame(planes, "yuv444p")
    frame.colorspace = 8
    assert frame_to_rgb(frame)[0, 0] == pytest.approx(rgb, abs=0.006)
    insisted = frame_to_rgb(video_frame(planes, "yuv444p"), YuvReading(matrix="ycgco"))
    assert insisted[0, 0] == pytest.approx(rgb, abs=0.006)


# ---- the table


def test_every_doubt_is_a_row_of_the_table_in_the_docs_and_no_row_is_left_over() -> None:
    page = DOCS.read_text(encoding="utf-8")
    table = page.partition("## Doubts")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)) == set(DOUBTS)


def test_every_doubt_says_how_to_insist_or_what_to_do() -> None:
    for name, sentence in DOUBTS.items():
        assert re.search(r"set (encoding|matrix|range)|render it again", sentence), name
        assert sentence.endswith("."), name
