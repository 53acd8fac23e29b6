"""`dropkey train`: what it asks for, what it writes, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from model.checkpoint import load_checkpoint
from service.cli import app
from service.errors import BadInput

Dropkey = Callable[..., Result]
SMALL = [
    f"--set={choice}"
    for choice in ("batch=1", "crop=16", "shot_height=48", "shot_width=48", "pool=1", "validation_shots=1")
]


@pytest.fixture
def dropkey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dropkey:
    """Run `dropkey …` in this process."""
    monkeypatch.setenv("DROPKEY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DROPKEY_DEVICE", "cpu")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_training_writes_weights_that_know_their_origin_and_goes_on_later(dropkey: Dropkey, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = dropkey("train", "--output", folder, "--steps", 2, "--seconds", 0, *SMALL)
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "--output", "a", "--resume", "b"],
        ["train", "--resume", "b", "--steps", "4"],
        ["train", "--output", "a", "--set", "batch"],
        ["train", "--output", "a", "--set", "batch=0"],
        ["train", "--output", "a", "--set", "invented=1"],
        ["train", "--output", "a", "--network", "invented"],
        ["train", "--output", "a", "--option", "width=3"],
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
