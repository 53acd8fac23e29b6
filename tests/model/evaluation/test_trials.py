"""The trials: each picture shows what its name says, its truth is exact, and a keyer stays within its bounds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from model.data.looks import curved
from model.data.view import Motion
from model.evaluation.contenders import Keyed, load_contender
from model.evaluation.metrics import CORE_FROM
from model.evaluation.procedural import FIRST_SEED
from model.evaluation.trials import bodies, lettering, lights
from model.evaluation.trials.__main__ import main
from model.evaluation.trials.bounds import ASKED, BOUNDS
from model.evaluation.trials.catalogue import TRIALS
from model.evaluation.trials.measures import hue_error
from model.evaluation.trials.shoot import FIRST, Studio, Taken
from model.evaluation.trials.trial import FIGURES, Trial, Verdict, judge, measure
from tests.model.evaluation.made_up import Answers

KEYER = "difference"
"""The keyer that the command is tried with."""

BY_NAME = {trial.name: trial for trial in TRIALS}
NAMES = tuple(BY_NAME)
WITH_SCREEN = tuple(trial.name for trial in TRIALS if trial.has_screen)


CURVED = ("hot spot that clips", "light from one side")


def limits(keyer: str, name: str) -> dict[str, float]:
    """What the keyer is held to, or what is asked for."""
    return (ASKED | BOUNDS[keyer])[name]


@cache
def taken(name: str) -> Taken:
    return BY_NAME[name].make()


def answered(name: str, alpha: np.ndarray, foreground: np.ndarray) -> Verdict:
    trial, keyed = BY_NAME[name], Keyed(alpha, foreground)
    return Verdict(name, measure(trial, taken(name), keyed), keyed)


def best_answer(name: str) -> Keyed:
    """The truth as a keyer can give it: light without coverage in the color of thin coverage, highlights untouched."""
    example, areas = taken(name).example, taken(name).areas
    alpha, foreground = example.alpha, example.foreground
    if example.departure is not None and "rec" in BY_NAME[name].figures:
        grain = example.alpha >= CORE_FROM
        foreground = np.where(grain[..., None], foreground + example.departure, foreground)
    if example.glow is not None:
        carried = foreground + example.glow / np.maximum(alpha, 1e-4)[..., None]
        foreground = np.where(alpha[..., None] > 1e-4, carried, foreground)
    if "highlights" in areas:
        foreground = np.where(areas["highlights"][..., None], example.plate, foreground)
    return Keyed(alpha, foreground)


@pytest.mark.parametrize(
    ("name", "keyer"), [(name, keyer) for name in NAMES for keyer in BOUNDS if name in BOUNDS[keyer]]
)
def test_a_keyer_stays_within_its_bounds(name: str, keyer: str) -> None:
    verdict = judge(load_contender(keyer), BY_NAME[name], taken(name))
    assert verdict.faults(BOUNDS[keyer][name]) == []
    assert bool(verdict.refused) != BY_NAME[name].has_screen


@pytest.mark.parametrize("name", CURVED)
def test_behind_a_phones_curves_the_truth_is_what_stands_in_the_scene_seen_through_them(name: str) -> None:
    noiseless, recorded = BY_NAME[name].make(recorded=False), taken(name)
    truth = curved(lights.PHONE, noiseless.truth)
    for part in ("foreground", "alpha", "background", "clean_plate", "spill", "emission"):
        assert torch.equal(getattr(truth, part), getattr(recorded.truth, part)), part
    light = torch.from_numpy(noiseless.example.plate).permute(2, 0, 1)[None]
    sure = ((truth.alpha == 0) | (truth.alpha == 1)).expand(-1, 3, -1, -1)
    assert float((lights.PHONE(light) - truth.noiseless())[sure].abs().max()) < 1e-4
    assert float(sure.float().mean()) > 0.9


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CURVED])
def test_the_truth_is_exact_and_no_camera_changes_it(name: str) -> None:
    noiseless, recorded = BY_NAME[name].make(recorded=False), taken(name)
    truth, plate = noiseless.truth, noiseless.example.plate
    recomposed = truth.noiseless()[0].permute(1, 2, 0).numpy()
    assert np.abs(recomposed - plate).max() <= 1e-5 * max(1.0, float(plate.max()))
    for part in ("foreground", "alpha", "background", "clean_plate", "spill", "emission"):
        assert torch.equal(getattr(truth, part), getattr(recorded.truth, part)), part
    assert float((truth.foreground * (truth.alpha == 0)).abs().max()) == 0
    assert not np.array_equal(plate, recorded.example.plate)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_finite_small_and_of_one_shape(name: str) -> None:
    example = taken(name).example
    assert example.plate.shape == (*example.alpha.shape, 3) == example.foreground.shape
    assert example.alpha.shape in ((288, 512), (360, 640))
    assert np.isfinite(example.plate).all() and np.isfinite(example.foreground).all()
    assert 0.03 < example.alpha.mean() < 0.6
    assert all(area.shape == example.alpha.shape and area.sum() > 500 for area in taken(name).areas.values())


@pytest.mark.parametrize("keyer", sorted(BOUNDS))
def test_every_figure_of_every_trial_has_a_bound(keyer: str) -> None:
    assert {name: set(bounds) for name, bounds in (ASKED | BOUNDS[keyer]).items()} == {
        trial.name: set(trial.figures) for trial in TRIALS
    }
    assert all(key in FIGURES for trial in TRIALS for key in trial.figures)


@pytest.mark.parametrize("name", WITH_SCREEN)
def test_the_best_answer_holds_every_bound(name: str) -> None:
    keyed = best_answer(name)
    for keyer in BOUNDS:
        assert answered(name, keyed.alpha, keyed.foreground).faults(limits(keyer, name)) == []


@pytest.mark.parametrize("name", WITH_SCREEN)
def test_alpha_one_everywhere_breaks_a_bound(name: str) -> None:
    example = taken(name).example
    for keyer in BOUNDS:
        assert answered(name, np.ones_like(example.alpha), example.plate).faults(limits(keyer, name))


@pytest.mark.parametrize("name", WITH_SCREEN)
def test_the_plates_green_as_foreground_breaks_a_bound_even_under_a_perfect_alpha(name: str) -> None:
    example = taken(name).example
    for keyer in BOUNDS:
        assert answered(name, example.alpha, example.plate).faults(limits(keyer, name))


def test_keying_a_plate_without_a_screen_breaks_its_bound() -> None:
    example = taken("no screen").example
    careless = Answers("careless", Keyed(np.zeros_like(example.alpha), example.plate))
    verdict = judge(careless, BY_NAME["no screen"], taken("no screen"))
    assert verdict.faults(BOUNDS[KEYER]["no screen"]) == ["no screen: keyed 1.00, at most 0 allowed"]


def test_a_figure_that_cannot_be_measured_breaks_its_bound() -> None:
    keyed = Keyed(np.zeros((1, 1), np.float32), np.zeros((1, 1, 3), np.float32))
    assert Verdict("red gel", {"hue": float("nan")}, keyed).faults({"hue": 5.0})


def test_the_same_trial_gives_the_same_bits_whatever_the_caller_does() -> None:
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = BY_NAME["low bit rate"].make()
    finally:
        torch.set_num_threads(usual)
    assert np.array_equal(again.example.plate, taken("low bit rate").example.plate)


def test_training_and_the_procedural_set_never_see_a_trials_seed() -> None:
    assert FIRST_SEED + 1_999_999 < FIRST


def test_the_gel_is_red_before_it_lies_over_green_and_turns_towards_yellow_there() -> None:
    example, gel = taken("red gel").example, taken("red gel").areas["gel"]
    red = np.broadcast_to(np.array([1.0, 0.0, 0.0], np.float32), example.plate.shape)
    assert hue_error(example.foreground, red, gel) < 2.0
    assert hue_error(example.plate, red, gel) > 20.0
    assert gel.mean() > 0.2


def test_the_strands_are_thinner_than_a_pixel() -> None:
    assert max(bodies.HAIR_WIDTH) < 0.5
    strands = taken("fine hair").areas["strands"]
    assert np.median(taken("fine hair").example.alpha[strands]) < 0.5


def test_the_arm_is_smeared_and_the_sleeve_near_the_elbow_is_not() -> None:
    alpha = taken("motion-blurred arm").example.alpha
    soft = ((alpha > 0.05) & (alpha < 0.95)).sum(axis=1)
    assert soft[40:90].mean() > 25
    assert soft[240:].mean() < 12


def test_glass_bends_what_stands_behind_it_by_many_pixels() -> None:
    ball = Studio(5).subject("glass", 5, Motion((0.02, 0.02), 0.36))
    assert ball.bend is not None
    assert float(torch.hypot(*ball.bend).max()) > 10.0


def test_fire_is_light_without_coverage() -> None:
    example = taken("fire").example
    assert example.glow is not None
    bright = example.glow.max(axis=-1) > 1.0
    assert bright.mean() > 0.02
    assert example.alpha[bright].mean() < 0.3


def test_crosses_come_in_three_colors() -> None:
    shot = taken("marker crosses")
    crosses = shot.truth.background[0].permute(1, 2, 0).numpy()[shot.areas["markers"]]
    strongest = crosses.argmax(axis=-1)
    saturation = 1 - crosses.min(axis=-1) / crosses.max(axis=-1)
    assert (saturation < 0.3).mean() > 0.2  # white
    assert ((strongest == 0) & (saturation > 0.7)).mean() > 0.2  # orange
    assert ((strongest == 2) & (saturation > 0.7)).mean() > 0.2  # blue


def test_the_hot_spot_is_over_four_times_brighter_than_the_rest() -> None:
    light = taken("hot spot").truth.clean_plate[0].sum(0)
    assert float(light.max() / light.quantile(0.1)) > 4.0


def test_highlights_reach_fifty() -> None:
    example, bright = taken("highlights").example, taken("highlights").areas["highlights"]
    assert 40.0 < example.plate[bright].max() < 56.0


def test_low_bit_rate_loses_color_detail_in_a_real_encoder() -> None:
    shot = taken("low bit rate")
    noiseless = shot.truth.noiseless()[0].permute(1, 2, 0).numpy()
    assert np.abs(shot.example.plate - noiseless)[shot.example.alpha > 0.9].mean() > 0.005


def test_the_command_prints_the_table_and_writes_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.jpg"
    code = main(["--keyer", KEYER, "--only", "hot spot", "no screen", "--picture", str(sheet)])
    said = capsys.readouterr().out
    assert code == 0
    assert "| hot spot" in said and "holds" in said and "refused" in said
    assert sheet.read_bytes()[:2] == b"\xff\xd8" and sheet.stat().st_size < 100_000


def test_the_new_screens_are_as_uneven_pale_and_dark_around_as_they_say() -> None:
    spot, side = (taken(name).truth.clean_plate[0] for name in CURVED)
    purity = (spot.amax(0) - spot.amin(0)) / spot.amax(0)
    assert float(spot.max()) > 0.9 and float(purity.min()) < 0.2 and float(purity.max()) > 0.9
    light = BY_NAME["light from one side"].make(recorded=False).truth.clean_plate[0].sum(0)
    assert 6.0 < float(light[:, :16].mean() / light[:, -16:].mean()) < 10.0 and float(side.max()) < 1.0
    pale = taken("pale backdrop").truth.clean_plate[0].mean((1, 2))
    assert 0.1 < 1 - float(pale.min() / pale.max()) < 0.3
    amid, beside = taken("screen amid a dark set"), taken("screen amid a dark set").areas["set"]
    border = np.concatenate([beside[0], beside[-1], beside[:, 0], beside[:, -1]])
    assert border.all() and amid.example.plate[beside].mean() < 0.05


def test_a_bound_that_is_asked_for_is_shown_and_breaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keyer", KEYER, "--only", "screen amid a dark set"]) == 0
    said = capsys.readouterr().out
    assert "(6)" in said and ("asked for" in said or "reached" in said)


def test_the_command_fails_where_a_bound_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BOUNDS, KEYER, {"no screen": {"keyed": -1.0}})
    assert main(["--keyer", KEYER, "--only", "no screen"]) == 1
    assert "over its bound" in capsys.readouterr().out


def test_every_label_can_be_written() -> None:
    for text in (*NAMES, *(figure.label for figure in FIGURES.values())):
        assert all(sign == " " or sign in lettering._SIGNS for sign in text.upper()), text
    picture = np.zeros((9, 12, 3), np.uint8)
    lettering.write(picture, 0, 1, "IL")
    assert [bool(picture[1 + row, 2, 0]) for row in range(7)] == [True] * 7
    assert picture[1:8, 6].all() and not picture[0].any()


def test_a_trial_says_in_a_sentence_what_it_shows() -> None:
    assert all(trial.sentence.endswith(".") and len(trial.sentence) > 20 for trial in TRIALS)
    assert isinstance(TRIALS[0], Trial)
