"""Makes scenes: frames as the neural keyer sees them, with the priors of the whole frame, and exact truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import torch
from torch import Tensor

from model.data.backgrounds import new_background
from model.data.scenes import generate
from model.data.seeding import Draw
from model.data.truth import ShotBatch
from model.errors import KeyingError, NoScreenError
from model.evidence import Evidence
from model.keying.clean_plate import heeded
from model.keying.fill import reduce
from model.keying.grain import seen_through_grain
from model.keying.priors import priors
from model.keying.screen import find_screen, hue_rotation, rotate
from model.network.neural import FEATURES, Neural
from model.network.reading import guide_factor
from model.neural import for_guide, screen_level
from model.settings import Color, Screen
from model.training.config import TrainingConfig
from model.training.evidence_errors import evidence_of
from model.training.shots import FIRST_VALIDATION_SEED, SEEDS_PER_RUN, screen_color

# Where a scene's layers hold what.
FEATURES_AT, UNIT = slice(0, FEATURES), slice(FEATURES, FEATURES + 1)
ALPHA, FOREGROUND = slice(FEATURES + 1, FEATURES + 2), slice(FEATURES + 2, FEATURES + 5)
EMISSION = slice(FEATURES + 5, FEATURES + 8)

_SOFT_KEPT = 4096  # soft pixels of a frame that crops may be centered on
_FAR = 0.12  # chromaticity distance from the true screen at which a survey has found something else


@dataclass(frozen=True)
class Scene:
    """One frame, or two that follow each other, ready to be cut. Light is hue-rotated, in units.

    ``layers`` (T, 26, H, W) holds everything that crops are cut from, so that one cut takes it all.
    """

    layers: Tensor
    behind: Tensor  # (3, H, W), a new background, scene-linear
    rotation: Tensor  # (3, 3)
    small: Tensor  # (T, 19, h, w), features reduced for the guide
    small_alpha: Tensor  # (T, 1, h, w)
    soft: Tensor  # (N, 2), rows and columns of half-transparent pixels; stays on the CPU

    @property
    def features(self) -> Tensor:
        """What the network sees: (T, 18, H, W)."""
        return self.layers[:, FEATURES_AT]

    @property
    def unit(self) -> Tensor:
        """What light was divided by: (T, 1, H, W)."""
        return self.layers[:, UNIT]

    @property
    def alpha(self) -> Tensor:
        """True alpha: (T, 1, H, W)."""
        return self.layers[:, ALPHA]

    @property
    def foreground(self) -> Tensor:
        """True straight foreground: (T, 3, H, W)."""
        return self.layers[:, FOREGROUND]

    @property
    def emission(self) -> Tensor:
        """True light without coverage: (T, 3, H, W)."""
        return self.layers[:, EMISSION]

    def pin_memory(self) -> Scene:
        """Return it in memory that a GPU can fetch from by itself; torch's loader calls this."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> Scene:
        """Return it on ``device``."""
        return self._each(lambda part: part.to(device, non_blocking=True))

    def _each(self, move: Callable[[Tensor], Tensor]) -> Scene:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: move(part) for name, part in parts.items() if name != "soft"})


SceneSource = Callable[[int], Scene]
"""Returns the scene of a number; equal numbers give equal scenes."""


@dataclass(frozen=True)
class GeneratedScenes:
    """The source of procedural scenes: each number is a seed of this run."""

    config: TrainingConfig
    device: torch.device

    def __call__(self, number: int) -> Scene:
        """Return the scene of ``number``."""
        seed = self.config.seed * SEEDS_PER_RUN + number % SEEDS_PER_RUN
        frames = 2 if Draw(seed, "pair").chance(self.config.pairs) else 1
        return make_scene(_generated(seed, self.config, self.device, frames), self.config, Draw(seed, "survey"))


def make_scene(shot: ShotBatch, config: TrainingConfig, draw: Draw) -> Scene:
    """Survey one shot, of one or two frames, as the keyer would; work out its priors, with evidence of its subject."""
    device = shot.plate.device
    evidence = evidence_of(shot, config.evidence, draw.child("evidence"), _knows_photographs(device))
    screen = _survey(shot, evidence)
    evidence = [
        None if one is None else heeded(one, plate, screen) for one, plate in zip(evidence, shot.plate, strict=True)
    ]
    rotation = hue_rotation(screen.color)[0].to(device)
    level = screen_level(screen, rotation)
    given = draw.chance(config.clean_plates)
    known = []
    for plate, clean, subject in zip(shot.plate, shot.clean_plate, evidence, strict=True):
        own = clean.clamp_min(0.0) if given else None
        calm, behind, seen = seen_through_grain(plate, screen, own, subject)
        known.append(priors(calm, behind, seen, rotation, level))
    features, unit = torch.stack([one.features for one in known]), torch.stack([one.unit for one in known])
    foreground, emission = (
        torch.stack([rotate(rotation, one) for one in light]) / unit for light in (shot.foreground, shot.emission)
    )
    factor = guide_factor(config.shot_height, config.shot_width, Neural.guide_lines)
    return Scene(
        layers=torch.cat((features, unit, shot.alpha, foreground, emission), dim=1),
        behind=new_background(draw.child("behind"), shot.plate.shape[-2], shot.plate.shape[-1], device),
        rotation=rotation,
        small=torch.stack(
            [for_guide(one.features, factor, subject) for one, subject in zip(known, evidence, strict=True)]
        ),
        small_alpha=torch.stack([reduce(alpha, factor) for alpha in shot.alpha]),
        soft=_soft(shot.alpha[0, 0]),
    )


@lru_cache(maxsize=1)
def _knows_photographs(device: torch.device) -> Evidence:
    return Evidence(device)


def validation_scenes(config: TrainingConfig, device: torch.device) -> list[Scene]:
    """Return scenes of one frame that no training sees."""
    seeds = range(FIRST_VALIDATION_SEED, FIRST_VALIDATION_SEED + config.validation_shots)
    return [make_scene(_generated(seed, config, device), config, Draw(seed, "survey")) for seed in seeds]


def _generated(seed: int, config: TrainingConfig, device: torch.device, frames: int = 1) -> ShotBatch:
    height, width = config.shot_height, config.shot_width
    if Draw(seed, "tall").chance(config.tall):
        height, width = width, height
    data = config.studio_data if Draw(seed, "studio").chance(config.studio) else config.data
    return generate([seed], height=height, width=width, device=device, config=data, frames=frames)


def _survey(shot: ShotBatch, evidence: list[Tensor | None]) -> Screen:
    """Find the screen as the keyer would; where it goes astray, an artist would name the color, and so does this."""
    true_color = screen_color(shot.clean_plate)
    try:
        found = find_screen(list(shot.plate), evidence=evidence)
    except NoScreenError:
        found = None
    if found is not None and _distance(found.color, true_color) < _FAR:
        return found
    try:
        return find_screen(list(shot.plate), true_color, evidence)
    except KeyingError:  # a color cast has made it grey
        return Screen(color=true_color, coverage=0.0)


def _distance(a: Color, b: Color) -> float:
    first, second = (torch.tensor(color).clamp_min(0.0) for color in (a, b))
    return float((first / first.sum().clamp_min(1e-6) - second / second.sum().clamp_min(1e-6)).norm())


def _soft(alpha: Tensor) -> Tensor:
    """Return rows and columns (N, 2) of half-transparent pixels, evenly thinned out."""
    where = ((alpha > 0.02) & (alpha < 0.98)).nonzero().cpu()
    return where[:: max(1, len(where) // _SOFT_KEPT)]
