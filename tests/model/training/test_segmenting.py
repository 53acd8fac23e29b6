"""The objective of the `segmenter`: it runs, goes on with the same bits, and starts from a neural network's guide."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import Checkpoint, Provenance
from model.data.config import DataConfig
from model.network.neural import FEATURES, GUIDE_FEATURES, Neural
from model.network.segmenter import Segmenter
from model.training.config import TrainingConfig
from model.training.curve import read_rows
from model.training.scenes import GeneratedScenes, Scene
from model.training.segmenting import SegmentingObjective
from model.training.state import TrainingState
from model.training.train import train

CPU = torch.device("cpu")
EASY = DataConfig(
    subjects={"object": 1.0}, screen_colors={"green": 1.0}, near_screen=0.0, markers=0.0, set_visible=0.0, empty=0.0
)


def tiny(**changes: object) -> TrainingConfig:
    chosen = {
        "network": "segmenter", "options": {"width": 8}, "steps": 3, "batch": 4, "shot_height": 64, "shot_width": 96,
        "pool": 3, "fresh": 0.5, "warmup": 1, "validation_shots": 1, "validate_every": 6, "save_every": 4, "data": EASY,
        "averaging": 0.9, "evidence": {"made": 1.0},
    }  # fmt: skip
    return TrainingConfig.model_validate(chosen | changes)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return GeneratedScenes(tiny(), CPU)(0)


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    whole = train(tiny(), tmp_path / "whole")
    train(tiny(), tmp_path / "parts", seconds=0.0)
    resumed = train(tiny(), tmp_path / "parts", resume=True)
    rows = read_rows(tmp_path / "whole" / "loss.csv")
    assert len(rows) == 3 and set(rows[0].terms) == {"coarse", "entropy"}
    assert read_rows(tmp_path / "parts" / "loss.csv") == rows
    assert resumed.weights_id == whole.weights_id
    assert (tmp_path / "whole" / "pictures.png").stat().st_size > 500


def test_frames_of_a_step_are_the_same_after_an_interruption(scene: Scene) -> None:
    """Wide and tall ones, once the oldest have given their places to new ones."""
    tall = [part.mT.contiguous() for part in (scene.small, scene.small_alpha)]

    def source(number: int) -> Scene:
        small, alpha = tall if number % 3 == 0 else (scene.small, scene.small_alpha)
        return Scene(scene.layers, scene.behind, scene.rotation, small + number, alpha, scene.soft)

    config = tiny(pool=5, fresh=1.0)
    travelled = SegmentingObjective(config, CPU, source)
    for step in range(12):
        before = travelled._batch(step)
        after = SegmentingObjective(config, CPU, source)._batch(step)
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), step


def test_a_mirrored_frame_has_its_evidence_and_its_truth_mirrored_too(scene: Scene) -> None:
    told = scene.small.clone()
    told[:, FEATURES:] = told[:, :1] = scene.small_alpha
    same = Scene(scene.layers, scene.behind, scene.rotation, told, scene.small_alpha, scene.soft)
    objective = SegmentingObjective(tiny(batch=12), CPU, lambda _number: same)
    small, truth = objective._batch(0)
    assert small.shape[1] == GUIDE_FEATURES
    assert torch.equal(small[:, FEATURES:], truth) and torch.equal(small[:, :1], truth)
    assert {bool(torch.equal(one, scene.small_alpha[0])) for one in truth} == {True, False}


def test_a_blind_frame_has_no_evidence_and_the_pool_keeps_it(scene: Scene) -> None:
    objective = SegmentingObjective(tiny(blind=1.0), CPU, lambda _number: scene)
    assert bool((scene.small[:, FEATURES:] != 0).any())
    for step in range(2):
        assert not bool((objective._batch(step)[0][:, FEATURES:] != 0).any())
    assert bool((scene.small[:, FEATURES:] != 0).any())


def test_it_starts_with_the_coarse_alpha_of_a_neural_network() -> None:
    neural = Neural(width=16, guide_width=8, guide_maps=8, outlook=True, recording=True).eval()
    state = TrainingState.begin(tiny(), CPU)
    state.start_from(Checkpoint(neural, {}, Provenance()).network)
    small = torch.rand(1, GUIDE_FEATURES, 16, 24, generator=torch.Generator().manual_seed(5))
    assert isinstance(state.network, Segmenter)
    torch.testing.assert_close(state.network(small), neural.guide(small)[:, -1:])
