"""Training: it learns, it goes on where it was interrupted, and its control learns nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from model.checkpoint import Provenance, load_checkpoint
from model.data.config import DataConfig
from model.errors import KeyingError
from model.evaluation.procedural import FIRST_SEED
from model.network.registry import build_network
from model.training.config import TrainingConfig, training_config
from model.training.curve import Row, draw_curve, read_rows
from model.training.losses import OBJECTIVES, weighted_sum
from model.training.shots import FIRST_VALIDATION_SEED, SEEDS_PER_RUN, ShotPool
from model.training.state import learning_rate
from model.training.timing import time_steps
from model.training.train import Progress, train

EASY = DataConfig(
    subjects={"object": 1.0}, screen_colors={"green": 1.0}, near_screen=0.0, markers=0.0, set_visible=0.0, empty=0.0
)


def tiny(network: str = "regression", **changes: object) -> TrainingConfig:
    chosen = {
        "network": network, "steps": 20, "batch": 2, "crop": 16, "shot_height": 64, "shot_width": 64, "pool": 4,
        "fresh": 0.5, "warmup": 3, "validation_shots": 1, "validate_every": 10, "save_every": 4, "data": EASY,
    }  # fmt: skip
    return TrainingConfig.model_validate(chosen | changes)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("network", sorted(OBJECTIVES))
def test_twenty_steps_lower_the_loss(network: str, tmp_path: Path) -> None:
    train(tiny(network, learning_rate=0.01, batch=4), tmp_path)
    losses = [row.loss for row in read_rows(tmp_path / "loss.csv")]
    assert len(losses) == 20
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("network", sorted(OBJECTIVES))
def test_an_interrupted_run_goes_on_with_the_same_losses(network: str, tmp_path: Path) -> None:
    config = tiny(network, steps=7, averaging=0.9)
    whole = train(config, tmp_path / "whole")
    first = train(config, tmp_path / "parts", seconds=0.0)
    assert first.provenance.steps == 1
    second = train(tiny("regression", steps=99), tmp_path / "parts", resume=True)
    assert read_rows(tmp_path / "parts" / "loss.csv") == read_rows(tmp_path / "whole" / "loss.csv")
    assert second.weights_id == whole.weights_id
    assert second.provenance.steps == 7


def test_rows_written_after_the_saved_state_are_taken_again(tmp_path: Path) -> None:
    config = tiny(steps=6, save_every=3)
    train(config, tmp_path, seconds=0.0)
    with (tmp_path / "loss.csv").open("a", encoding="utf-8") as file:
        file.write("1,9.0,9.0,9.0,\n2,9.0,9.0,9.0,\n")
    train(config, tmp_path, resume=True)
    rows = read_rows(tmp_path / "loss.csv")
    assert [row.step for row in rows] == list(range(6))
    assert max(row.loss for row in rows) < 9.0


def test_weights_carry_configuration_and_provenance(tmp_path: Path) -> None:
    config = tiny(steps=2, seed=3)
    done = train(config, tmp_path)
    loaded = load_checkpoint(tmp_path / "weights.safetensors", "regression")
    assert TrainingConfig.model_validate(loaded.training) == config
    assert loaded.weights_id == done.weights_id
    assert loaded.provenance.data_seed == 3
    assert loaded.provenance.torch_version == torch.__version__
    assert set(loaded.provenance.metrics) == {"loss", "validation_mad"}


def test_provenance_names_the_commands_of_every_sitting(tmp_path: Path) -> None:
    train(tiny(steps=2), tmp_path, seconds=0.0, provenance=Provenance(command="dropkey train"))
    done = train(tiny(), tmp_path, resume=True, provenance=Provenance(command="dropkey train --resume x"))
    assert done.provenance.command == "dropkey train && dropkey train --resume x"


def test_a_run_can_begin_with_the_weights_of_another(tmp_path: Path) -> None:
    first = train(tiny(learning_rate=0.01), tmp_path / "first", provenance=Provenance(command="one"))
    second = train(tiny(steps=1), tmp_path / "second", start=first, provenance=Provenance(command="two"))
    assert (
        read_rows(tmp_path / "second" / "loss.csv")[0].loss < 0.9 * read_rows(tmp_path / "first" / "loss.csv")[0].loss
    )
    assert second.provenance.command == "one && two"
    with pytest.raises(KeyingError, match="for regression"):
        train(tiny("classification"), tmp_path / "third", start=first)
    assert not (tmp_path / "third").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(tiny(steps=1), tmp_path)
    with pytest.raises(KeyingError, match="already holds a run"):
        train(tiny(steps=1), tmp_path)


def test_going_on_needs_a_state(tmp_path: Path) -> None:
    with pytest.raises(KeyingError, match=r"state\.safetensors"):
        train(tiny(), tmp_path, resume=True)
    (tmp_path / "state.safetensors").write_bytes(b"{}" + b" " * 30)
    with pytest.raises(KeyingError):
        train(tiny(), tmp_path, resume=True)


def test_progress_tells_error_and_share_of_the_generator(tmp_path: Path) -> None:
    seen: list[Progress] = []
    train(tiny(steps=10), tmp_path, report=seen.append)
    assert [progress.row.step for progress in seen] == [9]
    assert seen[0].row.validation is not None
    assert 0.0 < seen[0].generator_share < 1.0


def test_a_batch_is_fixed_by_its_step_alone() -> None:
    config = tiny()
    travelled, fresh = (ShotPool(config, (3, 3), torch.device("cpu")) for _ in range(2))
    for step in range(9):
        before = travelled.batch(step)
    after = fresh.batch(8)
    assert torch.equal(before.plate, after.plate) and torch.equal(before.alpha, after.alpha)
    assert not torch.equal(before.plate, fresh.batch(9).plate)


def test_the_truth_of_a_crop_lies_under_its_answer() -> None:
    """Context is 18 pixels before and 19 after, also in crops that were turned and mirrored."""
    config = tiny(crop=24, batch=6, data=EASY.model_copy(update={"camera": False, "spill": False}))
    batch = ShotPool(config, (18, 19), torch.device("cpu")).batch(0)
    assert batch.plate.shape == (6, 3, 61, 61)
    inside = batch.plate[..., 18:-19, 18:-19]
    recomposed = batch.foreground * batch.alpha + batch.background * (1 - batch.alpha)
    torch.testing.assert_close(inside, recomposed, atol=1e-4, rtol=1e-3)


def test_shuffled_truth_keeps_the_plates_and_mixes_up_the_alphas() -> None:
    true, shuffled = (
        ShotPool(tiny(shuffled_truth=wanted), (3, 3), torch.device("cpu")).batch(2) for wanted in (False, True)
    )
    assert torch.equal(true.plate, shuffled.plate)
    assert not torch.equal(true.alpha, shuffled.alpha)


def test_seeds_of_training_stay_below_those_of_validation() -> None:
    largest = TrainingConfig.model_fields["seed"].metadata
    assert any(getattr(limit, "lt", None) == 1_000 for limit in largest)
    assert 1_000 * SEEDS_PER_RUN <= FIRST_VALIDATION_SEED < FIRST_SEED, "and both below those of the fixed sets"


def test_crops_must_fit_into_shots() -> None:
    with pytest.raises(KeyingError, match="do not fit"):
        ShotPool(tiny(crop=60), (18, 19), torch.device("cpu"))


def test_the_loss_is_the_weighted_sum_of_its_named_terms() -> None:
    terms = {"alpha": torch.tensor(2.0), "cross_entropy": torch.tensor(3.0)}
    assert float(weighted_sum(terms, {"alpha": 0.5})) == pytest.approx(4.0)
    with pytest.raises(KeyingError, match="foreground"):
        weighted_sum(terms, {"foreground": 1.0})


@pytest.mark.parametrize("network", sorted(OBJECTIVES))
def test_each_network_has_terms_that_can_be_followed_down(network: str) -> None:
    built = build_network(network)
    terms = OBJECTIVES[network](built, ShotPool(tiny(network), built.context, torch.device("cpu")).batch(0))
    weighted_sum(terms, {}).backward()
    assert all(value.grad is not None for value in built.parameters())


def test_the_learning_rate_rises_then_falls_to_its_last_share() -> None:
    config = tiny(steps=100, warmup=10, learning_rate=1.0, last_learning_rate=0.1)
    assert learning_rate(config, 0) == pytest.approx(0.1, rel=0.01)
    assert learning_rate(config, 10) > 0.95
    assert learning_rate(config, 100) == pytest.approx(0.1)


def test_the_curve_shows_loss_and_error() -> None:
    rows = [Row(step, 1.0 / (step + 1), {}, 0.3 if step % 10 == 9 else None) for step in range(50)]
    picture = draw_curve(rows)
    assert picture.shape == (400, 720, 3)
    colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert {(30, 80, 170), (200, 60, 40)} <= colors


def test_the_cost_of_a_step_is_split_into_shots_and_the_rest() -> None:
    found = time_steps(tiny(), steps=4)
    assert 0.0 < found.generator_seconds < found.step_seconds
    assert found.generator_share == pytest.approx(found.generator_seconds / found.step_seconds)


@pytest.mark.parametrize("network", sorted(OBJECTIVES))
def test_every_network_has_a_preset_whose_choices_can_be_replaced(network: str) -> None:
    assert training_config(network).data.set_visible == 0.0
    assert training_config(network, batch=3).batch == 3
    with pytest.raises(ValidationError):
        training_config(network, invented=1)
