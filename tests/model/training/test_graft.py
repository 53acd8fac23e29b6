"""Parts of two runs are put together, and the file tells how each was made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.network.neural import Neural
from model.training.graft import grafted, main

SMALL = {"width": 16, "guide_width": 8, "guide_maps": 8}


def weights(value: float, command: str, maps: int = 8) -> Checkpoint:
    network = Neural(**SMALL | {"guide_maps": maps})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return Checkpoint(network, {"seed": 1}, Provenance(command=command, steps=7, seconds=2.0, metrics={"loss": 1.0}))


def test_the_part_named_is_the_ones_and_the_rest_is_the_others(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in ("rest", "source")]
    for file, value in zip(files, (1.0, 2.0), strict=True):
        save_checkpoint(file, weights(value, f"train {file.stem}"))
    main([str(tmp_path / "both.safetensors"), str(files[0]), "guide", str(files[1])])
    found = load_checkpoint(tmp_path / "both.safetensors")
    for name, parameter in found.network.named_parameters():
        assert bool((parameter == (2.0 if name.startswith("guide.") else 1.0)).all()), name
    assert found.provenance.command.startswith("train rest && train source && python -m model.training.graft ")
    assert (found.provenance.seconds, found.provenance.metrics) == (4.0, {})


@pytest.mark.parametrize(("part", "maps"), [("guide", 16), ("gui", 8), ("tail", 8)])
def test_parts_that_do_not_fit_are_refused(part: str, maps: int) -> None:
    with pytest.raises(KeyingError, match="no part"):
        grafted(weights(1.0, "rest"), part, weights(2.0, "source", maps), "graft")
