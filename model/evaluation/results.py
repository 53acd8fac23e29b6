"""What a score consists of: figures per picture, rows per contender and set, and the report that holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Figure:
    """One column of the tables."""

    key: str
    label: str
    scale: float
    meaning: str
    in_terminal: bool = True  # False: the page alone shows it, for the terminal's table has no more room (160 letters)
    counted: bool = False  # 1 or 0 for each picture: tables show how many of how many


ALPHA_FIGURES = (
    Figure("mad", "MAD", 1e3, "mean |alpha − truth|, whole picture, ×1e3"),
    Figure("mse", "MSE", 1e3, "mean squared error of alpha, whole picture, ×1e3"),
    Figure("sad", "SAD", 1.0, "sum of |alpha − truth| / 1000"),
    Figure("gradient", "Grad", 1.0, "Σ (difference of gradient magnitudes)² / 1000, σ 1.4 (Rhemann 2009)"),
    Figure("connectivity", "Conn", 1.0, "connectivity error / 1000, step 0.1 (Rhemann 2009)"),
    Figure("edge_mad", "edge", 1e3, "MAD in the edge band: 0.01 < truth < 0.99, dilated by 5 × 5, ×1e3"),
    Figure("edge_mse", "edge MSE", 1e3, "MSE in the edge band, ×1e3"),
    Figure("edge_sad", "edge SAD", 1.0, "SAD in the edge band, / 1000", in_terminal=False),
    Figure("edge_gradient", "edge Grad", 1.0, "Grad in the edge band, / 1000", in_terminal=False),
    Figure("edge_connectivity", "edge Conn", 1.0, "Conn in the edge band, / 1000", in_terminal=False),
    Figure("core", "core", 1e3, "mean (1 − alpha) where truth ≥ 0.999, ×1e3"),
    Figure("screen", "screen", 1e3, "mean alpha where truth ≤ 0.001, ×1e3"),
    Figure("foreground", "F", 1e3, "mean |foreground − truth|, linear light, where true alpha > 0.02, ×1e3"),
    Figure("foreground_display", "F MSE", 1e3, "MSE of the sRGB-encoded foreground, where true alpha > 0.02, ×1e3"),
    Figure(
        "recomposition",
        "rec",
        1e3,
        "mean |composite − true composite| over four backgrounds, linear light, the plate's grain in the core, ×1e3",
    ),
    Figure("spill", "spill", 1e3, "excess of the screen's primary in the foreground beyond the truth's, ×1e3"),
    Figure("markers", "markers", 1e3, "mean alpha on bare tracking markers, ×1e3"),
    Figure("dtssd", "dtSSD", 1.0, "root mean squared error of alpha's change over time, ×100"),
    Figure(
        "dtssd_n",
        "dtSSD-n",
        100.0,
        "dtSSD-n: dtSSD in per cent of a frozen matte's, which never changes",
        in_terminal=False,
    ),
    Figure(
        "frozen",
        "frozen matte",
        1.0,
        "dtSSD of a matte that never changes: the control, which must not win",
        in_terminal=False,
    ),
)
REGION_FIGURES = (
    Figure(
        "to_touch",
        "to touch",
        1.0,
        "frames an artist must touch: more than 1 % of the pixels wrong where all must go, 0.2 % where all must stay",
        counted=True,
    ),
    Figure("outside_share", "outside", 1e3, "share of pixels with alpha > 0.02 where all must go, ×1e3"),
    Figure("inside_share", "inside", 1e3, "share of pixels with alpha < 0.98 where all must stay, ×1e3"),
    Figure("outside", "outside, mean", 1e3, "mean alpha where all must go, ×1e3", in_terminal=False),
    Figure("inside", "inside, mean", 1e3, "mean (1 − alpha) where all must stay, ×1e3", in_terminal=False),
    Figure("screen", "screen", 1e3, "mean alpha in sure screen, mean of the rectangles, ×1e3"),
    Figure("background_not_screen", "markers, set", 1e3, "mean alpha on markers, stands and set, ×1e3"),
    Figure("subject", "subject", 1e3, "mean (1 − alpha) in the sure subject, ×1e3"),
    Figure("subject_near_key", "near key", 1e3, "mean (1 − alpha) in subject colors near the screen's, ×1e3"),
    Figure("flicker_screen", "flicker, screen", 1e3, "movies: mean |alpha − next frame's alpha| in sure screen, ×1e3"),
    Figure("flicker_subject", "flicker, subject", 1e3, "movies: the same in the sure subject, ×1e3"),
)


@dataclass(frozen=True)
class PictureResult:
    """The figures of one picture; ``refused`` says why the keyer would not key it, or broke down."""

    name: str
    figures: dict[str, float]  # NaN: cannot be measured on this picture
    seconds: float
    refused: str = ""


@dataclass(frozen=True)
class Sheet:
    """Small display pictures of one result, (H, W, 3) uint8; ``error`` is None where no truth is known."""

    name: str
    plate: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    foreground: NDArray[np.uint8]  # over mid grey
    error: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Row:
    """One contender on one set; ``note`` says why there are no results, or what was reduced."""

    keyer: str
    about: str
    set_name: str
    results: tuple[PictureResult, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    note: str = ""

    def mean(self, key: str) -> float:
        """Mean of one figure over the pictures where it could be measured, unscaled; NaN where it never could."""
        values = [result.figures[key] for result in self.results if not math.isnan(result.figures.get(key, math.nan))]
        return sum(values) / len(values) if values else math.nan

    def count(self, key: str) -> tuple[int, int]:
        """How many pictures have this figure, and how many could be judged by it."""
        values = [result.figures[key] for result in self.results if not math.isnan(result.figures.get(key, math.nan))]
        return round(sum(values)), len(values)

    @property
    def seconds(self) -> float:
        """Mean seconds of keying one picture; NaN without results."""
        times = [result.seconds for result in self.results]
        return sum(times) / len(times) if times else math.nan

    @property
    def refusals(self) -> int:
        """How many pictures the contender refused or broke down on; they count as alpha 1 everywhere."""
        return sum(bool(result.refused) for result in self.results)


@dataclass(frozen=True)
class Report:
    """All rows of one evaluation, what the sets are, and which of them were missing."""

    rows: tuple[Row, ...]
    sets: tuple[tuple[str, str], ...]  # name, what it is
    missing: tuple[str, ...]  # "set: why"
    quick: bool

    def row(self, keyer: str, set_name: str) -> Row:
        """Return one row; raises KeyError where there is none."""
        for row in self.rows:
            if (row.keyer, row.set_name) == (keyer, set_name):
                return row
        raise KeyError((keyer, set_name))


def figures_of(row: Row) -> tuple[Figure, ...]:
    """Columns that fit a row's kind of set."""
    measured = {key for result in row.results for key in result.figures}
    return ALPHA_FIGURES if "mad" in measured or not measured else REGION_FIGURES
