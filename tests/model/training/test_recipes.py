"""Recipes: every stage in its order, none twice, one that was interrupted to its end; the mean as a stage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import Provenance, load_checkpoint
from model.errors import KeyingError
from model.training.config import training_config
from model.training.recipes import RECIPES, Stage, follow
from model.training.train import train

SMALL = {"batch": 1, "crop": 16, "shot_height": 48, "shot_width": 48, "pool": 1, "validation_shots": 1}
NARROW = {"options": {"width": 16, "guide_width": 8, "guide_maps": 8}}
STAGES = (
    Stage("first", choices={"steps": 2} | NARROW),
    Stage("a", begins_with="first", choices={"steps": 1, "seed": 2} | NARROW),
    Stage("b", begins_with="first", choices={"steps": 1, "seed": 3} | NARROW),
    Stage("mean", averages=("a", "b")),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def followed(output: Path) -> tuple[list[str], list[str]]:
    """Return the names of the stages that took a step, and the identities of all weights."""
    seen: list[str] = []
    made = follow(
        STAGES,
        output,
        device="cpu",
        choices=SMALL,
        provenance=Provenance(command="dropkey train --recipe test"),
        report=lambda stage, _: seen.append(stage.name),
    )
    return seen, [load_checkpoint(path).weights_id for path in made]


def test_an_interrupted_recipe_goes_on_where_it_was_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    seen, whole = followed(tmp_path / "whole")
    assert seen[0] == "first" and set(seen) == {"first", "a", "b"}
    config = training_config("neural", **(SMALL | {"steps": 2} | NARROW))
    train(config, tmp_path / "cut" / "first", seconds=0.0)
    assert load_checkpoint(tmp_path / "cut" / "first" / "weights.safetensors").provenance.steps == 1
    assert followed(tmp_path / "cut")[1] == whole
    assert followed(tmp_path / "cut") == ([], whole), "nothing is done twice"


def test_the_mean_is_that_of_the_runs_it_names(tmp_path: Path) -> None:
    followed(tmp_path)
    a, b, mean = (
        load_checkpoint(tmp_path / name / "weights.safetensors").network.state_dict() for name in ("a", "b", "mean")
    )
    assert all(torch.allclose(mean[name], (a[name] + b[name]) / 2, atol=1e-6) for name in mean)
    assert any(not torch.equal(a[name], b[name]) for name in mean)


@pytest.mark.parametrize("stage", [one for one in RECIPES["released"] if not one.averages], ids=lambda one: one.name)
def test_what_is_released_is_trained_by_choices_that_exist(stage: Stage) -> None:
    earlier = [one.name for one in RECIPES["released"][: RECIPES["released"].index(stage)]]
    assert stage.begins_with in (None, *earlier)
    for cuda in (False, True):
        assert training_config(stage.network, cuda=cuda, **stage.choices).network == stage.network


def test_choices_that_do_not_fit_name_their_stage(tmp_path: Path) -> None:
    with pytest.raises(KeyingError, match="stage 'first'"):
        follow(STAGES, tmp_path, device="cpu", choices={"batch": 0}, provenance=Provenance())
