"""The loss of a run as a table (CSV) and as a picture (PNG)."""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.data.codecs import write_png

Canvas = NDArray[np.uint8]

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 704, 32, 360
_INK, _GRID, _FAINT, _BLUE, _RED = (40, 40, 40), (225, 225, 225), (190, 205, 230), (30, 80, 170), (200, 60, 40)


@dataclass(frozen=True)
class Row:
    """One step: its loss, the loss's terms, and alpha's mean error on held-out shots where it was measured."""

    step: int
    loss: float
    terms: dict[str, float]
    validation: float | None = None


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the table, whole or not at all; every number in full."""
    names = list(rows[0].terms) if rows else []
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", *names, "validation_mad"])
        for row in rows:
            error = "" if row.validation is None else repr(row.validation)
            writer.writerow([row.step, repr(row.loss), *(repr(row.terms[name]) for name in names), error])
    temporary.replace(path)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a table; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    fixed = {"step", "loss", "validation_mad"}
    return [
        Row(
            int(line["step"]),
            float(line["loss"]),
            {name: float(value) for name, value in line.items() if name not in fixed},
            float(line["validation_mad"]) if line["validation_mad"] else None,
        )
        for line in lines
    ]


def write_curve(path: Path, rows: Sequence[Row]) -> None:
    """Draw the table: loss faint, its moving mean blue, the error on held-out shots red; logarithmic upward."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp.png")
    write_png(temporary, draw_curve(rows))
    temporary.replace(path)


def draw_curve(rows: Sequence[Row]) -> Canvas:
    """Return the picture (400, 720, 3)."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    losses = np.array([row.loss for row in rows])
    measured = [(row.step + 1, row.validation) for row in rows if row.validation is not None]
    values = np.concatenate([losses, [error for _, error in measured]])
    low, high = _decades(values)
    last = max(rows[-1].step + 1, 1)

    def place(step: float, value: float) -> tuple[float, float]:
        share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return _LEFT + (_RIGHT - _LEFT) * step / last, _BOTTOM - (_BOTTOM - _TOP) * share

    _axes(canvas, low, high, last)
    steps = [row.step + 1 for row in rows]
    _line(canvas, [place(s, v) for s, v in zip(steps, losses, strict=True)], _FAINT, 1)
    _line(canvas, [place(s, v) for s, v in zip(steps, _smoothed(losses), strict=True)], _BLUE, 2)
    _line(canvas, [place(s, v) for s, v in measured], _RED, 2)
    _text(canvas, _LEFT, 10, "loss", _BLUE)
    _text(canvas, _LEFT + 56, 10, "validation mad", _RED)
    return canvas


def _decades(values: NDArray[np.float64]) -> tuple[float, float]:
    sound = values[values > 0]
    if not len(sound):
        return 0.1, 1.0
    low, high = float(np.floor(np.log10(sound.min()))), float(np.ceil(np.log10(sound.max())))
    return 10.0**low, 10.0 ** max(high, low + 1)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last hundredth of the run, at least 10 steps."""
    span = max(10, len(values) // 100)
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - span)
    return np.asarray((total[ends] - total[starts]) / (ends - starts))


def _axes(canvas: Canvas, low: float, high: float, last: int) -> None:
    for decade in range(round(math.log10(low)), round(math.log10(high)) + 1):
        share = (decade - math.log10(low)) / (math.log10(high) - math.log10(low))
        row = round(_BOTTOM - (_BOTTOM - _TOP) * share)
        canvas[row, _LEFT:_RIGHT] = _GRID
        _text(canvas, 8, row - 5, f"{10.0**decade:g}", _INK)
    for quarter in range(5):
        column = round(_LEFT + (_RIGHT - _LEFT) * quarter / 4)
        canvas[_TOP:_BOTTOM, min(column, _RIGHT - 1)] = _GRID
        label = str(round(last * quarter / 4))
        _text(canvas, column - 4 * len(label), _BOTTOM + 10, label, _INK)
    canvas[_BOTTOM, _LEFT:_RIGHT] = _INK
    canvas[_TOP:_BOTTOM, _LEFT] = _INK


def _line(canvas: Canvas, points: Sequence[tuple[float, float]], color: tuple[int, int, int], thick: int) -> None:
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        count = int(max(abs(x1 - x0), abs(y1 - y0))) + 2
        columns = np.linspace(x0, x1, count).round().astype(int)
        rows = np.linspace(y0, y1, count).round().astype(int)
        for shift in range(thick):
            canvas[np.clip(rows + shift, 0, _HEIGHT - 1), np.clip(columns, 0, _WIDTH - 1)] = color


# Three dots wide, five high, as bits row by row: labels need no more, and no font is sure to be on a machine.
_SIGNS = {
    "0": 0b111101101101111, "1": 0b010110010010111, "2": 0b111001111100111, "3": 0b111001111001111,
    "4": 0b101101111001001, "5": 0b111100111001111, "6": 0b111100111101111, "7": 0b111001010010010,
    "8": 0b111101111101111, "9": 0b111101111001111, ".": 0b000000000000010, "-": 0b000000111000000,
    "e": 0b111100110100111, "l": 0b100100100100111, "o": 0b111101101101111, "s": 0b111100111001111,
    "v": 0b101101101101010, "a": 0b010101111101101, "i": 0b111010010010111, "d": 0b110101101101110,
    "t": 0b111010010010010, "n": 0b110101101101101, "m": 0b101111111101101, " ": 0,
}  # fmt: skip


def _text(canvas: Canvas, left: int, top: int, text: str, color: tuple[int, int, int]) -> None:
    for index, sign in enumerate(text):
        bits = _SIGNS[sign]
        for dot in range(15):
            if bits >> (14 - dot) & 1:
                row, column = top + 2 * (dot // 3), left + 8 * index + 2 * (dot % 3)
                canvas[row : row + 2, column : column + 2] = color
