"""Runs contenders over the fixed sets and gathers their figures: the whole flow of a score, without files."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import KeyingError
from model.evaluation import metrics, sets
from model.evaluation.contenders import Contender, Keyed, OurKeyer, contender_names, load_contender
from model.evaluation.hulls import score_hull
from model.evaluation.procedural import PROCEDURAL, procedural
from model.evaluation.rendered import RENDERED, rendered
from model.evaluation.results import PictureResult, Report, Row
from model.evaluation.sheets import full_sheet, make_sheet
from model.evaluation.split import half_of

Progress = Callable[[str], None]
Look = Callable[[str, NDArray[np.uint8]], None]
"""Is given the name and the full sheet of every result, as soon as it is there."""

QUICK_LONGEST = 800
GLOW_FROM = 0.005
SET_NAMES = (PROCEDURAL, RENDERED, sets.REAL_ALPHA, sets.REAL)


def evaluate(
    keyers: Sequence[str],
    plates: Path | None,
    quick: bool,
    read_picture: sets.ReadPicture,
    *,
    device: str = "cpu",
    progress: Progress = lambda _text: None,
    sheets: bool = True,
    set_names: Sequence[str] = SET_NAMES,
    weights: Path | None = None,
    grain: float = 0.0,
    half: str | None = None,
    look: Look | None = None,
    without: frozenset[str] = frozenset(),
) -> Report:
    """Score ``keyers`` (empty: every keyer and peer) on the fixed sets.

    With ``weights``, those of a neural keyer, that keyer is scored first, and others only where they are named.

    ``plates`` is the folder with ``alpha/`` and ``real/``; a set that is not there is named in the report. ``quick``
    takes fewer and smaller pictures, ``half`` those of one half (see `split`); ``grain`` is what `sets.grained` puts
    upon the plates. Neural keyers leave the parts ``without`` out (`contenders.parts`). Raises UnknownKeyerError before
    anything is keyed.
    """
    own = [OurKeyer(weights.stem, device, weights=weights, without=without)] if weights else []
    names = keyers or (() if weights else contender_names())
    contenders: list[Contender] = [*own, *(load_contender(name, device, without) for name in names)]
    for one in own:
        one.prepare()
    chosen = [fixed_set(name, plates, quick, read_picture, half) for name in set_names]
    if grain > 0.0:
        chosen = [sets.grained(plate_set, grain) for plate_set in chosen]
    rows = []
    for contender in contenders:
        for plate_set in chosen:
            progress(f"{contender.name} on {plate_set.name}")
            rows.append(score(contender, plate_set, quick=quick, sheets=sheets, look=look))
    missing = tuple(f"{plate_set.name}: {plate_set.missing}" for plate_set in chosen if plate_set.missing)
    about = tuple((plate_set.name, plate_set.about) for plate_set in chosen)
    return Report(tuple(rows), about, missing, quick)


def fixed_set(
    name: str, plates: Path | None, quick: bool, read_picture: sets.ReadPicture, half: str | None = None
) -> sets.PlateSet:
    """Return one of ``SET_NAMES``, with the reason where it is missing; ``quick`` keeps a third of the real ones."""
    wanted = half_of(name, half)
    if name == PROCEDURAL:
        found = procedural(quick, wanted=wanted)
    elif name == RENDERED:
        found = rendered(read_picture, limit=4 if quick else None, wanted=wanted)
    elif name == sets.REAL_ALPHA:
        found = sets.real_alpha(plates, read_picture, limit=5 if quick else None, wanted=wanted)
    elif name == sets.REAL:
        found = sets.real(plates, read_picture, limit=6 if quick else None, wanted=wanted)
    else:
        raise KeyError(name)
    return found if half is None else replace(found, about=f"{half} half; {found.about}")


def score(
    contender: Contender,
    plate_set: sets.PlateSet,
    *,
    quick: bool = False,
    sheets: bool = False,
    look: Look | None = None,
) -> Row:
    """Key one set with one contender and measure it; an unavailable contender or missing set gives an empty row."""
    why = contender.unavailable() or plate_set.missing
    if why:
        return Row(contender.name, contender.about, plate_set.name, note=f"not available here: {why}")
    slow = contender.longest_when_quick if quick else contender.longest
    longest = min(slow or QUICK_LONGEST, QUICK_LONGEST) if quick else slow
    contender.prepare()
    results, pages = [], []
    for result, keyed, example in _measure(contender, plate_set, longest):
        results.append(result)
        truth, hull = (example.alpha, None) if isinstance(example, sets.Example) else (None, example.hull)
        if sheets:
            pages.append(make_sheet(result.name, example.plate, keyed.alpha, keyed.foreground, truth))
        if look is not None:
            name = f"{plate_set.name}-{result.name}-{contender.name}"
            look(name, full_sheet(example.plate, keyed.alpha, keyed.foreground, truth, hull))
    plates = [*(one.plate for one in plate_set.examples), *(one.plate for one in plate_set.region_examples)]
    reduced = slow is not None and longest == slow and any(max(plate.shape) > slow for plate in plates)
    note = f"slow: at {slow} px" if reduced else ""
    return Row(contender.name, contender.about, plate_set.name, tuple(results), tuple(pages), note)


def score_frame(keyed: Keyed, example: sets.Example) -> dict[str, float]:
    """Every figure of one keyed still against its truth."""
    alpha, truth = keyed.alpha, example.alpha
    band = metrics.edge_band(truth)
    # Straight color means nothing where the light needs no coverage; where the camera clipped, no plate can tell it.
    solid = truth if example.glow is None else np.where(example.glow.max(axis=-1) > GLOW_FROM, 0.0, truth)
    solid = solid if example.clipped is None else np.where(example.clipped, 0.0, solid)
    return {
        "mad": metrics.mean_absolute_error(alpha, truth),
        "mse": metrics.mean_squared_error(alpha, truth),
        "sad": metrics.sum_of_absolute_differences(alpha, truth),
        "gradient": metrics.gradient_error(alpha, truth),
        "connectivity": metrics.connectivity_error(alpha, truth),
        "edge_mad": metrics.mean_absolute_error(alpha, truth, band),
        "edge_mse": metrics.mean_squared_error(alpha, truth, band),
        "edge_sad": metrics.sum_of_absolute_differences(alpha, truth, band),
        "edge_gradient": metrics.gradient_error(alpha, truth, band),
        "edge_connectivity": metrics.connectivity_error(alpha, truth, band),
        "core": metrics.core_error(alpha, truth),
        "screen": metrics.screen_error(alpha, truth),
        "foreground": metrics.foreground_error(keyed.foreground, example.foreground, solid),
        "foreground_display": metrics.foreground_error_display(keyed.foreground, example.foreground, solid),
        "recomposition": composite_error(keyed, example),
        "spill": metrics.spill_left(keyed.foreground, example.foreground, solid, example.screen_color),
        "markers": math.nan if example.markers is None else metrics.marker_residue(alpha, truth, example.markers),
    }


def score_over_time(keyed: Sequence[Keyed], frames: Sequence[sets.Example]) -> dict[str, float]:
    """Every figure of a keyed shot's changes against those of its truth; NaN for a still."""
    alphas, truths = [one.alpha for one in keyed], [frame.alpha for frame in frames]
    return {
        "dtssd": metrics.temporal_error(alphas, truths),
        "dtssd_n": metrics.temporal_error_of_change(alphas, truths),
        "frozen": metrics.frozen_error(truths),
    }


