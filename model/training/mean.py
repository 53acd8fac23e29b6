"""Averages the weights of runs that began with one another: ``python -m model.training.mean OUT FILE FILE...``.

Small batches leave noise in the weights that the average of one run cannot take away; the mean of several runs from one
beginning has less of it. Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization";
Wortsman et al. 2022, "Model soups".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.training.combining import combined, command_line
from model.training.expand_inputs import with_inputs_of


def mean_weights(checkpoints: Sequence[Checkpoint], command: str) -> Checkpoint:
    """Return the mean of weights; what its provenance tells says `combined`.

    The last one says what network it is; those that saw less than it does are expanded first. Raises KeyingError where
    there are fewer than two, or they are of different networks.
    """
    last = checkpoints[-1]
    states = [with_inputs_of(one.network.state_dict(), last.network.state_dict()) for one in checkpoints]
    alike = [state for state in states if state is not None]
    if len(alike) < max(2, len(states)) or {one.network.name for one in checkpoints} != {last.network.name}:
        raise KeyingError(
            "A mean needs at least two files with weights of one network, the last with every option of the others.",
            fix="Name runs that began with one another.",
        )
    mean = {name: torch.stack([state[name] for state in alike]).mean(0) for name in alike[0]}
    return combined(mean, last, checkpoints, command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the mean of the files named."""
    parser = argparse.ArgumentParser(prog="python -m model.training.mean", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("weights", type=Path, nargs="+")
    chosen = parser.parse_args(arguments)
    command = command_line("model.training.mean", chosen.output, *chosen.weights)
    found = mean_weights([load_checkpoint(path) for path in chosen.weights], command)
    save_checkpoint(chosen.output, found)
    sys.stdout.write(f"{found.weights_id}: {chosen.output}\n")


if __name__ == "__main__":
    main()
