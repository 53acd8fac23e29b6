"""`dropkey train`: what it asks for, what it writes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoint import load_checkpoint
from model.data.dataset import write_shots
from model.data.scenes import generate
from service.cli.data import linear_writer
from service.errors import BadInput
from tests.service.command_line import Dropkey

SMALL = [
    f"--set={choice}"
    for choice in ("batch=1", "crop=16", "shot_height=48", "shot_width=48", "pool=1", "validation_shots=1")
]

NARROW = [f"--option={choice}" for choice in ("width=16", "guide_width=8", "guide_maps=8")]


def test_training_writes_weights_that_know_their_origin_and_goes_on_later(dropkey: Dropkey, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = dropkey("train", "--network", "regression", "--output", folder, "--steps", 2, "--seconds", 0, *SMALL)
    assert first.exit_code == 0, first.output
    assert "step 1/2" in first.stdout
    second = dropkey("train", "--resume", folder)
    assert second.exit_code == 0, second.output
    assert "step 2/2" in second.stdout and "validation MAD" in second.stdout
    weights = load_checkpoint(folder / "weights.safetensors", "regression")
    assert second.stdout.splitlines()[-1].startswith(weights.weights_id)
    assert weights.provenance.steps == 2
    assert weights.provenance.machine.startswith("cpu")
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_folder_a_run_goes_into_one_of_the_networks_name(
    dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = dropkey("train", "--network", "regression", "--steps", 1, *SMALL)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "regression" / "weights.safetensors").is_file()
    again = dropkey("train", "--network", "regression", "--steps", 1, *SMALL)
    assert again.exit_code != 0 and "already holds a run" in again.stderr


def test_the_neural_keyer_goes_on_learning_from_ones_own_shots(dropkey: Dropkey, tmp_path: Path) -> None:
    write_shots(tmp_path / "shots", generate([4], height=56, width=72), linear_writer(), noiseless=False)
    begun = dropkey("train", "--output", tmp_path / "first", "--steps", 1, *SMALL, *NARROW)
    assert begun.exit_code == 0, begun.output
    first = tmp_path / "first" / "weights.safetensors"
    arguments = ("--from", first, "--data", tmp_path / "shots", "--output", tmp_path / "second", "--steps", 1)
    tuned = dropkey("train", *arguments, *SMALL, *NARROW, "--set=own_share=1.0")
    assert tuned.exit_code == 0, tuned.output
    weights = load_checkpoint(tmp_path / "second" / "weights.safetensors", "neural")
    assert weights.training["own_shots"] == str(tmp_path / "shots")
    assert " && " in weights.provenance.command, "what made the weights that it began with is told as well"


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--output", "a", "--resume", "b"],
        ["train", "--resume", "b", "--steps", "4"],
        ["train", "--output", "a", "--set", "batch"],
        ["train", "--output", "a", "--set", "batch=0"],
        ["train", "--output", "a", "--set", "invented=1"],
        ["train", "--output", "a", "--network", "invented"],
        ["train", "--output", "a", "--option", "depth=3"],
        ["train", "--output", "a", "--data", "nowhere"],
        ["train", "--output", "a", "--network", "regression", "--data", "nowhere"],
        ["train", "--output", "a", "--from", "nowhere.safetensors"],
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_starts(
    dropkey: Dropkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = dropkey(*arguments)
    assert result.exit_code == BadInput.exit_code
    assert "→" in result.stderr
    assert not (tmp_path / "a").exists()


def test_a_recipe_stands_by_itself_and_unknown_ones_are_named(dropkey: Dropkey, tmp_path: Path) -> None:
    unknown = dropkey("train", "--recipe", "secret", "--output", tmp_path / "out")
    assert unknown.exit_code != 0 and "There are: released." in unknown.stderr
    mixed = dropkey("train", "--recipe", "released", "--network", "neural")
    assert mixed.exit_code != 0 and "own stages" in mixed.stderr
    assert not (tmp_path / "out").exists()
