"""The mean of weights is their mean, and its file tells how each of them was made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.network.neural import Neural
from model.network.regression import Regression
from model.training.mean import main, mean_weights

SMALL = {"width": 16, "guide_width": 8, "guide_maps": 8}


def weights(value: float, command: str) -> Checkpoint:
    network = Neural(**SMALL)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return Checkpoint(network, {"seed": 1}, Provenance(command=command, steps=7, seconds=2.0, metrics={"loss": 1.0}))


def test_each_weight_is_the_mean_and_all_commands_are_kept(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in ("first", "second")]
    for file, value in zip(files, (1.0, 2.0), strict=True):
        save_checkpoint(file, weights(value, f"train {file.stem}"))
    main([str(tmp_path / "mean.safetensors"), *map(str, files)])
    found = load_checkpoint(tmp_path / "mean.safetensors")
    assert all(bool((parameter == 1.5).all()) for parameter in found.network.parameters())
    told = found.provenance
    assert told.command.startswith("train first && train second && python -m model.training.mean ")
    assert (told.seconds, told.metrics) == (4.0, {})
    assert found.weights_id not in {load_checkpoint(file).weights_id for file in files}


def test_what_both_came_from_is_told_once() -> None:
    both = [weights(1.0, f"card && train {name}") for name in ("first", "second")]
    assert mean_weights(both, "mean").provenance.command == "card && train first && train second && mean"


def test_a_file_named_twice_weighs_twice_and_was_trained_once() -> None:
    first, second = weights(1.0, "first"), weights(4.0, "second")
    found = mean_weights([first, first, second], "mean")
    assert all(bool((parameter == 2.0).all()) for parameter in found.network.parameters())
    assert (found.provenance.seconds, found.provenance.command) == (4.0, "first && second && mean")


def test_weights_that_saw_less_are_expanded_and_those_that_saw_more_are_refused() -> None:
    plain, told = weights(1.0, "plain"), Checkpoint(Neural(**SMALL, recording=True), {}, Provenance())
    found = mean_weights([plain, told], "mean")
    assert found.network.options == told.network.options
    new, old = (one.network.state_dict()["fine.gather.weight"] for one in (found, told))
    seen = plain.network.state_dict()["fine.gather.weight"].shape[1]
    assert torch.allclose(new[:, :seen], (1 + old[:, :seen]) / 2)
    assert torch.allclose(new[:, seen:], old[:, seen:] / 2)
    with pytest.raises(KeyingError, match="every option of the others"):
        mean_weights([told, plain], "mean")


def test_one_file_alone_or_other_networks_have_no_mean() -> None:
    one = weights(1.0, "train")
    for wrong in ([one], [one, Checkpoint(Regression(), {}, Provenance())]):
        with pytest.raises(KeyingError, match="at least two"):
            mean_weights(wrong, "mean")
