"""Measures what a training step costs, and how much of that goes into making shots."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from model.training.config import TrainingConfig
from model.training.losses import weighted_sum
from model.training.objectives import begin_objective
from model.training.state import TrainingState


@dataclass(frozen=True)
class StepTime:
    """Mean seconds of a training step in its steady state, the pool of shots being full."""

    network: str
    device: str
    threads: int
    batch: int
    crop: int
    fresh: float  # new shots per step
    step_seconds: float  # all of a step, new shots included
    generator_seconds: float  # of it, for new shots

    @property
    def generator_share(self) -> float:
        """Share of a step's time that goes into making shots."""
        return self.generator_seconds / self.step_seconds

    @property
    def shot_seconds(self) -> float:
        """Seconds for one new shot."""
        return self.generator_seconds / self.fresh


def time_steps(config: TrainingConfig, device: torch.device | str = "cpu", steps: int = 24) -> StepTime:
    """Take ``steps`` steps of a new run on ``device`` after a few to warm up, and return their mean times."""
    place = torch.device(device)
    state = TrainingState.begin(config, place)
    objective = begin_objective(config, state.network, place)
    # A whole number of new shots must fall into the measured steps, or their mean would be off.
    first, period = 4, max(1, round(1.0 / config.fresh))
    last = first + -(-steps // period) * period
    begin = made = 0.0
    for step in range(last):
        if step == first:
            begin, made = _now(place), objective.generator_seconds
        state.update(weighted_sum(objective.terms(state.network, step), config.loss_weights))
    taken = last - first
    return StepTime(
        network=config.network,
        device=str(place),
        threads=torch.get_num_threads(),
        batch=config.batch,
        crop=config.crop,
        fresh=config.fresh,
        step_seconds=(_now(place) - begin) / taken,
        generator_seconds=(objective.generator_seconds - made) / taken,
    )


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
