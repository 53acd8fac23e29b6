"""Recipes: the stages that make what is released, one after the other, by one command that can be stopped and repeated.

A stage trains a network, from random weights or from those of an earlier stage, or averages earlier stages. A stage
that is done is not done again; one that was interrupted goes on where its state stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from model.checkpoint import Checkpoint, Provenance, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.training.config import training_config
from model.training.mean import mean_weights
from model.training.train import STATE, WEIGHTS, Progress, train


@dataclass(frozen=True)
class Stage:
    """One step of a recipe: a run of training, or the mean of earlier stages' weights where ``averages`` names any."""

    name: str  # of its folder
    network: str = "neural"
    begins_with: str | None = None  # stage whose weights the run begins with; None: random ones
    choices: Mapping[str, Any] = field(default_factory=dict)  # of the run, over those of its preset
    averages: tuple[str, ...] = ()


RECIPES: dict[str, tuple[Stage, ...]] = {
    "released": (
        Stage("neural-first"),
        Stage("neural-a", begins_with="neural-first", choices={"steps": 3500, "warmup": 50, "seed": 11}),
        Stage("neural-b", begins_with="neural-first", choices={"steps": 3500, "warmup": 50, "seed": 12}),
        # Small batches leave noise in the weights, which two runs from one beginning do not share.
        Stage("neural", averages=("neural-a", "neural-b")),
        Stage("segmenter", network="segmenter", begins_with="neural", choices={"steps": 2500, "seed": 71}),
    )
}
"""By name, the stages in their order; the last two of ``released`` are the files in `model/weights`."""


def follow(
    stages: tuple[Stage, ...],
    output: Path,
    *,
    device: str,
    choices: Mapping[str, Any],
    provenance: Provenance,
    report: Callable[[Stage, Progress], None] = lambda _, __: None,
) -> list[Path]:
    """Go through the stages in ``output`` and return their weights, in order.

    ``choices`` win over those of every training stage. Raises KeyingError as `train` does, and for choices that do not
    fit.
    """
    made: dict[str, Path] = {}
    for stage in stages:
        folder = output / stage.name
        made[stage.name] = folder / WEIGHTS
        if stage.averages:
            _average(stage, made, provenance)
        else:
            _run(stage, folder, made, device, {**stage.choices, **choices}, provenance, report)
    return list(made.values())


def _average(stage: Stage, made: Mapping[str, Path], provenance: Provenance) -> None:
    found = mean_weights([load_checkpoint(made[name]) for name in stage.averages], provenance.command)
    made[stage.name].parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(made[stage.name], found)


def _run(
    stage: Stage,
    folder: Path,
    made: Mapping[str, Path],
    device: str,
    choices: Mapping[str, Any],
    provenance: Provenance,
    report: Callable[[Stage, Progress], None],
) -> None:
    try:
        config = training_config(stage.network, cuda=device.startswith("cuda"), **choices)
    except ValidationError as error:
        raise KeyingError(
            f"The choices of stage '{stage.name}' do not fit: {error.errors()[0]['msg']}.",
            fix="model/training/config.py documents every choice.",
        ) from error
    resume = (folder / STATE).exists()
    if resume and _is_done(folder / WEIGHTS):
        return
    start: Checkpoint | None = None
    if stage.begins_with is not None and not resume:
        start = load_checkpoint(made[stage.begins_with], device=device)
    train(
        config,
        folder,
        device=device,
        resume=resume,
        start=start,
        provenance=provenance,
        report=lambda progress: report(stage, progress),
    )


def _is_done(weights: Path) -> bool:
    """Say whether a run took all its steps."""
    if not weights.exists():
        return False
    found = load_checkpoint(weights)
    return found.provenance.steps >= int(found.training["steps"])
