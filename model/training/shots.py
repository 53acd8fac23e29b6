"""Hands out crops of procedural shots; every batch is fixed by configuration and step, whatever came before."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.data.scenes import generate
from model.data.seeding import Draw
from model.errors import KeyingError
from model.settings import Color
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
    screen_colors: tuple[Color, ...]  # B, of the whole shots that the crops are from


@dataclass(frozen=True)
class _Shot:
    number: int
    parts: dict[str, Tensor]
    screen_color: Color


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
        self._slots: dict[int, _Shot] = {}
        self.generator_seconds = 0.0

    def batch(self, step: int) -> Batch:
        """Return the batch of ``step``: after an interruption the same as without one."""
        self._fill(step)
        draw = Draw(self._config.seed, f"crops/{step}")
        crops = [self._crop(draw.child(str(index))) for index in range(self._config.batch)]
        batch = Batch(
            **{part: torch.cat([crop[part] for crop, _ in crops]) for part in _PARTS},
            screen_colors=tuple(color for _, color in crops),
        )
        if not self._config.shuffled_truth:
            return batch
        strangers = [self._crop(draw.child(f"stranger {index}"))[0]["alpha"] for index in range(self._config.batch)]
        return replace(batch, alpha=torch.cat(strangers))

    def _fill(self, step: int) -> None:
        begin = time.perf_counter()
        for number in self._config.held_at(step):
            slot = number % self._config.pool
            if slot not in self._slots or self._slots[slot].number != number:
                self._slots[slot] = self._shot(number)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.generator_seconds += time.perf_counter() - begin

    def _shot(self, number: int) -> _Shot:
        config = self._config
        seed = config.seed * SEEDS_PER_RUN + number % SEEDS_PER_RUN
        shot = generate(
            [seed], height=config.shot_height, width=config.shot_width, device=self._device, config=config.data
        )
        return _Shot(number, {part: getattr(shot, part) for part in _PARTS}, screen_color(shot.clean_plate))

    def _crop(self, draw: Draw) -> tuple[dict[str, Tensor], Color]:
        """Cut one crop (1, C, h, w) per part, at times mirrored or turned, and name its screen's color."""
        shot = self._slots[draw.integer(0, len(self._slots) - 1)]
        answered = self._config.crop
        whole = self._before + answered + self._after
        top = draw.integer(0, self._config.shot_height - whole)
        left = draw.integer(0, self._config.shot_width - whole)
        mirrored, turns = draw.chance(0.5), draw.integer(0, 3)
        parts = {}
        for part, picture in shot.parts.items():
            crop = torch.rot90(picture[..., top : top + whole, left : left + whole], turns, (-2, -1))
            crop = crop.flip(-1) if mirrored else crop
            inside = slice(self._before, self._before + answered)
            parts[part] = crop if part == "plate" else crop[..., inside, inside]
        return parts, shot.screen_color


def validation(config: TrainingConfig, device: torch.device) -> list[Batch]:
    """Return whole shots, one a batch and without context, that no training sees."""
    shots = []
    for number in range(config.validation_shots):
        seed = FIRST_VALIDATION_SEED + number
        shot = generate([seed], height=config.shot_height, width=config.shot_width, device=device, config=config.data)
        parts = {part: getattr(shot, part) for part in _PARTS}
        shots.append(Batch(**parts, screen_colors=(screen_color(shot.clean_plate),)))
    return shots


def screen_color(clean_plate: Tensor) -> Color:
    """Median of each channel: what the survey of a shot finds."""
    red, green, blue = clean_plate.transpose(0, 1).flatten(1).median(dim=1).values.tolist()
    return red, green, blue
