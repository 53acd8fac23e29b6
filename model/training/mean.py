"""Averages the weights of runs that began with one another: ``python -m model.training.mean OUT FILE FILE...``.

Small batches leave noise in the weights that the average of one run cannot take away; the mean of several runs from one
beginning has less of it. Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization";
Wortsman et al. 2022, "Model soups".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.network.registry import build_network


def mean_weights(checkpoints: Sequence[Checkpoint], command: str) -> Checkpoint:
    """Return the mean of weights; its provenance tells the commands of all, then ``command``.

    Raises KeyingError where there are fewer than two, or they are of different networks.
    """
    kinds = {(one.network.name, tuple(sorted(one.network.options.items()))) for one in checkpoints}
    if len(checkpoints) < 2 or len(kinds) > 1:
        raise KeyingError(
            "A mean needs at least two files with weights of one network with the same options.",
            fix="Name runs that began with one another.",
        )
    last = checkpoints[-1]
    states = [one.network.state_dict() for one in checkpoints]
    network = build_network(last.network.name, dict(last.network.options))
    network.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})
    told = " ; ".join(dict.fromkeys([*(one.provenance.command for one in checkpoints), command]))
    seconds = sum(one.provenance.seconds for one in checkpoints)
    provenance = last.provenance.model_copy(update={"command": told, "seconds": seconds, "metrics": {}})
    return replace(last, network=network.eval(), provenance=provenance)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the mean of the files named."""
    parser = argparse.ArgumentParser(prog="python -m model.training.mean", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("weights", type=Path, nargs="+")
    chosen = parser.parse_args(arguments)
    named = " ".join(path.as_posix() for path in (chosen.output, *chosen.weights))
    found = mean_weights([load_checkpoint(path) for path in chosen.weights], f"python -m model.training.mean {named}")
    save_checkpoint(chosen.output, found)
    sys.stdout.write(f"{found.weights_id}: {chosen.output}\n")


if __name__ == "__main__":
    main()
