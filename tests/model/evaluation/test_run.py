"""What a whole score says about keyers whose behavior is known, and about sets that are not there."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from model.errors import KeyingError, UnknownKeyerError
from model.evaluation import sets
from model.evaluation.contenders import Keyed, OurKeyer, contender_names
from model.evaluation.results import ALPHA_FIGURES, Report
from model.evaluation.run import evaluate, score
from model.keyer import Keyer
from tests.model.evaluation.made_up import Answers, Picture, disc, read_picture, write_picture

ON_DISK = (sets.REAL_ALPHA, sets.REAL)


def one(example: sets.Example) -> sets.PlateSet:
    return sets.PlateSet("made up", "one disc", (example,))


def test_a_keyer_that_returns_the_truth_scores_zero() -> None:
    example = disc()
    row = score(Answers("truth", Keyed(example.alpha, example.foreground)), one(example))
    figures = row.results[0].figures
    measured = {key: value for key, value in figures.items() if not math.isnan(value)}
    assert set(figures) == {figure.key for figure in ALPHA_FIGURES}
    assert set(figures) - set(measured) == {"markers", "dtssd", "dtssd_n", "frozen"}
    assert all(value == 0.0 for value in measured.values())


def test_returning_the_plates_green_as_foreground_is_punished() -> None:
    example = disc()
    honest = score(Answers("truth", Keyed(example.alpha, example.foreground)), one(example))
    green = score(Answers("green", Keyed(example.alpha, example.plate)), one(example))
    assert green.mean("mad") == honest.mean("mad") == 0.0
    for key in ("foreground", "foreground_display", "recomposition", "spill"):
        assert green.mean(key) > 1e-3, key


def test_frames_of_one_shot_are_keyed_together_and_judged_over_time() -> None:
    still = disc()
    frames = tuple(sets.Example(str(i), still.plate, still.alpha, still.foreground, shot="moving") for i in range(3))
    steady = Keyed(still.alpha, still.foreground)
    jump = Keyed(np.clip(still.alpha + 0.1, 0.0, 1.0), still.foreground)
    plate_set = sets.PlateSet("made up", "", frames)
    assert score(Answers("steady", steady, steady, steady), plate_set).mean("dtssd") == 0.0
    assert score(Answers("jumpy", steady, jump, steady), plate_set).mean("dtssd") > 1.0


def test_a_frozen_matte_is_the_control_that_a_keyer_must_beat() -> None:
    still = disc()
    truths = [np.roll(still.alpha, 3 * step, axis=1) for step in range(4)]
    frames = tuple(sets.Example(str(i), still.plate, one, still.foreground, shot="m") for i, one in enumerate(truths))
    plate_set = sets.PlateSet("made up", "", frames)
    frozen = score(Answers("frozen", *[Keyed(truths[0], still.foreground)] * 4), plate_set)
    right = score(Answers("right", *[Keyed(one, still.foreground) for one in truths]), plate_set)
    halved = score(Answers("halved", *[Keyed(one / 2, still.foreground) for one in truths]), plate_set)
    assert frozen.mean("dtssd_n") == pytest.approx(1.0)
    assert frozen.mean("frozen") == pytest.approx(frozen.mean("dtssd"))
    assert right.mean("dtssd_n") == 0.0
    assert halved.mean("dtssd_n") == pytest.approx(0.5)


def test_markers_are_measured_where_the_set_knows_them() -> None:
    still = disc()
    markers = np.zeros(still.alpha.shape, bool)
    markers[2:6, 2:6] = True
    example = sets.Example("markers", still.plate, still.alpha, still.foreground, markers=markers)
    alpha = still.alpha.copy()
    alpha[markers] = 0.5
    assert score(Answers("residue", Keyed(alpha, still.foreground)), one(example)).mean("markers") == 0.5


class Raises(Answers):
    """A contender that raises on its first shot and answers the others."""

    def __init__(self, error: Exception, *answers: Keyed) -> None:
        super().__init__("raises", *answers)
        self._error: Exception | None = error

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        error, self._error = self._error, None
        if error:
            raise error
        yield from super().key_shot(plates)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyingError("There is no screen."), "There is no screen."),
        (RuntimeError("Blender ended with 1: out of memory"), "Blender ended with 1: out of memory"),
        (subprocess.TimeoutExpired(["python"], 300.0), "timed out after 300.0 seconds"),
        (MemoryError(), "MemoryError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_refusal_or_a_breakdown_counts_as_the_untouched_plate_and_ends_nothing(error: Exception, words: str) -> None:
    example = disc()
    plate_set = sets.PlateSet("made up", "two discs", (example, example))
    row = score(Raises(error, Keyed(example.alpha, example.foreground)), plate_set)
    first, second = row.results
    assert row.refusals == 1
    assert words in first.refused and not second.refused
    assert first.figures["screen"] == 1.0 and second.figures["screen"] == 0.0


def test_a_fault_of_our_own_keyers_is_no_refusal() -> None:
    class Broken:
        def survey(self, *_: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        score(OurKeyer("difference", keyer=cast(Keyer, Broken())), one(disc()))


def test_a_missing_set_is_named_and_not_skipped(tmp_path: Path) -> None:
    report = evaluate(["ffmpeg"], tmp_path, True, read_picture, set_names=ON_DISK)
    assert [text.split(":")[0] for text in report.missing] == [sets.REAL_ALPHA, sets.REAL]
    assert str(tmp_path / "alpha") in report.missing[0]
    assert "does not exist" in report.row("ffmpeg", sets.REAL_ALPHA).note


def test_no_plates_at_all_says_how_to_give_them() -> None:
    report = evaluate(["ffmpeg"], None, True, read_picture, set_names=ON_DISK)
    assert all("DROPKEY_PLATES" in text for text in report.missing)
    assert len(report.missing) == 2


def test_an_unknown_keyer_is_refused_before_any_work() -> None:
    with pytest.raises(UnknownKeyerError) as refused:
        evaluate(["keylight"], None, True, read_picture)
    assert all(name in refused.value.fix for name in contender_names())


def test_a_picture_set_on_disk_is_read_and_scored(plates: Path) -> None:
    report = evaluate(["ffmpeg"], plates, False, read_picture, set_names=ON_DISK)
    alpha_row, real_row = report.row("ffmpeg", sets.REAL_ALPHA), report.row("ffmpeg", sets.REAL)
    assert [result.name for result in alpha_row.results] == ["GT_disc"]
    assert alpha_row.mean("core") < 0.05
    assert alpha_row.mean("screen") < 0.05
    assert real_row.results[0].figures["screen"] < 0.05
    assert real_row.results[0].figures["subject"] < 0.05
    assert math.isnan(real_row.results[0].figures["background_not_screen"])
    assert not report.missing


def test_regions_count_by_rectangle_and_not_by_area() -> None:
    plate = np.zeros((10, 20, 3), np.float32)
    regions = {"screen": ((0, 0, 18, 10), (18, 0, 20, 2)), "subject": ()}
    alpha = np.zeros((10, 20), np.float32)
    alpha[:2, 18:] = 1.0
    example = sets.RegionExample("plate", plate, regions)
    row = score(Answers("residue", Keyed(alpha, plate)), sets.PlateSet("real", "", region_examples=(example,)))
    assert row.results[0].figures["screen"] == 0.5


def test_flicker_is_how_alpha_changes_to_the_movies_next_frame_where_it_should_stand_still() -> None:
    plate, still = np.zeros((10, 20, 3), np.float32), np.zeros((10, 20), np.float32)
    later = still.copy()
    later[:, :4] = 0.25  # half of the sure screen, and nothing of the subject
    regions = {"screen": ((0, 0, 8, 10),), "subject": ((12, 0, 20, 10),)}
    movie, picture = sets.RegionExample("movie", plate, regions, plate), sets.RegionExample("picture", plate, regions)
    row = score(
        Answers("restless", Keyed(still, plate), Keyed(later, plate)),
        sets.PlateSet("real", "", region_examples=(movie, picture)),
    )
    assert (row.mean("flicker_screen"), row.mean("flicker_subject")) == (0.125, 0.0)
    assert "flicker_screen" not in row.results[1].figures


def test_grain_has_its_deviation_in_the_root_of_light_and_spares_the_truth() -> None:
    example = disc(32)
    clean = sets.PlateSet("made", "made up", (example,), (sets.RegionExample("real", example.plate),))
    noisy, again = sets.grained(clean, 0.03), sets.grained(clean, 0.03)
    bright = example.plate > 0.05
    change = np.sqrt(noisy.examples[0].plate) - np.sqrt(example.plate)
    assert 0.027 < float(change[bright].std()) < 0.033
    assert np.array_equal(noisy.examples[0].plate, again.examples[0].plate)
    assert noisy.examples[0].alpha is example.alpha
    assert not np.array_equal(noisy.region_examples[0].plate, example.plate)
    assert "0.03" in noisy.about


def test_reducing_keeps_light_and_the_rectangles_inside() -> None:
    example = disc(60, 80)
    small = sets.reduced(example, 40)
    assert small.alpha.shape == (30, 40)
    both = example.foreground * example.alpha[..., None], small.foreground * small.alpha[..., None]
    assert np.allclose(sets.shrink(both[0], 2), both[1], atol=1e-6)
    region = sets.RegionExample("plate", example.plate, {"screen": ((1, 1, 9, 8), (3, 3, 4, 4))})
    assert sets.reduced_regions(region, 40).regions == {"screen": ((1, 1, 4, 4),)}


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """A set as it lies on disk: one disc with truth, and the same disc as a plate with sure regions."""
    example = disc(120, 160)
    folder, real = tmp_path / "alpha" / "GT_disc", tmp_path / "real"
    folder.mkdir(parents=True)
    real.mkdir()
    codes = (srgb(example.plate) * 65535).round().astype(np.uint16)
    write_picture(folder / "plate.0001.png", codes)
    write_picture(folder / "alpha.0001.png", (example.alpha * 65535).round().astype(np.uint16))
    write_picture(folder / "foreground_linear.0001.png", (example.foreground * 65535).round().astype(np.uint16))
    write_picture(real / "disc.png", codes)
    classes = {"screen": [[2, 2, 40, 20]], "subject": [[76, 56, 84, 64]], "background_not_screen": []}
    index = {"disc.png": {"size": [160, 120], "frames": {"0": classes}}}
    (real / "regions.json").write_text(json.dumps(index), encoding="utf-8")
    return tmp_path


def srgb(linear: Picture) -> Picture:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def test_report_row_that_does_not_exist_raises() -> None:
    with pytest.raises(KeyError):
        Report((), (), (), False).row("difference", "nowhere")