def composite_error(keyed: Keyed, example: sets.Example) -> float:
    """Error of the new composite, whose truth has the plate's own grain where it is opaque.

    Where that grain is not known, what is opaque is left out: who returns the plate there must not be punished for it.
    So is light that the camera clipped.
    """
    core = metrics.true_core(example.alpha)
    counts = np.ones_like(core) if example.clipped is None else ~example.clipped
    foreground = example.foreground
    if example.departure is None:
        counts &= ~core
    else:
        foreground = np.where(core[..., None], foreground + example.departure, foreground)
    return metrics.recomposition_error(keyed.alpha, keyed.foreground, example.alpha, foreground, example.glow, counts)


def score_regions(keyed: Keyed, example: sets.RegionExample) -> dict[str, float]:
    """Mean |alpha − known alpha| per class of sure regions: the mean of the rectangles' means, not of their pixels."""
    return {
        kind: _mean_of_regions(example, kind, np.abs(keyed.alpha - known)) for kind, known in sets.REGION_TRUTH.items()
    }


def score_flicker(keyed: Sequence[Keyed], example: sets.RegionExample) -> dict[str, float]:
    """Mean |alpha − alpha of the frame before| where alpha should stand still: in the sure screen and subject."""
    change = np.abs(keyed[1].alpha - keyed[0].alpha)
    return {f"flicker_{kind}": _mean_of_regions(example, kind, change) for kind in ("screen", "subject")}


