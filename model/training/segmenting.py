"""Teaches the `segmenter` from whole frames, reduced as it sees them."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.seeding import Draw
from model.data.sheet import displayed, in_rows
from model.keying.priors import LIGHT, expand
from model.network.interface import Network
from model.network.neural import FEATURES
from model.training.config import TrainingConfig
from model.training.curve import Canvas
from model.training.losses import Terms
from model.training.scenes import SceneSource, validation_scenes

_PICTURES = 8


class SegmentingObjective:
    """Teaches the `segmenter`; frames come from a window over an endless row of scenes, half of them mirrored."""

    def __init__(self, config: TrainingConfig, device: torch.device, source: SceneSource) -> None:
        self._config, self._device, self._source = config, device, source
        self._frames: dict[int, tuple[int, Tensor, Tensor]] = {}
        held_out = validation_scenes(config, device)
        self._held_out = [(scene.small[:1], scene.small_alpha[:1]) for scene in held_out]
        self.generator_seconds = 0.0

    def terms(self, network: Network, step: int) -> Terms:
        """Return the error of the coarse alpha, and its cross-entropy, which has a slope where it is sure and wrong."""
        small, truth = self._batch(step)
        with torch.autocast(small.device.type, torch.bfloat16, enabled=self._config.precision == "bfloat16"):
            score = network(small).float()
        return {
            "coarse": (score.sigmoid() - truth).abs().mean(),
            "entropy": functional.binary_cross_entropy_with_logits(score, truth),
        }

    @torch.inference_mode()
    def held_out_error(self, network: Network) -> float:
        """Return the coarse alpha's mean absolute error on frames that no training sees."""
        errors = [float((network(small).sigmoid() - truth).abs().mean()) for small, truth in self._held_out]
        return sum(errors) / len(errors)

    @torch.inference_mode()
    def pictures(self, network: Network) -> Canvas | None:
        """Return a row for each of the first held-out frames: plate (its hue turned), evidence, truth and answer."""
        shape = self._held_out[0][1].shape
        alike = [pair for pair in self._held_out if pair[1].shape == shape][:_PICTURES]
        rows = []
        for small, truth in alike:
            evidence = (small[:, FEATURES:] + 1.0) / 2.0
            alphas = [part[0].expand(3, -1, -1) for part in (evidence, truth, network(small).sigmoid())]
            rows += [displayed(part) for part in (expand(small[0, LIGHT]), *alphas)]
        return in_rows(rows, 4)

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return frames (B, 19, h, w) and their reduced alpha (B, 1, h, w): those of a step are always the same."""
        self._fill(step)
        draw = Draw(self._config.seed, f"frames/{step}")
        # In the order of their places: a run that goes on has filled these in another one.
        held = [self._frames[slot] for slot in sorted(self._frames)]
        shape = draw.pick(held)[2].shape
        alike = [frame for frame in held if frame[2].shape == shape]
        chosen = [draw.pick(alike)[1:] for _ in range(self._config.batch)]
        mirrored = [draw.chance(0.5) for _ in chosen]
        small, truth = (
            torch.stack([part.flip(-1) if flip else part for part, flip in zip(parts, mirrored, strict=True)])
            for parts in zip(*chosen, strict=True)
        )
        blind = torch.tensor([draw.chance(self._config.blind) for _ in chosen], device=small.device)
        small[:, FEATURES:] *= (~blind).to(small)[:, None, None, None]
        return small, truth

    def _fill(self, step: int) -> None:
        begin = time.perf_counter()
        for number in self._config.held_at(step):
            slot = number % self._config.pool
            if slot not in self._frames or self._frames[slot][0] != number:
                scene = self._source(number)
                # Not the scene itself: its full resolution would fill the memory.
                small, alpha = (part[0].clone().to(self._device) for part in (scene.small, scene.small_alpha))
                self._frames[slot] = (number, small, alpha)
        self.generator_seconds += time.perf_counter() - begin
