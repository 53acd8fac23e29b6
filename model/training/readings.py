"""Scores weights files on the fixed procedural set, in every reading: ``python -m model.training.readings FILE...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from model.baselines import BaselineKeyer
from model.checkpoint import load_checkpoint
from model.evaluation.contenders import OurKeyer
from model.evaluation.procedural import procedural
from model.evaluation.results import Row
from model.evaluation.run import score
from model.evaluation.sets import PlateSet
from model.network.classification import READINGS, Classification


def scored(weights: Path, plate_set: PlateSet, *, quick: bool) -> Iterator[tuple[str, Row]]:
    """Yield each reading of a weights file (regression has one, ``alpha``) and its row of figures on ``plate_set``."""
    name = load_checkpoint(weights).network.name
    keyer = BaselineKeyer(name, torch.device("cpu"), weights)
    readings = READINGS if isinstance(keyer.network, Classification) else ("alpha",)
    for reading in readings:
        if isinstance(keyer.network, Classification):
            keyer.network.reading = reading
        yield reading, score(OurKeyer(name, keyer=keyer), plate_set, quick=quick)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each file and reading."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--quick", action="store_true", help="the small set of `dropkey evaluate --quick`")
    chosen = parser.parse_args(arguments)
    plate_set = procedural(chosen.quick)
    for weights in chosen.weights:
        for reading, row in scored(weights, plate_set, quick=chosen.quick):
            sys.stdout.write(f"{weights} {reading}: MAD {row.mean('mad'):.4f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
