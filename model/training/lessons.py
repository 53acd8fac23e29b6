"""A lesson for each kind of network: where its batches come from, what is made small, how well it does."""

from __future__ import annotations

from typing import Protocol

import torch

from model.baselines import network_alpha
from model.data.seeding import Draw
from model.errors import KeyingError
from model.keying.priors import Priors
from model.network.interface import AlphaNetwork, Network
from model.network.neural import Neural
from model.neural import frame_alpha
from model.training.config import TrainingConfig
from model.training.keying_terms import keying_terms
from model.training.losses import OBJECTIVES, Terms
from model.training.scenes import ScenePool, validation_scenes
from model.training.shots import ShotPool, validation


class Lesson(Protocol):
    """Teaches one network; every step's terms are fixed by configuration and step, whatever came before."""

    @property
    def generator_seconds(self) -> float:
        """Seconds that went into making shots so far."""
        ...

    def terms(self, network: Network, step: int) -> Terms:
        """Return the loss terms of ``step``."""
        ...

    def held_out_error(self, network: Network) -> float:
        """Return alpha's mean absolute error on whole frames that no training sees."""
        ...


class AlphaLesson:
    """Teaches a network that answers alpha alone, from crops of plates."""

    def __init__(self, config: TrainingConfig, network: AlphaNetwork, device: torch.device) -> None:
        self._objective = OBJECTIVES[config.network]
        self._pool = ShotPool(config, network.context, device)
        self._held_out = validation(config, device)

    @property
    def generator_seconds(self) -> float:
        """Seconds that went into making shots so far."""
        return self._pool.generator_seconds

    def terms(self, network: Network, step: int) -> Terms:
        """Return the loss terms of ``step``."""
        assert isinstance(network, AlphaNetwork)
        return self._objective(network, self._pool.batch(step))

    @torch.inference_mode()
    def held_out_error(self, network: Network) -> float:
        """Return alpha's mean absolute error on whole shots."""
        assert isinstance(network, AlphaNetwork)
        errors = []
        for shot in self._held_out:
            alpha = network_alpha(network, shot.plate[0], shot.screen_colors[0])
            errors.append(float((alpha - shot.alpha[0]).abs().mean()))
        return sum(errors) / len(errors)


class KeyingLesson:
    """Teaches the `neural` network, from crops of frames whose priors are known."""

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._config = config
        self._pool = ScenePool(config, device)
        self._held_out = validation_scenes(config, device)
        self._autocast = torch.bfloat16 if config.precision == "bfloat16" else None

    @property
    def generator_seconds(self) -> float:
        """Seconds that went into making scenes so far."""
        return self._pool.generator_seconds

    def terms(self, network: Network, step: int) -> Terms:
        """Return the loss terms of ``step``."""
        assert isinstance(network, Neural)
        draw = Draw(self._config.seed, f"backgrounds/{step}")
        return keying_terms(network, self._pool.batch(step), draw, self._autocast)

    @torch.inference_mode()
    def held_out_error(self, network: Network) -> float:
        """Return alpha's mean absolute error on whole frames, keyed as the keyer does it."""
        assert isinstance(network, Neural)
        errors = []
        for scene in self._held_out:
            alpha = frame_alpha(network, Priors(scene.features[0], scene.unit[0]))
            errors.append(float((alpha - scene.alpha[0]).abs().mean()))
        return sum(errors) / len(errors)


def begin_lesson(config: TrainingConfig, network: Network, device: torch.device) -> Lesson:
    """Return the lesson for ``network``; raises KeyingError for choices that do not fit together."""
    if isinstance(network, Neural):
        return KeyingLesson(config, device)
    if isinstance(network, AlphaNetwork):
        return AlphaLesson(config, network, device)
    raise KeyingError(f"There is no lesson for '{config.network}'.", fix="Train one of the networks of this project.")
