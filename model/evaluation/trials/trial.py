"""What a trial is: a picture, the figures that it is judged by, and the verdict on what a keyer made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from model.errors import NoScreenError
from model.evaluation import metrics
from model.evaluation.contenders import Contender, Keyed
from model.evaluation.results import Figure
from model.evaluation.run import GLOW_FROM, composite_error
from model.evaluation.trials.measures import highlight_error, hue_error, residue
from model.evaluation.trials.shoot import Taken

FIGURES = {
    figure.key: figure
    for figure in (
        Figure("mad", "MAD", 1e3, "mean |alpha − truth|, whole picture, ×1e3"),
        Figure("spill", "spill", 1e3, "excess of the screen's primary in the foreground beyond the truth's, ×1e3"),
        Figure("rec", "rec", 1e3, "mean |composite − true composite| over four backgrounds, linear light, ×1e3"),
        Figure("core", "core", 1e3, "mean (1 − alpha) where truth ≥ 0.999, ×1e3"),
        Figure("hue", "hue", 1.0, "mean angle between answer's and gel's hue where it is half-transparent, degrees"),
        Figure("screen", "screen", 1e3, "mean alpha on the bare screen, ×1e3"),
        Figure("markers", "markers", 1e3, "mean alpha on bare markers, ×1e3"),
        Figure("set", "set", 1e3, "mean alpha on the bare room and stands, ×1e3"),
        Figure(
            "highlights", "highlights", 1e3, "Σ |alpha · foreground − plate| / Σ plate on opaque light above 2, ×1e3"
        ),
        Figure(
            "keyed", "keyed", 1.0, "1 where a plate without a screen was keyed all the same, 0 where it was refused"
        ),
    )
}


@dataclass(frozen=True)
class Trial:
    """One hard case: a picture with exact truth, and what is measured on it."""

    name: str
    sentence: str  # what it shows
    take: Callable[[bool], Taken]  # recorded → picture; not recorded, the plate stays noiseless
    figures: tuple[str, ...]  # keys of FIGURES
    has_screen: bool = True

    def make(self, *, recorded: bool = True) -> Taken:
        """Make the picture: the same bits every time on one kind of machine."""
        return self.take(recorded)


@dataclass(frozen=True)
class Verdict:
    """What a keyer reached in one trial, in the units of FIGURES."""

    trial: str
    figures: dict[str, float]
    keyed: Keyed
    refused: str = ""  # the keyer's sentence, where it found no screen

    def faults(self, bounds: Mapping[str, float]) -> list[str]:
        """Return a sentence for each bound that is broken; a figure that cannot be measured breaks it."""
        sentences = []
        for key, bound in bounds.items():
            value = self.figures.get(key, math.nan)
            if not value <= bound:
                sentences.append(f"{self.trial}: {FIGURES[key].label} {value:.2f}, at most {bound:g} allowed")
        return sentences


def judge(contender: Contender, trial: Trial, taken: Taken) -> Verdict:
    """Key a trial's plate and measure the answer. A refusal leaves the artist with the plate: alpha 1 is measured."""
    plate = taken.example.plate
    try:
        keyed, refused = next(iter(contender.key_shot([plate]))), ""
    except NoScreenError as error:
        keyed, refused = Keyed(np.ones(plate.shape[:2], np.float32), plate), error.message
    if not trial.has_screen:
        return Verdict(trial.name, {"keyed": 0.0 if refused else 1.0}, keyed, refused)
    return Verdict(trial.name, measure(trial, taken, keyed), keyed, refused)


def measure(trial: Trial, taken: Taken, keyed: Keyed) -> dict[str, float]:
    """Return the trial's figures for one answer, in the units of FIGURES."""
    example, areas, alpha, foreground = taken.example, taken.areas, keyed.alpha, keyed.foreground
    truth = example.alpha
    solid = truth if example.glow is None else np.where(example.glow.max(axis=-1) > GLOW_FROM, 0.0, truth)
    whole = None if example.clipped is None else ~example.clipped
    solid = solid if whole is None else np.where(whole, solid, 0.0)
    measures: dict[str, Callable[[], float]] = {
        "mad": lambda: metrics.mean_absolute_error(alpha, truth),
        "spill": lambda: metrics.spill_left(foreground, example.foreground, solid, example.screen_color),
        "rec": lambda: composite_error(keyed, example),
        "core": lambda: metrics.core_error(alpha, truth),
        "hue": lambda: hue_error(foreground, example.foreground, areas["gel"]),
        "screen": lambda: residue(alpha, areas["screen"]),
        "markers": lambda: residue(alpha, areas["markers"]),
        "set": lambda: residue(alpha, areas["set"]),
        "highlights": lambda: highlight_error(alpha, foreground, example.plate, areas["highlights"]),
    }
    return {key: measures[key]() * FIGURES[key].scale for key in trial.figures}
