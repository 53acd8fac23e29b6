"""The procedural set: fixed bits, exact truth in the form the score needs, every kind of subject in it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from model.data.config import DataConfig
from model.data.scenes import generate
from model.data.subjects import KINDS
from model.evaluation import procedural
from model.evaluation.contenders import Keyed
from model.evaluation.procedural import FIRST_SEED, _example, _markers
from model.evaluation.run import score_frame
from tests.model.evaluation.made_up import disc


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


def test_the_same_call_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedural, "QUICK_SIZE", (32, 48))
    monkeypatch.setattr(procedural, "QUICK_FRAMES", 2)
    first, again = procedural.procedural(True), procedural.procedural(True)
    assert {example.name.rsplit("-", 1)[0] for example in first.examples if not example.shot} == set(KINDS) - {"plush"}
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
