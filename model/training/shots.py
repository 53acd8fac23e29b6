"""Hands out crops of procedural shots; every batch is fixed by configuration and step, whatever came before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.color import eight_bit_srgb
from model.data.scenes import generate
from model.data.seeding import Draw
from model.errors import KeyingError
from model.training.config import TrainingConfig

SEEDS_PER_RUN = 3_000_000
"""Seeds of one run; run seeds stay below 1 000, so all stay below those of validation and of the fixed sets."""

FIRST_VALIDATION_SEED = 3_500_000_000
_PARTS = ("plate", "foreground", "alpha", "background", "clean_plate")


@dataclass(frozen=True)
class Batch:
    """Crops with their truth. Plates reach ``context`` further than the truth, which is what has to be answered."""

    plate: Tensor  # (B, 3, before + H + after, before + W + after), scene-linear
    foreground: Tensor  # (B, 3, H, W), straight, without spill
    alpha: Tensor  # (B, 1, H, W)
    background: Tensor  # (B, 3, H, W)
    clean_plate: Tensor  # (B, 3, H, W)

    @property
    def plate_srgb(self) -> Tensor:
        """The plate as an 8-bit sRGB file would hold it, 0–1."""
        return eight_bit_srgb(self.plate)


class ShotPool:
    """A window over an endless row of shots: new ones enter, the oldest leave, crops are cut from all of them."""

    def __init__(self, config: TrainingConfig, context: tuple[int, int], device: torch.device) -> None:
        self._config, self._device = config, device
        self._before, self._after = context
        if config.crop + sum(context) > min(config.shot_height, config.shot_width):
            raise KeyingError(
                f"Crops of {config.crop} pixels with {sum(context)} around them do not fit into shots of "
                f"{config.shot_height} × {config.shot_width}.",
                fix="Choose smaller crops or larger shots.",
            )
        self._slots: dict[int, tuple[int, dict[str, Tensor]]] = {}
        self.generator_seconds = 0.0

    def batch(self, step: int) -> Batch:
        """Return the batch of ``step``: after an interruption the same as without one."""
        self._fill(step)
        draw = Draw(self._config.seed, f"crops/{step}")
        crops = [self._crop(draw.child(str(index))) for index in range(self._config.batch)]
        batch = Batch(**{part: torch.cat([crop[part] for crop in crops]) for part in _PARTS})
        if not self._config.shuffled_truth:
            return batch
        strangers = [self._crop(draw.child(f"stranger {index}"))["alpha"] for index in range(self._config.batch)]
        return Batch(batch.plate, batch.foreground, torch.cat(strangers), batch.background, batch.clean_plate)

    def _fill(self, step: int) -> None:
        begin = time.perf_counter()
        made = self._config.pool + int(step * self._config.fresh)
        for number in range(made - self._config.pool, made):
            slot = number % self._config.pool
            if slot not in self._slots or self._slots[slot][0] != number:
                self._slots[slot] = (number, self._shot(number))
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.generator_seconds += time.perf_counter() - begin

    def _shot(self, number: int) -> dict[str, Tensor]:
        config = self._config
        seed = config.seed * SEEDS_PER_RUN + number % SEEDS_PER_RUN
        shot = generate(
            [seed], height=config.shot_height, width=config.shot_width, device=self._device, config=config.data
        )
        return {part: getattr(shot, part) for part in _PARTS}

    def _crop(self, draw: Draw) -> dict[str, Tensor]:
        """Cut one crop (1, C, h, w) per part, at times mirrored or turned, which costs nothing."""
        _, shot = self._slots[draw.integer(0, self._config.pool - 1)]
        answered = self._config.crop
        whole = self._before + answered + self._after
        top = draw.integer(0, self._config.shot_height - whole)
        left = draw.integer(0, self._config.shot_width - whole)
        mirrored, turns = draw.chance(0.5), draw.integer(0, 3)
        parts = {}
        for part, picture in shot.items():
            crop = torch.rot90(picture[..., top : top + whole, left : left + whole], turns, (-2, -1))
            crop = crop.flip(-1) if mirrored else crop
            inside = slice(self._before, self._before + answered)
            parts[part] = crop if part == "plate" else crop[..., inside, inside]
        return parts


def validation(config: TrainingConfig, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """Return plate (3, H, W) and true alpha (1, H, W) of shots that no training sees."""
    shots = []
    for number in range(config.validation_shots):
        seed = FIRST_VALIDATION_SEED + number
        shot = generate([seed], height=config.shot_height, width=config.shot_width, device=device, config=config.data)
        shots.append((shot.plate[0], shot.alpha[0]))
    return shots


def mean_error(answer: Callable[[Tensor], Tensor], shots: list[tuple[Tensor, Tensor]]) -> float:
    """Return alpha's mean absolute difference, of ``answer`` plate → alpha, over the shots' pixels."""
    return sum(float(functional.l1_loss(answer(plate), alpha)) for plate, alpha in shots) / len(shots)
