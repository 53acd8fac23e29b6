"""The procedural set: fixed bits, exact truth in the form the score needs, every kind of subject in it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from model.data.config import DataConfig
from model.data.scenes import generate
from model.data.subjects import KINDS
from model.evaluation.contenders import Keyed
from model.evaluation.metrics import CORE_FROM
from model.evaluation.procedural import FIRST_SEED, _example, _markers, procedural
from model.evaluation.recipe import Scale, frozen_recipe
from model.evaluation.run import composite_error, score_frame
from model.evaluation.sets import Example, PlateSet
from model.keying.unmixing import GLOW_ALPHA
from tests.model.evaluation.made_up import disc

OLD_KINDS = set(KINDS) - {"plush", "rods", "practical"}
"""What came after the fixed sets is not among them, or their figures would not compare with earlier ones."""


def test_fire_keeps_its_light_apart_from_its_coverage() -> None:
    batch = generate([FIRST_SEED], height=48, width=64, config=DataConfig(subjects={"fire": 1.0}, empty=0.0))
    example = _example(batch, 0, "fire", "")
    light = (batch.foreground[0] * batch.alpha[0] + batch.emission[0]).permute(1, 2, 0).numpy()
    assert example.glow is not None
    assert np.allclose(example.alpha[..., None] * example.foreground + example.glow, light, atol=1e-6)


def test_foreground_is_not_judged_where_the_light_needs_no_coverage() -> None:
    plain = disc()
    glow = np.zeros_like(plain.plate)
    glow[plain.alpha > 0] = 0.5
    burning = replace(plain, glow=glow)
    wrong = Keyed(plain.alpha, plain.foreground + 0.1)
    assert score_frame(wrong, plain)["foreground"] == pytest.approx(0.1, abs=1e-6)
    assert math.isnan(score_frame(wrong, burning)["foreground"])
    lost = score_frame(Keyed(plain.alpha, plain.foreground), burning)["recomposition"]
    assert lost == pytest.approx(float(glow.mean()), abs=1e-6)


def test_light_that_the_camera_lost_is_not_asked_for() -> None:
    plain = disc()
    bright = replace(plain, foreground=plain.foreground * 100, clipped=plain.alpha > 0)
    keyed = Keyed(plain.alpha, plain.foreground)
    assert score_frame(keyed, bright)["recomposition"] == 0.0
    assert math.isnan(score_frame(keyed, bright)["foreground"])
    assert score_frame(keyed, replace(bright, clipped=None))["recomposition"] > 1.0


def small(height: int, width: int, frames: int) -> PlateSet:
    scale = Scale(size=(height, width), stills_each=1, shots=1, frames=frames)
    return procedural(True, frozen_recipe().model_copy(update={"quick": scale}))


def test_the_same_call_gives_the_same_bits() -> None:
    first, again = small(32, 48, 2), small(32, 48, 2)
    assert {example.name.rsplit("-", 1)[0] for example in first.examples if not example.shot} == OLD_KINDS
    assert sum(example.shot != "" for example in first.examples) == 2
    for one, other in zip(first.examples, again.examples, strict=True):
        assert (one.plate == other.plate).all()
        assert (one.alpha == other.alpha).all()


def test_shadow_is_no_marker_and_paint_is() -> None:
    clean = np.full((1, 4, 3), (0.1, 0.4, 0.1), np.float32)
    behind = clean.copy()
    behind[0, 1] *= 0.5  # shadow
    behind[0, 2] = (0.4, 0.1, 0.1)  # red tape
    behind[0, 3] = (0.01, 0.01, 0.01)  # black tape
    assert _markers(behind, clean).tolist() == [[False, False, True, True]]


def test_a_saturated_screen_whose_weak_channels_are_below_zero_is_no_marker_in_any_shade() -> None:
    clean = np.full((1, 3, 3), (-0.02, 0.4, -0.01), np.float32)
    behind = clean * np.array([1.0, 0.5, 0.3], np.float32)[None, :, None]
    assert not _markers(behind + 0.01, clean).any(), "a veil of scattered light does not make one either"
    behind[0, 1] = (0.2, 0.2, 0.2)
    assert _markers(behind, clean).tolist() == [[False, True, False]]


def test_only_shots_with_markers_have_any() -> None:
    seeds = [FIRST_SEED + 100 * number for number in range(len(frozen_recipe().stills))]
    for seed in seeds:
        config = DataConfig(subjects={"object": 1.0}, empty=0.0, set_visible=0.0, markers=0.0)
        batch = generate([seed], height=54, width=96, config=config)
        assert _example(batch, 0, "unmarked", "").markers is None, seed


def test_the_truth_reaches_nothing_on_the_fixed_set_fire_and_glow_included() -> None:
    for example in small(54, 96, 1).examples:
        figures = score_frame(carried(example), example)
        assert score_frame(with_grain(carried(example), example), example)["recomposition"] <= 2 * GLOW_ALPHA, (
            example.name
        )
        assert figures["mad"] <= GLOW_ALPHA, example.name
        assert math.isnan(figures["foreground"]) or figures["foreground"] < 1e-6, example.name


def test_a_keyer_that_returns_the_plates_pixels_where_they_are_opaque_is_not_punished_for_their_grain() -> None:
    (example, *_) = small(54, 96, 1).examples
    assert example.departure is not None and np.abs(example.departure).mean() > 1e-3
    truth = carried(example)
    smooth, grainy = (composite_error(keyed, example) for keyed in (truth, with_grain(truth, example)))
    core = example.alpha >= CORE_FROM
    assert grainy < 1e-6
    assert smooth == pytest.approx(np.abs(example.departure)[core].sum() / 3 / core.size, rel=1e-3)


def test_where_the_grain_is_not_known_the_opaque_core_is_left_out_of_the_new_composite() -> None:
    known = disc()
    unknown, core = replace(known, departure=None), known.alpha >= CORE_FROM
    wrong_inside = Keyed(known.alpha, np.where(core[..., None], 0.0, known.foreground))
    wrong_edge = Keyed(known.alpha, np.where(core[..., None], known.foreground, 0.0))
    assert composite_error(wrong_inside, known) > 0.02
    assert composite_error(wrong_inside, unknown) == 0.0
    assert composite_error(wrong_edge, unknown) > composite_error(wrong_edge, known) > 0.005


def with_grain(keyed: Keyed, example: Example) -> Keyed:
    """The same answer with the plate's own pixels where the truth is opaque."""
    assert example.departure is not None
    grainy = keyed.foreground + example.departure
    return Keyed(keyed.alpha, np.where(example.alpha[..., None] >= CORE_FROM, grainy, keyed.foreground))


def carried(example: Example) -> Keyed:
    """The truth as straight color and alpha can hold it: light without coverage needs a little of it."""
    if example.glow is None:
        return Keyed(example.alpha, example.foreground)
    alpha = np.where(example.glow.max(axis=-1) > 0, np.maximum(example.alpha, GLOW_ALPHA), example.alpha)
    light = example.alpha[..., None] * example.foreground + example.glow
    return Keyed(alpha, np.where(alpha[..., None] > 0, light / np.maximum(alpha, GLOW_ALPHA)[..., None], 0.0))
