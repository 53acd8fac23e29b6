"""Fits what a keyer doubts on made shots with exact truth: `python -m model.evaluation.doubt` prints the weights."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from model.data.scenes import generate
from model.errors import NoScreenError
from model.evaluation.recipe import frozen_recipe
from model.finishing import UnmixingKeyer
from model.keyer import Mattes, load_keyer
from model.keying.doubt import FEATURES, WRONG, features
from model.settings import KeySettings

SIZE = (270, 480)
FIRST_SEED = 700_000  # below those of the procedural set, and of no training
HELD_OUT_SEED = 800_000
BINS = 10
_EVERY = 3  # pixels of each frame that are taken: one in so many


@dataclass(frozen=True)
class Bin:
    """Pixels whose doubt lies in one tenth."""

    said: float
    """Their mean doubt."""

    wrong: float
    """The share of them that is wrong by more than 0.02."""

    pixels: int


def gathered(keyer_name: str, seeds: Iterable[int]) -> tuple[Tensor, Tensor]:
    """Return features (N, FEATURES) and whether alpha is wrong (N,) of pixels of one made frame for each seed."""
    keyer = load_keyer(keyer_name)
    assert isinstance(keyer, UnmixingKeyer)
    config = frozen_recipe().drawn(empty=0.0)
    rows, wrong = [], []
    for seed in seeds:
        batch = generate([seed], height=SIZE[0], width=SIZE[1], config=config)
        plate, truth = batch.plate[0], batch.alpha[0]
        try:
            screen = keyer.survey([plate], KeySettings())
        except NoScreenError:
            continue
        raw = keyer.infer(plate, screen, Mattes(), KeySettings())
        if raw.solved.alpha.shape != truth.shape:
            continue  # black bars: they are nobody's doubt
        found = features(raw.solved.alpha, raw.solved.plain, raw.plate, raw.clean_plate)
        rows.append(torch.stack([feature.flatten()[::_EVERY] for feature in found], dim=1))
        wrong.append(((raw.solved.alpha - truth).abs() > WRONG).flatten()[::_EVERY].float())
    return torch.cat(rows), torch.cat(wrong)


def fitted(rows: Tensor, wrong: Tensor, steps: int = 60) -> Tensor:
    """Return the weights (FEATURES,) of the logistic regression."""
    weights = torch.zeros(FEATURES, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = (
            torch.nn.functional.binary_cross_entropy_with_logits(rows @ weights, wrong) + 1e-6 * weights.square().sum()
        )
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach()


def curve(said: NDArray[np.float32], wrong: NDArray[np.bool_]) -> list[Bin]:
    """Return how often pixels are wrong, by how doubtful they are said to be."""
    bins = []
    for number in range(BINS):
        inside = (said >= number / BINS) & ((said < (number + 1) / BINS) | (number == BINS - 1))
        if inside.any():
            bins.append(Bin(float(said[inside].mean()), float(wrong[inside].mean()), int(inside.sum())))
    return bins


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, and print weights and curve."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.doubt", description=__doc__)
    parser.add_argument("--keyer", default="neural")
    parser.add_argument("--shots", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=30)
    options = parser.parse_args(arguments)
    weights = fitted(*gathered(options.keyer, range(FIRST_SEED, FIRST_SEED + options.shots)))
    console = Console(highlight=False)
    console.print(f'"{options.keyer}": ({", ".join(f"{weight:.4f}" for weight in weights.tolist())}),')
    rows, wrong = gathered(options.keyer, range(HELD_OUT_SEED, HELD_OUT_SEED + options.held_out))
    for one in curve((rows @ weights).sigmoid().numpy(), wrong.numpy() > 0.5):
        console.print(f"said {one.said:.2f}  wrong {one.wrong:.2f}  of {one.pixels} pixels")


if __name__ == "__main__":
    main()
