"""Tells how much of a run is memory: ``python -m model.training.memorized FILE...``.

Alpha's error on the shots that the run saw last stands beside that on as many that no training sees, from the same
configuration. Where the two are far apart, the run has learned its shots by heart, and wants more new ones a step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.checkpoint import Checkpoint, load_checkpoint
from model.errors import KeyingError
from model.network.neural import Neural
from model.training.config import TrainingConfig
from model.training.objectives import mean_error
from model.training.scenes import GeneratedScenes, validation_scenes


@dataclass(frozen=True)
class Memory:
    """Mean over shots of alpha's mean absolute error on whole frames."""

    seen: float
    unseen: float


def memory_of(checkpoint: Checkpoint, shots: int) -> Memory:
    """Measure weights of the `neural` network on the last ``shots`` of their run, and on as many held-out ones.

    Of a mean of runs, the last is looked at. Raises KeyingError for other networks, and for runs on a user's own shots.
    """
    network = checkpoint.network
    if not isinstance(network, Neural) or not checkpoint.training:
        raise KeyingError("Only runs of the network `neural` can be looked at.", fix="Name weights of such a run.")
    config = TrainingConfig.model_validate(checkpoint.training).model_copy(update={"validation_shots": shots})
    if config.own_shots:
        raise KeyingError("A run on your own shots cannot be looked at: its generated shots are but a part.")
    device = next(network.parameters()).device
    held = config.held_at(checkpoint.provenance.steps - 1)
    source = GeneratedScenes(config, device)
    seen = [source(number) for number in held[-shots:]]
    return Memory(mean_error(network, seen), mean_error(network, validation_scenes(config, device)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(prog="python -m model.training.memorized", description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--shots", type=int, default=40)
    chosen = parser.parse_args(arguments)
    for path in chosen.weights:
        found = memory_of(load_checkpoint(path, "neural"), chosen.shots)
        sys.stdout.write(f"{path}: MAD {found.seen:.4f} on shots it saw last, {found.unseen:.4f} on unseen ones\n")


if __name__ == "__main__":
    main()
