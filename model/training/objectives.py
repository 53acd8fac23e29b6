"""An objective for each kind of network: where its batches come from, what is made small, how well it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from model.baselines import network_alpha
from model.data.dataset import ReadPicture
from model.data.seeding import Draw
from model.data.sheet import displayed, in_rows
from model.errors import KeyingError
from model.keying.compositing import over
from model.keying.priors import LIGHT, Priors, expand
from model.keying.screen import rotate
from model.network.interface import AlphaNetwork, Network
from model.network.neural import Neural
from model.network.segmenter import Segmenter
from model.neural import answer_frame, settled
from model.training.config import TrainingConfig
from model.training.crops import ScenePool
from model.training.curve import Canvas
from model.training.keying_terms import keying_terms
from model.training.losses import OBJECTIVES, Terms
from model.training.own_shots import OwnScenes
from model.training.prefetch import PrefetchedSource
from model.training.scenes import GeneratedScenes, Scene, SceneSource, validation_scenes
from model.training.segmenting import SegmentingObjective
from model.training.shots import ShotPool, validation

_PICTURES = 6


class Objective(Protocol):
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

    def pictures(self, network: Network) -> Canvas | None:
        """Return a sheet (H, W, 3) of such frames: plate, true alpha, alpha, foreground on grey; None without any."""
        ...


class AlphaObjective:
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

    def pictures(self, network: Network) -> Canvas | None:
        """Return none: alpha alone says little to the eye."""
        del network
        return None


class KeyingObjective:
    """Teaches the `neural` network, from crops of frames whose priors are known."""

    def __init__(self, config: TrainingConfig, device: torch.device, read_picture: ReadPicture | None = None) -> None:
        self._config = config
        self._pool = ScenePool(config, device, _scenes(config, device, read_picture))
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
        return mean_error(network, self._held_out)

    @torch.inference_mode()
    def pictures(self, network: Network) -> Canvas | None:
        """Return a row of pictures for each of the first held-out frames."""
        assert isinstance(network, Neural)
        shape = self._held_out[0].alpha.shape
        alike = [scene for scene in self._held_out if scene.alpha.shape == shape]  # wide or tall, not both in a sheet
        return in_rows([picture for scene in alike[:_PICTURES] for picture in _looks(network, scene)], 4)


@torch.inference_mode()
def mean_error(network: Neural, scenes: Sequence[Scene]) -> float:
    """Return alpha's mean absolute error on the first frame of each scene, keyed as the keyer does it."""
    errors = []
    for scene in scenes:
        alpha = settled(answer_frame(network, Priors(scene.features[0], scene.unit[0])).alpha)
        errors.append(float((alpha - scene.alpha[0]).abs().mean()))
    return sum(errors) / len(errors)


def _scenes(config: TrainingConfig, device: torch.device, read_picture: ReadPicture | None) -> SceneSource:
    where = torch.device("cpu") if config.generators else device
    source: SceneSource = GeneratedScenes(config, where)
    if config.own_shots:
        source = OwnScenes(source, config, where, read_picture)
    return PrefetchedSource(source, config.generators, device.type == "cuda") if config.generators else source


def _looks(network: Neural, scene: Scene) -> list[Canvas]:
    """Return plate, true alpha, alpha, and foreground on grey of a scene's first frame, as a display shows them."""
    known = Priors(scene.features[0], scene.unit[0])
    answer = answer_frame(network, known)
    alpha = settled(answer.alpha)

    def light(turned: Tensor) -> Tensor:
        return rotate(scene.rotation.T, turned * known.unit)

    on_grey = over(light(answer.foreground), alpha, torch.full_like(scene.foreground[0], 0.18))
    plate = light(expand(scene.features[0][LIGHT]))
    alphas = [_grey(picture) for picture in (scene.alpha[0], alpha)]
    return [displayed(plate), *alphas, displayed(on_grey)]


def _grey(alpha: Tensor) -> Canvas:
    return (alpha.expand(3, -1, -1).permute(1, 2, 0).cpu().numpy() * 255.0 + 0.5).astype(np.uint8)


def begin_objective(
    config: TrainingConfig, network: Network, device: torch.device, read_picture: ReadPicture | None = None
) -> Objective:
    """Return the objective for ``network``; raises KeyingError for choices that do not fit together."""
    if config.own_shots and not isinstance(network, Neural | Segmenter):
        raise KeyingError(
            f"'{config.network}' learns from generated shots only.", fix="Train the network 'neural' or 'segmenter'."
        )
    if isinstance(network, Neural):
        return KeyingObjective(config, device, read_picture)
    if isinstance(network, Segmenter):
        return SegmentingObjective(config, device, _scenes(config, device, read_picture))
    if isinstance(network, AlphaNetwork):
        return AlphaObjective(config, network, device)
    raise KeyingError(
        f"There is no objective for '{config.network}'.", fix="Train one of the networks of this project."
    )
