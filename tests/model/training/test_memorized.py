"""The error on shots that a run saw last is told beside that on shots which it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from model.checkpoint import Checkpoint, Provenance, save_checkpoint
from model.errors import KeyingError
from model.network.neural import Neural
from model.network.regression import Regression
from model.training import memorized
from model.training.config import training_config
from model.training.memorized import memory_of
from model.training.scenes import GeneratedScenes, Scene, validation_scenes

SMALL = {"shot_height": 96, "shot_width": 160, "crop": 64, "pool": 3, "fresh": 0.5, "pairs": 0.0}


def test_the_last_shots_of_the_run_are_compared_with_as_many_held_out_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    config = training_config("neural", seed=5, validation_shots=1, **SMALL)
    source = GeneratedScenes(config, torch.device("cpu"))
    looked: list[list[float]] = []

    def noted(_: Neural, scenes: Sequence[Scene]) -> float:
        looked.append([float(scene.alpha.sum()) for scene in scenes])
        return float(len(looked))

    monkeypatch.setattr(memorized, "mean_error", noted)
    network = Neural(width=16, guide_width=8, guide_maps=8)
    run = Checkpoint(network, config.model_dump(mode="json"), Provenance(steps=5))
    found = memory_of(run, shots=2)
    # Five steps with half a new shot each: 3 in the beginning and two more, of which numbers 3 and 4 are the last.
    held_out = validation_scenes(config.model_copy(update={"validation_shots": 2}), torch.device("cpu"))
    assert looked == [[float(scene.alpha.sum()) for scene in scenes] for scenes in ((source(3), source(4)), held_out)]
    assert (found.seen, found.unseen) == (1.0, 2.0)


def test_it_measures_alpha_of_whole_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = Neural(width=16, guide_width=8, guide_maps=8)
    config = training_config("neural", seed=5, **SMALL)
    run = Checkpoint(network, config.model_dump(mode="json"), Provenance(steps=1))
    found = memory_of(run, shots=2)
    assert 0.0 < found.seen < 1.0
    assert 0.0 < found.unseen < 1.0
    save_checkpoint(tmp_path / "run.safetensors", run)
    memorized.main([str(tmp_path / "run.safetensors"), "--shots", "2"])
    assert f"MAD {found.seen:.4f} on shots it saw last, {found.unseen:.4f} on unseen" in capsys.readouterr().out


def test_other_networks_have_no_such_shots() -> None:
    with pytest.raises(KeyingError, match="Only runs of the network `neural`"):
        memory_of(Checkpoint(Regression(), {}, Provenance()), shots=1)


def test_a_run_on_ones_own_shots_is_refused() -> None:
    config = training_config("neural", own_shots="shots", **SMALL)
    run = Checkpoint(Neural(width=16, guide_width=8, guide_maps=8), config.model_dump(mode="json"), Provenance(steps=1))
    with pytest.raises(KeyingError, match="your own shots"):
        memory_of(run, shots=1)
