"""Puts the parts of two runs together: ``python -m model.training.graft OUT WEIGHTS PART FILE``.

OUT has the part PART, such as ``guide``, of FILE, and everything else of WEIGHTS. Runs with one ancestor understand
each other: the fine part of one answers well to the guide of another (docs/training.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from model.errors import KeyingError
from model.training.combining import combined, command_line


def grafted(rest: Checkpoint, part: str, source: Checkpoint, command: str) -> Checkpoint:
    """Return ``rest`` with the weights whose names begin with ``part`` taken from ``source``.

    Provenance: `combined`. Raises KeyingError where the networks differ in shape,
    or have no such part.
    """
    own, other = rest.network.state_dict(), source.network.state_dict()
    taken = {name: weights for name, weights in other.items() if name.startswith(f"{part}.")}
    shapes = [{name: weights.shape for name, weights in state.items()} for state in (own, other)]
    if not taken or shapes[0] != shapes[1]:
        raise KeyingError(
            f"There is no part '{part}' that the two have alike.", fix="Name weights of one network, and a part of it."
        )
    return combined(own | taken, rest, (rest, source), command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what was put together."""
    parser = argparse.ArgumentParser(prog="python -m model.training.graft", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("part")
    parser.add_argument("file", type=Path)
    chosen = parser.parse_args(arguments)
    command = command_line("model.training.graft", chosen.output, chosen.weights, chosen.part, chosen.file)
    found = grafted(load_checkpoint(chosen.weights), chosen.part, load_checkpoint(chosen.file), command)
    save_checkpoint(chosen.output, found)
    sys.stdout.write(f"{found.weights_id}: {chosen.output}\n")


if __name__ == "__main__":
    main()