def score_real(keyed: Sequence[Keyed], example: sets.RegionExample, *, refused: bool = False) -> dict[str, float]:
    """Every figure of a real plate: ``keyed`` holds the answer to it and, where it is a movie's, to the next frame."""
    figures = score_regions(keyed[0], example)
    if example.hull is not None:
        figures |= score_hull(keyed[0].alpha, example.hull, refused=refused)
    return figures | (score_flicker(keyed, example) if len(keyed) > 1 else {})


def _mean_of_regions(example: sets.RegionExample, kind: str, values: sets.Picture) -> float:
    means = [float(values[y0:y1, x0:x1].mean(dtype=np.float64)) for x0, y0, x1, y1 in example.regions.get(kind, ())]
    return sum(means) / len(means) if means else math.nan


def _measure(
    contender: Contender, plate_set: sets.PlateSet, longest: int | None
) -> Iterator[tuple[PictureResult, Keyed, sets.Example | sets.RegionExample]]:
    for _, members in groupby(enumerate(plate_set.examples), lambda item: item[1].shot or item[0]):
        frames = [sets.reduced(example, longest) if longest else example for _, example in members]
        keyed, seconds, refused = _key(contender, [frame.plate for frame in frames])
        over_time = score_over_time(keyed, frames)
        for one, frame in zip(keyed, frames, strict=True):
            figures = score_frame(one, frame) | over_time
            yield PictureResult(frame.name, figures, seconds, refused), one, frame
    for real in plate_set.region_examples:
        small = sets.reduced_regions(real, longest) if longest else real
        # Where flicker is measured, the frame is keyed with the one that follows, as their shot would be.
        plates = [small.plate] if small.following is None else [small.plate, small.following]
        keyed, seconds, refused = _key(contender, plates, small.before, small.after)
        figures = score_real(keyed, small, refused=bool(refused))
        yield PictureResult(small.name, figures, seconds, refused), keyed[0], small


def _key(
    contender: Contender,
    plates: list[sets.Picture],
    before: Sequence[sets.Picture] = (),
    after: Sequence[sets.Picture] = (),
) -> tuple[list[Keyed], float, str]:
    """Key one shot; a refusal leaves the artist with the plate itself, so that is what gets scored.

    Keyers of ours hear the frames ``before`` and ``after``, the nearest first, as they would within the shot.
    A peer that breaks down has refused as well, in its own words. A fault of our own keyers ends the evaluation.
    """
    begin = time.perf_counter()
    try:
        if isinstance(contender, OurKeyer):
            keyed, refused = list(contender.key_within(plates, before, after)), ""
        else:
            keyed, refused = list(contender.key_shot(plates)), ""
    except Exception as error:  # peers are other programs, with exceptions of their own
        if isinstance(contender, OurKeyer) and not isinstance(error, KeyingError):
            raise
        keyed = [Keyed(np.ones(plate.shape[:2], np.float32), plate) for plate in plates]
        refused = str(error) or type(error).__name__
    return keyed, (time.perf_counter() - begin) / len(plates), refused
