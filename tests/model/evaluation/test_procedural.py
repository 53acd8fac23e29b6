"""The procedural set: fixed bits, exact truth in the form the score needs, every kind of subject in it."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.config import DataConfig
from model.data.scenes import generate
from model.data.subjects import KINDS
from model.evaluation import metrics, procedural
from model.evaluation.procedural import FIRST_SEED, _example, _markers


def test_light_of_the_truth_survives_the_form_of_the_score() -> None:
    """Fire has light without coverage: alpha · foreground + glow must still be all of the subject's light."""
    batch = generate([FIRST_SEED], height=48, width=64, config=DataConfig(subjects={"fire": 1.0}, empty=0.0))
    example = _example(batch, 0, "fire", "")
    light = (batch.foreground[0] * batch.alpha[0] + batch.emission[0]).permute(1, 2, 0).numpy()
    glow = 0.0 if example.glow is None else example.glow
    assert float(batch.emission.max()) > 0.0
    assert np.allclose(example.alpha[..., None] * example.foreground + glow, light, atol=1e-5)
    error = metrics.recomposition_error(
        example.alpha, example.foreground, example.alpha, example.foreground, example.glow
    )
    assert error == pytest.approx(float(np.abs(glow).mean()) if example.glow is not None else 0.0)


def test_the_same_call_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedural, "QUICK_SIZE", (32, 48))
    monkeypatch.setattr(procedural, "QUICK_FRAMES", 2)
    first, again = procedural.procedural(True), procedural.procedural(True)
    assert {example.name.rsplit("-", 1)[0] for example in first.examples if not example.shot} == set(KINDS)
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
