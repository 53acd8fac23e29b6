"""Hands out crops of scenes; every batch is fixed by configuration and step, whatever came before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.seeding import Draw
from model.errors import KeyingError
from model.keying.fill import box_blur
from model.keying.priors import FROM_SCREEN, HELD, LIGHT, expand
from model.network.neural import Neural
from model.network.reading import guide_factor
from model.training.config import TrainingConfig
from model.training.scenes import ALPHA, EMISSION, FEATURES_AT, FOREGROUND, UNIT, Scene, SceneSource


@dataclass(frozen=True)
class SceneBatch:
    """Crops with their truth, and the whole frames, reduced, that they are from."""

    small: Tensor  # (G, 19, h, w), what the guide sees
    small_alpha: Tensor  # (G, 1, h, w)
    factor: int  # of that reduction
    places: tuple[tuple[int, int, int], ...]  # of each crop: frame among G, top, left
    features: Tensor  # (B, 18, S, S)
    unit: Tensor  # (B, 1, S, S)
    alpha: Tensor  # (B, 1, S, S)
    foreground: Tensor  # (B, 3, S, S)
    emission: Tensor  # (B, 3, S, S)
    behind: Tensor  # (B, 3, S, S), new backgrounds, scene-linear
    rotations: Tensor  # (B, 3, 3)
    following: tuple[tuple[int, int], ...]  # crops of one place in two frames that follow each other


class ScenePool:
    """A window over an endless row of scenes: new ones enter, the oldest leave, crops are cut from all of them."""

    def __init__(self, config: TrainingConfig, device: torch.device, source: SceneSource) -> None:
        factor = guide_factor(config.shot_height, config.shot_width, Neural.guide_lines)
        if config.shot_height % factor or config.shot_width % factor:
            raise KeyingError(
                f"Shots of {config.shot_height} × {config.shot_width} do not reduce evenly by {factor} for the guide.",
                fix=f"Choose sides that are multiples of {factor}.",
            )
        if config.crop % Neural.multiple or config.crop > min(config.shot_height, config.shot_width):
            raise KeyingError(
                f"Crops of {config.crop} pixels cannot be cut from {config.shot_height} × {config.shot_width}.",
                fix=f"Choose a multiple of {Neural.multiple} that fits into the shots.",
            )
        self._config, self._device, self._source = config, device, source
        self._slots: dict[int, tuple[int, Scene]] = {}
        self._factor = factor
        self.generator_seconds = 0.0

    def batch(self, step: int) -> SceneBatch:
        """Return the batch of ``step``: after an interruption the same as without one."""
        self._fill(step)
        draw = Draw(self._config.seed, f"crops/{step}")
        scenes = self._alike(draw.child("shape"))
        cut = _Cuts()
        for index in range(max(1, self._config.batch // 2)):
            self._cut_twice(draw.child(str(index)), scenes, cut)
        layers = torch.stack(cut.layers)
        return SceneBatch(
            small=torch.stack(cut.small),
            small_alpha=torch.stack(cut.small_alpha),
            factor=self._factor,
            places=tuple(cut.places),
            following=tuple(cut.following),
            features=layers[:, FEATURES_AT],
            unit=layers[:, UNIT],
            alpha=layers[:, ALPHA],
            foreground=layers[:, FOREGROUND],
            emission=layers[:, EMISSION],
            behind=torch.stack(cut.behind),
            rotations=torch.stack(cut.rotations),
        )

    def _alike(self, draw: Draw) -> list[Scene]:
        """Return all scenes of one shape, wide or tall, so that their frames can be stacked."""
        scenes = [self._slots[slot][1] for slot in range(len(self._slots))]
        shape = draw.pick(scenes).alpha.shape[-2:]
        return [scene for scene in scenes if scene.alpha.shape[-2:] == shape]

    def _cut_twice(self, draw: Draw, scenes: Sequence[Scene], cut: _Cuts) -> None:
        """Cut two crops: at one place of two frames that follow each other, or at two places of one frame."""
        scene, stranger = draw.pick(scenes), draw.pick(scenes)
        if draw.chance(self._config.hints):
            scene = _helped(scene, draw.child("hint"))
        look = _Look(draw.chance(0.5))
        first, frames = len(cut.small), len(scene.layers)
        if frames > 1:
            cut.following.append((len(cut.layers), len(cut.layers) + 1))
        for frame in range(frames):
            cut.small.append(look.picture(scene.small[frame]))
            cut.small_alpha.append(look.picture(scene.small_alpha[frame]))
        place = self._corner(scene, draw.child("place 0"))
        for number in range(2):
            place = place if frames > 1 or number == 0 else self._corner(scene, draw.child("place 1"))
            frame = number if frames > 1 else 0
            cut.layers.append(look.picture(self._window(scene.layers[frame], place)))
            cut.behind.append(self._window(stranger.behind, place))
            cut.rotations.append(scene.rotation)
            cut.places.append((first + frame, *look.corner(place, self._config.crop, scene.layers.shape[-1])))

    def _fill(self, step: int) -> None:
        begin = time.perf_counter()
        for number in self._config.held_at(step):
            slot = number % self._config.pool
            if slot not in self._slots or self._slots[slot][0] != number:
                self._slots[slot] = (number, self._source(number).to(self._device))
                if self._device.type == "cuda" and not self._config.generators:
                    torch.cuda.synchronize(self._device)  # or their making would count as the step's
        self.generator_seconds += time.perf_counter() - begin

    def _corner(self, scene: Scene, draw: Draw) -> tuple[int, int]:
        """Choose the top left corner of a crop, mostly so that it shows an edge."""
        crop = self._config.crop
        height, width = scene.alpha.shape[-2:]
        if len(scene.soft) and draw.chance(self._config.focus):
            row, column = scene.soft[draw.integer(0, len(scene.soft) - 1)].tolist()
            top, left = row - draw.integer(0, crop - 1), column - draw.integer(0, crop - 1)
            return min(max(top, 0), height - crop), min(max(left, 0), width - crop)
        return draw.integer(0, height - crop), draw.integer(0, width - crop)

    def _window(self, picture: Tensor, corner: tuple[int, int]) -> Tensor:
        (top, left), crop = corner, self._config.crop
        return picture[:, top : top + crop, left : left + crop]


@dataclass
class _Cuts:
    """The parts of a batch, as they are cut."""

    layers: list[Tensor] = field(default_factory=list)
    behind: list[Tensor] = field(default_factory=list)
    rotations: list[Tensor] = field(default_factory=list)
    places: list[tuple[int, int, int]] = field(default_factory=list)
    following: list[tuple[int, int]] = field(default_factory=list)
    small: list[Tensor] = field(default_factory=list)
    small_alpha: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class _Look:
    """As it is or in a mirror, never turned: what stands below and what hangs above tells subject from set."""

    mirrored: bool

    def picture(self, picture: Tensor) -> Tensor:
        return picture.flip(-1) if self.mirrored else picture

    def corner(self, corner: tuple[int, int], side: int, width: int) -> tuple[int, int]:
        """Return where the top left corner of a square comes to lie in a frame of ``width``."""
        top, left = corner
        return top, width - left - side if self.mirrored else left


def _helped(scene: Scene, draw: Draw) -> Scene:
    """Return the scene with a coarse hint, as an artist would scribble one: in parts of the frame, and off by far."""
    height, width = scene.alpha.shape[-2:]
    radius = draw.integer(4, max(5, min(height, width) // 16))
    around = torch.stack([box_blur(alpha, radius) for alpha in scene.alpha])
    held = (around > 0.97).float() - (around < 0.03).float()
    top, left = draw.integer(0, height // 2), draw.integer(0, width // 2)
    within = torch.zeros_like(held)
    within[..., top : top + draw.integer(height // 4, height), left : left + draw.integer(width // 4, width)] = 1.0
    layers, small = scene.layers.clone(), scene.small.clone()
    layers[:, FEATURES_AT][:, HELD] = held * within
    small[:, HELD] = functional.avg_pool2d(held * within, height // small.shape[-2])
    return replace(scene, layers=layers, small=small)


def plate_of(batch: SceneBatch) -> Tensor:
    """Return the crops' plates (B, 3, S, S), scene-linear, from their features."""
    return linear(expand(batch.features[:, LIGHT]), batch)


def clean_plate_of(batch: SceneBatch) -> Tensor:
    """Return the crops' clean plates (B, 3, S, S), scene-linear, from their features."""
    return plate_of(batch) - linear(expand(batch.features[:, FROM_SCREEN]), batch)


def linear(turned: Tensor, batch: SceneBatch) -> Tensor:
    """Return hue-rotated light in units (B, 3, S, S) as scene-linear light."""
    return torch.einsum("bji,bjhw->bihw", batch.rotations, turned * batch.unit)
