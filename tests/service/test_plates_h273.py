"""Every primaries, curve, matrix and range of ITU-T H.273, in movies and PNG, against the standards' formulas."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.service.movies_on_disk import format_of as movie_format
from tests.service.movies_on_disk import opened, write_movie
from tests.service.pictures_on_disk import format_of as picture_format
from tests.service.pictures_on_disk import read
from tests.service.tagged_pictures import cicp, png

D65, C, DCI, EQUAL = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351), (1 / 3, 1 / 3)

# x, y of red, green and blue, and white. Source: H.273 (2021), table 2, typed anew.
PRIMARIES: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65),
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    10: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), EQUAL),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}


def pq(v: float) -> float:
    root = v ** (1 / 78.84375)
    return float((max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125) * 10000 / 203)


def hlg(v: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = v * v / 3 if v <= 0.5 else (np.exp((v - c) / a) + b) / 12
    return float(scene / ((np.exp((0.75 - c) / a) + b) / 12))


# Source: H.273 (2021), table 3; video as displays show it (docs/color.md).
CURVES: dict[int, Callable[[float], float]] = {
    **dict.fromkeys((1, 6, 7, 11, 12, 14, 15), lambda v: v**2.4),
    4: lambda v: v**2.2,
    5: lambda v: v**2.8,
    8: lambda v: v,
    9: lambda v: 10 ** (2 * (v - 1)),
    10: lambda v: 10 ** (2.5 * (v - 1)),
    13: lambda v: v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4,
    16: pq,
    17: lambda v: 52.37 / 48 * v**2.6,
    18: hlg,
}
MATRICES = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
MATRICES |= {9: (0.2627, 0.0593)}
YCGCO = 8

RGB = np.array((0.62, 0.71, 0.35))


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    corners = np.array([(x, y, 1 - x - y) for x, y in primaries]).T
    white = corners[:, 3] / corners[1, 3]
    return corners[:, :3] * np.linalg.solve(corners[:, :3], white)


def expected(primaries: int, curve: int, rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear Rec.709: curve, primaries, and Bradford's adaptation of white, in float64."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    source, target = to_xyz(PRIMARIES[primaries]), to_xyz(PRIMARIES[1])
    gains = (bradford @ target.sum(axis=1)) / (bradford @ source.sum(axis=1))
    light = np.array([CURVES[curve](float(v)) for v in rgb])
    return np.linalg.inv(target) @ np.linalg.inv(bradford) @ np.diag(gains) @ bradford @ source @ light


@pytest.mark.parametrize("full", [1, 0])
def test_every_primaries_and_curve_in_a_png(tmp_path: Path, full: int) -> None:
    black, reach = (0, 65535) if full else (16 * 256, 219 * 256)
    codes = np.round(black + RGB * reach).astype(np.uint16)
    stored = (codes - float(black)) / reach
    for primaries, curve in itertools.product(PRIMARIES, CURVES):
        path = png(tmp_path / "a.png", np.full((2, 2, 3), codes), cicp(primaries, curve, full=full))
        found = read(path).color[0, 0]
        wanted = expected(primaries, curve, stored)
        assert found == pytest.approx(wanted, rel=2e-4, abs=2e-4), (primaries, curve)


def numbers(matrix: int, full: bool, bits: int) -> list[int]:
    """Y, Cb and Cr of RGB. Source: H.273 (2021), equations 20 to 50."""
    if matrix == YCGCO:
        luma = 0.5 * RGB[1] + 0.25 * (RGB[0] + RGB[2])
        blue, red = 0.5 * RGB[1] - 0.25 * (RGB[0] + RGB[2]), 0.5 * (RGB[0] - RGB[2])
    else:
        kr, kb = MATRICES[matrix]
        luma = kr * RGB[0] + (1 - kr - kb) * RGB[1] + kb * RGB[2]
        blue, red = (RGB[2] - luma) / (2 * (1 - kb)), (RGB[0] - luma) / (2 * (1 - kr))
    most, step = (1 << bits) - 1, 1 << (bits - 8)
    scales = (most, most, most) if full else (219 * step, 224 * step, 224 * step)
    starts = (0, 128 * step, 128 * step) if full else (16 * step, 128 * step, 128 * step)
    return [round(start + scale * v) for start, scale, v in zip(starts, scales, (luma, blue, red), strict=True)]


class Movies:
    """Movies of one color, tagged by patching Matroska's element or MP4's box: FFV1 has no tags of its own."""

    BITS = 16
    IDS: ClassVar = {
        "matrix": b"\x55\xb1\x81",
        "range": b"\x55\xb9\x81",
        "curve": b"\x55\xba\x81",
        "primaries": b"\x55\xbb\x81",
    }

    def __init__(self, folder: Path, kind: str = "mkv") -> None:
        self._folder, self._kind = folder, kind
        self._written: dict[tuple[int, bool], bytes] = {}

    def make(self, primaries: int, curve: int, matrix: int, full: bool) -> Path:
        key = (matrix, full)
        if key not in self._written:
            self._written[key] = self._write(*key)
        path = self._folder / f"m.{self._kind}"
        path.write_bytes(self._tagged(self._written[key], primaries, curve, matrix, full))
        return path

    def _tagged(self, content: bytes, primaries: int, curve: int, matrix: int, full: bool) -> bytes:
        if self._kind == "mp4":  # the box that HEIF and AVIF stills have too (ISO/IEC 14496-12, 12.1.5)
            before, mark, after = content.partition(b"colrnclx")
            assert mark
            return before + mark + bytes((0, primaries, 0, curve, 0, matrix, full << 7)) + after[7:]
        tags = {"matrix": matrix, "range": 2 if full else 1, "curve": curve, "primaries": primaries}
        for name, number in tags.items():
            before, mark, after = content.partition(self.IDS[name])
            assert mark, name
            content = before + mark + bytes((number,)) + after[1:]
        return content

    def _write(self, matrix: int, full: bool) -> bytes:
        planes = [np.full((8, 8), number, np.uint16) for number in numbers(matrix, full, self.BITS)]

        def tag(context: Any) -> None:
            context.colorspace, context.color_range, context.color_trc, context.color_primaries = 1, 1, 1, 1

        path = write_movie(self._folder / f"w.{self._kind}", [planes], "ffv1", "yuv444p16le", tag=tag)
        return path.read_bytes()


def check(movies: Movies, primaries: int, curve: int, matrix: int, full: bool) -> None:
    with opened(movies.make(primaries, curve, matrix, full)) as plate:
        found = plate.read(1).color[4, 4]
    wanted = expected(primaries, curve, RGB)
    assert found == pytest.approx(wanted, rel=1e-3, abs=1e-3), (primaries, curve, matrix, full)


@pytest.mark.parametrize("kind", ["mkv", "mp4"])
def test_every_primaries_and_every_curve_in_a_movie_and_the_same_encoding_in_a_png(tmp_path: Path, kind: str) -> None:
    movies = Movies(tmp_path, kind)
    codes = np.full((2, 2, 3), 30000, np.uint16)
    for primaries, curve in [*((number, 13) for number in PRIMARIES), *((1, number) for number in CURVES)]:
        check(movies, primaries, curve, 1, full=False)
        in_png = picture_format(png(tmp_path / "a.png", codes, cicp(primaries, curve))).encoding
        assert movie_format(tmp_path / f"m.{kind}").encoding == in_png


@pytest.mark.parametrize("kind", ["mkv", "mp4"])
def test_every_matrix_and_range_in_a_movie(tmp_path: Path, kind: str) -> None:
    movies = Movies(tmp_path, kind)
    for matrix, full in itertools.product((*MATRICES, YCGCO), (False, True)):
        check(movies, 1, 13, matrix, full)
        check(movies, 9, 16, matrix, full)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_of_them_together(tmp_path: Path) -> None:
    movies = Movies(tmp_path)
    for tags in itertools.product(PRIMARIES, CURVES, (*MATRICES, YCGCO), (False, True)):
        check(movies, *tags)
