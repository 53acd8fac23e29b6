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


def weights(value: float, command: str, maps: int = 8, **told: object) -> Checkpoint:
    network = Neural(**SMALL | {"guide_maps": maps})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    provenance = Provenance(command=command, metrics={"loss": 1.0}).model_copy(update=told)
    return Checkpoint(network, {"seed": int(value)}, provenance)


def test_the_part_named_is_the_ones_and_the_rest_is_the_others(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in ("rest", "source")]
    card = {"machine": "card", "steps": 7, "seconds": 2.0, "date": "2026-11-27"}
    cores = {"machine": "two cores", "steps": 5, "seconds": 3.0, "date": "2026-11-26"}
    for file, value, told in zip(files, (1.0, 2.0), (card, cores), strict=True):
        save_checkpoint(file, weights(value, f"train {file.stem}", **told))
    main([str(tmp_path / "both.safetensors"), str(files[0]), "guide", str(files[1])])
    found = load_checkpoint(tmp_path / "both.safetensors")
    for name, parameter in found.network.named_parameters():
        assert bool((parameter == (2.0 if name.startswith("guide.") else 1.0)).all()), name
    assert found.provenance.command.startswith("train rest && train source && python -m model.training.graft ")
    told = found.provenance
    assert (told.steps, told.seconds, told.machine, told.date) == (12, 5.0, "card; two cores", "2026-11-27")
    assert told.metrics == {} and found.training == {"seed": 1}, "training is that of the rest"


@pytest.mark.parametrize(("part", "maps"), [("guide", 16), ("gui", 8), ("tail", 8)])
def test_parts_that_do_not_fit_are_refused(part: str, maps: int) -> None:
    with pytest.raises(KeyingError, match="no part"):
        grafted(weights(1.0, "rest"), part, weights(2.0, "source", maps), "graft")
