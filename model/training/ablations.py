"""Trains a small `neural` network whole and without single parts: ``python -m model.training.ablations FOLDER``.

Every run has the same seed, so the same shots and crops, but for what is taken away. ``dropkey evaluate --weights``
scores each; docs/ablations.md tells what came of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from model.checkpoint import Provenance
from model.training.config import TrainingConfig, training_config
from model.training.train import Progress, train

SMALL: dict[str, Any] = {
    "options": {"width": 16, "guide_width": 16, "guide_maps": 16, "outlook": True},
    "learning_rate": 1e-3,
    "averaging": 0.99,
    "pool": 64,
}
"""Choices that make a run short enough to take three of them on a CPU."""


def ablations(steps: int) -> dict[str, TrainingConfig]:
    """Return the configurations by name: ``whole`` first, then what lacks one part."""
    whole = training_config("neural", steps=steps, **SMALL)
    no_composite = {"recomposition": 0.0, "recomposition_display": 0.0}
    pristine = {"spill": False, "camera": False}
    return {
        "whole": whole,
        "no-recomposition": whole.model_copy(update={"loss_weights": whole.loss_weights | no_composite}),
        "no-spill-no-camera": whole.model_copy(
            update={
                "data": whole.data.model_copy(update=pristine),
                "studio_data": whole.studio_data.model_copy(update=pristine),
            }
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all of them, one after the other, each into a folder of its name; one that is there is gone on with."""
    parser = argparse.ArgumentParser(prog="python -m model.training.ablations", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    command = f"python -m model.training.ablations {chosen.folder.as_posix()} --steps {chosen.steps}"
    for name, config in ablations(chosen.steps).items():
        folder = chosen.folder / name
        done = train(
            config,
            folder,
            resume=(folder / "state.safetensors").exists(),
            provenance=Provenance(command=f"{command}  # {name}"),
            report=_show,
        )
        sys.stdout.write(f"{done.weights_id}: {folder / 'weights.safetensors'}\n")


def _show(progress: Progress) -> None:
    sys.stdout.write(
        f"step {progress.row.step + 1}/{progress.steps}  loss {progress.row.loss:.3f}  {progress.seconds:.0f} s\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
