"""What weights scored is written into their file, under names that say on what."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.data.dataset import Picture
from model.evaluation.procedural import PROCEDURAL
from model.evaluation.results import PictureResult, Report, Row
from model.evaluation.run import evaluate
from model.evaluation.stamping import figures, stamp
from model.network.neural import Neural
from model.neural import WEIGHTS


def row(keyer: str, name: str, **values: float) -> Row:
    return Row(keyer, "", name, (PictureResult("a", values, 0.1), PictureResult("b", values, 0.1)))


REPORT = Report(
    (
        row("mine", "procedural", mad=0.02, edge_mad=0.1, core=math.nan, sad=3.0),
        row("mine", "plates/real", screen=0.01, subject=0.002),
        row("difference", "procedural", mad=0.9),
    ),
    (),
    (),
    quick=True,
)


def test_only_ones_own_rows_are_stamped_and_only_what_was_measured() -> None:
    assert figures(REPORT, "mine") == {
        "quick procedural mad": 0.02,
        "quick procedural edge_mad": 0.1,
        "quick plates/real screen": 0.01,
        "quick plates/real subject": 0.002,
    }


def test_a_stamp_keeps_weights_and_earlier_figures(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    network = Neural(width=16, guide_width=8, guide_maps=8)
    before = Checkpoint(network, {"steps": 3}, Provenance(command="dropkey train", metrics={"loss": 0.5}))
    save_checkpoint(path, before)
    stamp(path, REPORT)
    after = load_checkpoint(path, "neural")
    assert after.weights_id == before.weights_id
    assert after.provenance.command == "dropkey train"
    assert after.provenance.metrics["loss"] == 0.5
    assert after.provenance.metrics["quick procedural mad"] == 0.02


@pytest.mark.slow  # 80 s of a core; passed last on 1 December 2026
@pytest.mark.timeout(1200)
def test_the_released_weights_score_what_they_say() -> None:
    stored = load_checkpoint(WEIGHTS, "neural").provenance.metrics["quick procedural mad"]
    report = evaluate([], None, True, read_nothing, sheets=False, set_names=(PROCEDURAL,), weights=WEIGHTS)
    assert figures(report, WEIGHTS.stem)["quick procedural mad"] == pytest.approx(stored, rel=0.02)


def read_nothing(path: Path) -> Picture:
    raise AssertionError(f"{path}: the procedural set reads no files")
