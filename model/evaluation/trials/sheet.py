"""Lays trials under each other in one picture: plate, alpha, true alpha, and the foreground on grey."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.evaluation.metrics import display
from model.evaluation.sets import Picture
from model.evaluation.sheets import GREY
from model.evaluation.trials import lettering
from model.evaluation.trials.shoot import Taken
from model.evaluation.trials.trial import FIGURES, Trial, Verdict

TILE = (128, 228)
GAP = 4
BAND = 17
COLUMNS = ("plate", "alpha", "true alpha", "foreground on grey")
PAPER = 26


def contact_sheet(rows: Sequence[tuple[Trial, Taken, Verdict]], keyer: str) -> NDArray[np.uint8]:
    """Return one display picture (H, W, 3) with a labelled row for each trial."""
    width = len(COLUMNS) * (TILE[1] + GAP) + GAP
    head = _band(width)
    for index, title in enumerate(COLUMNS):
        by = f" of {keyer}" if title == "alpha" else ""
        lettering.write(head, GAP + index * (TILE[1] + GAP), 5, title + by, 150)
    return np.concatenate([head, *(_row(trial, taken, verdict, width) for trial, taken, verdict in rows)])


def _row(trial: Trial, taken: Taken, verdict: Verdict, width: int) -> NDArray[np.uint8]:
    example, keyed = taken.example, verdict.keyed
    over_grey = keyed.foreground * keyed.alpha[..., None] + GREY * (1.0 - keyed.alpha[..., None])
    pictures: list[Picture | None] = [example.plate, keyed.alpha, example.alpha, over_grey]
    if verdict.refused:
        pictures[1] = pictures[3] = None
    band = _band(width)
    lettering.write(band, GAP, 6, trial.name)
    lettering.write(
        band, GAP + TILE[1] + GAP, 6, "refused: no screen was found" if verdict.refused else _said(verdict), 150
    )
    row = np.full((TILE[0] + GAP, width, 3), PAPER, np.uint8)
    for index, picture in enumerate(pictures):
        left = GAP + index * (TILE[1] + GAP)
        row[: TILE[0], left : left + TILE[1]] = PAPER // 2 if picture is None else _tile(picture)
    return np.concatenate([band, row])


def _said(verdict: Verdict) -> str:
    return " · ".join(f"{FIGURES[key].label} {value:.1f}" for key, value in verdict.figures.items())


def _tile(picture: Picture) -> NDArray[np.uint8]:
    """Shrink a picture to a tile: colors in linear light, then encoded; alpha as it is."""
    height, width = picture.shape[:2]
    blurred = ndimage.uniform_filter(
        picture, (height / TILE[0] + 0.5, width / TILE[1] + 0.5) + (1,) * (picture.ndim - 2)
    )
    rows = ((np.arange(TILE[0]) + 0.5) * height / TILE[0]).astype(int)
    columns = ((np.arange(TILE[1]) + 0.5) * width / TILE[1]).astype(int)
    small = blurred[rows][:, columns]
    shown = display(small) if picture.ndim == 3 else np.repeat(np.clip(small, 0, 1)[..., None], 3, axis=-1)
    return np.asarray(np.rint(shown * 255.0).astype(np.uint8))


def _band(width: int) -> NDArray[np.uint8]:
    return np.full((BAND, width, 3), PAPER, np.uint8)
