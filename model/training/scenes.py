"""Hands out crops of frames as the neural keyer sees them: with the priors of the whole frame, and exact truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.scenes import generate
from model.data.seeding import Draw
from model.data.truth import ShotBatch
from model.errors import KeyingError, NoScreenError
from model.keying.fill import box_blur, reduce
from model.keying.priors import FROM_SCREEN, HELD, LIGHT, expand, priors
from model.keying.screen import clean_plate, find_screen, hue_rotation, rotate
from model.network.neural import Neural
from model.network.reading import guide_factor
from model.neural import screen_level
from model.settings import Color, Screen
from model.training.config import TrainingConfig
from model.training.shots import FIRST_VALIDATION_SEED, SEEDS_PER_RUN, screen_color

_SOFT_KEPT = 4096  # soft pixels of a frame that crops may be centered on
_FAR = 0.12  # chromaticity distance from the true screen at which a survey has found something else


@dataclass(frozen=True)
class Scene:
    """One frame, or two that follow each other, ready to be cut: (T, C, H, W). Light is hue-rotated, in units."""

    features: Tensor  # (T, 16, H, W)
    unit: Tensor  # (T, 1, H, W)
    alpha: Tensor  # (T, 1, H, W)
    foreground: Tensor  # (T, 3, H, W), straight
    emission: Tensor  # (T, 3, H, W)
    rotation: Tensor  # (3, 3)
    small: Tensor  # (T, 16, h, w), features reduced for the guide
    small_alpha: Tensor  # (T, 1, h, w)
    soft: Tensor  # (N, 2), rows and columns of half-transparent pixels


SceneSource = Callable[[int], Scene]
"""Returns the scene of a number; equal numbers give equal scenes."""


@dataclass(frozen=True)
class SceneBatch:
    """Crops with their truth, and the whole frames, reduced, that they are from."""

    small: Tensor  # (G, 16, h, w), what the guide sees
    small_alpha: Tensor  # (G, 1, h, w)
    factor: int  # of that reduction
    places: tuple[tuple[int, int, int], ...]  # of each crop: frame among G, top, left
    features: Tensor  # (B, 16, S, S)
    unit: Tensor  # (B, 1, S, S)
    alpha: Tensor  # (B, 1, S, S)
    foreground: Tensor  # (B, 3, S, S)
    emission: Tensor  # (B, 3, S, S)
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
        sideways = draw.chance(0.5)  # of all alike, so that the frames can be stacked
        cuts: list[dict[str, Tensor]] = []
        smalls: list[tuple[Tensor, Tensor]] = []
        places: list[tuple[int, int, int]] = []
        following: list[tuple[int, int]] = []
        for index in range(max(1, self._config.batch // 2)):
            own = draw.child(str(index))
            scene = self._slots[own.integer(0, self._config.pool - 1)][1]
            if own.chance(self._config.hints):
                scene = _helped(scene, own.child("hint"))
            turn = _Turn(2 * own.integer(0, 1) + sideways, own.chance(0.5))
            first, frames = len(smalls), len(scene.alpha)
            if frames > 1:
                following.append((len(cuts), len(cuts) + 1))
            for frame in range(frames):
                smalls.append((turn.picture(scene.small[frame]), turn.picture(scene.small_alpha[frame])))
            corner = self._corner(scene, own.child("place 0"))
            for number in range(2):
                corner = corner if frames > 1 or number == 0 else self._corner(scene, own.child("place 1"))
                frame = number if frames > 1 else 0
                cuts.append(self._cut(scene, frame, corner, turn))
                places.append((first + frame, *turn.corner(corner, self._config.crop, scene.alpha.shape[-2:])))
        return SceneBatch(
            small=torch.stack([features for features, _ in smalls]),
            small_alpha=torch.stack([alpha for _, alpha in smalls]),
            factor=self._factor,
            places=tuple(places),
            following=tuple(following),
            **{name: torch.stack([cut[name] for cut in cuts]) for name in cuts[0]},
        )

    def _fill(self, step: int) -> None:
        begin = time.perf_counter()
        made = self._config.pool + int(step * self._config.fresh)
        for number in range(made - self._config.pool, made):
            slot = number % self._config.pool
            if slot not in self._slots or self._slots[slot][0] != number:
                self._slots[slot] = (number, self._source(number))
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
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

    def _cut(self, scene: Scene, frame: int, corner: tuple[int, int], turn: _Turn) -> dict[str, Tensor]:
        (top, left), crop = corner, self._config.crop
        cut = {
            name: turn.picture(getattr(scene, name)[frame, :, top : top + crop, left : left + crop])
            for name in ("features", "unit", "alpha", "foreground", "emission")
        }
        return cut | {"rotations": scene.rotation}


@dataclass(frozen=True)
class _Turn:
    """Quarter turns against the clock, then a mirror."""

    quarters: int
    mirrored: bool

    def picture(self, picture: Tensor) -> Tensor:
        picture = torch.rot90(picture, self.quarters, (-2, -1))
        return picture.flip(-1) if self.mirrored else picture

    def corner(self, corner: tuple[int, int], side: int, size: Sequence[int]) -> tuple[int, int]:
        """Return where the top left corner of a square comes to lie."""
        (top, left), (height, width) = corner, size
        for _ in range(self.quarters):
            top, left, height, width = width - left - side, top, width, height
        return top, width - left - side if self.mirrored else left


def generated_scenes(config: TrainingConfig, device: torch.device) -> SceneSource:
    """Return the source of procedural scenes: each number is a seed of this run."""

    def scene(number: int) -> Scene:
        seed = config.seed * SEEDS_PER_RUN + number % SEEDS_PER_RUN
        frames = 2 if Draw(seed, "pair").chance(config.pairs) else 1
        return make_scene(_generated(seed, config, device, frames), config, Draw(seed, "survey"))

    return scene


def make_scene(shot: ShotBatch, config: TrainingConfig, draw: Draw) -> Scene:
    """Survey one shot, of one or two frames, as the keyer would, and work out its priors."""
    screen = _survey(shot)
    rotation = hue_rotation(screen.color)[0].to(shot.plate.device)
    level = screen_level(screen, rotation)
    given = draw.chance(config.clean_plates)
    known = []
    for plate, clean in zip(shot.plate, shot.clean_plate, strict=True):
        estimated, seen = clean_plate(plate, screen)
        known.append(priors(plate, clean.clamp_min(0.0) if given else estimated, seen, rotation, level))
    unit = torch.stack([one.unit for one in known])
    factor = guide_factor(config.shot_height, config.shot_width, Neural.guide_lines)
    return Scene(
        features=torch.stack([one.features for one in known]),
        unit=unit,
        alpha=shot.alpha,
        foreground=torch.stack([rotate(rotation, one) for one in shot.foreground]) / unit,
        emission=torch.stack([rotate(rotation, one) for one in shot.emission]) / unit,
        rotation=rotation,
        small=torch.stack([reduce(one.features, factor) for one in known]),
        small_alpha=torch.stack([reduce(alpha, factor) for alpha in shot.alpha]),
        soft=_soft(shot.alpha[0, 0]),
    )


def validation_scenes(config: TrainingConfig, device: torch.device) -> list[Scene]:
    """Return scenes of one frame that no training sees."""
    seeds = range(FIRST_VALIDATION_SEED, FIRST_VALIDATION_SEED + config.validation_shots)
    return [make_scene(_generated(seed, config, device), config, Draw(seed, "survey")) for seed in seeds]


def _generated(seed: int, config: TrainingConfig, device: torch.device, frames: int = 1) -> ShotBatch:
    size = {"height": config.shot_height, "width": config.shot_width}
    return generate([seed], **size, device=device, config=config.data, frames=frames)


def _survey(shot: ShotBatch) -> Screen:
    """Find the screen as the keyer would; where it goes astray, an artist would name the color, and so does this."""
    true_color = screen_color(shot.clean_plate)
    try:
        found = find_screen(list(shot.plate))
    except NoScreenError:
        found = None
    if found is not None and _distance(found.color, true_color) < _FAR:
        return found
    try:
        return find_screen(list(shot.plate), true_color)
    except KeyingError:  # a color cast has made it grey
        return Screen(color=true_color, coverage=0.0)


def _distance(a: Color, b: Color) -> float:
    first, second = (torch.tensor(color).clamp_min(0.0) for color in (a, b))
    return float((first / first.sum().clamp_min(1e-6) - second / second.sum().clamp_min(1e-6)).norm())


def _soft(alpha: Tensor) -> Tensor:
    """Return rows and columns (N, 2) of half-transparent pixels, evenly thinned out."""
    where = ((alpha > 0.02) & (alpha < 0.98)).nonzero().cpu()
    return where[:: max(1, len(where) // _SOFT_KEPT)]


def _helped(scene: Scene, draw: Draw) -> Scene:
    """Return the scene with a coarse hint, as an artist would scribble one: in parts of the frame, and off by far."""
    height, width = scene.alpha.shape[-2:]
    radius = draw.integer(4, max(5, min(height, width) // 16))
    around = torch.stack([box_blur(alpha, radius) for alpha in scene.alpha])
    held = (around > 0.97).float() - (around < 0.03).float()
    top, left = draw.integer(0, height // 2), draw.integer(0, width // 2)
    within = torch.zeros_like(held)
    within[..., top : top + draw.integer(height // 4, height), left : left + draw.integer(width // 4, width)] = 1.0
    features, small = scene.features.clone(), scene.small.clone()
    features[:, HELD] = held * within
    small[:, HELD] = functional.avg_pool2d(held * within, height // small.shape[-2])
    return replace(scene, features=features, small=small)


def plate_of(batch: SceneBatch) -> Tensor:
    """Return the crops' plates (B, 3, S, S), scene-linear, from their features."""
    return linear(expand(batch.features[:, LIGHT]), batch)


def clean_plate_of(batch: SceneBatch) -> Tensor:
    """Return the crops' clean plates (B, 3, S, S), scene-linear, from their features."""
    return plate_of(batch) - linear(expand(batch.features[:, FROM_SCREEN]), batch)


def linear(turned: Tensor, batch: SceneBatch) -> Tensor:
    """Return hue-rotated light in units (B, 3, S, S) as scene-linear light."""
    return torch.einsum("bji,bjhw->bihw", batch.rotations, turned * batch.unit)
