"""Takes scenes from a user's own shots with known answers, in the layout of `model.data.dataset`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.dataset import ReadPicture, find_shots, read_description, read_shot
from model.data.filming import film
from model.data.seeding import Draw
from model.data.truth import SMALLEST_ALPHA, ShotBatch
from model.errors import KeyingError
from model.training.config import TrainingConfig
from model.training.scenes import Scene, SceneSource, make_scene

_KEPT = 8  # shots in memory
_PARTS = ("plate", "foreground", "alpha", "background", "clean_plate", "spill", "emission")


@dataclass
class OwnScenes:
    """A source that mixes windows of the shots in ``config.own_shots`` among the generated scenes.

    Raises KeyingError when there is no reader, no shot, or a shot is smaller than a scene.
    """

    generated: SceneSource
    config: TrainingConfig
    device: torch.device
    read_picture: ReadPicture | None

    def __post_init__(self) -> None:
        """Look at what there is."""
        self._folders = find_shots(Path(self.config.own_shots))
        self._shots: dict[int, ShotBatch] = {}
        if self.read_picture is None or not self._folders:
            raise KeyingError(
                f"{self.config.own_shots} holds no shot to learn from.",
                fix="docs/data.md tells the layout; `dropkey data check DIR` says what is missing.",
            )
        for folder in self._folders:
            _check_size(folder, self.config)

    def __call__(self, number: int) -> Scene:
        """Return the scene of ``number``."""
        draw = Draw(self.config.seed, f"own/{number}")
        if not draw.chance(self.config.own_share):
            return self.generated(number)
        chosen = self._shot(draw.integer(0, len(self._folders) - 1))
        frames = 2 if chosen.frames > 1 and draw.chance(self.config.pairs) else 1
        piece = window(chosen, frames, self.config, draw, self.device)
        return make_scene(piece, self.config, draw.child("survey"))

    def _shot(self, index: int) -> ShotBatch:
        assert self.read_picture is not None
        if index not in self._shots:
            while len(self._shots) >= _KEPT:
                del self._shots[next(iter(self._shots))]
            folder = self._folders[index]
            self._shots[index] = film(read_shot(folder, self.read_picture), read_description(folder))
        return self._shots[index]


def window(shot: ShotBatch, frames: int, config: TrainingConfig, draw: Draw, device: torch.device) -> ShotBatch:
    """Return a part of ``frames`` frames of a shot, as large as a scene: at full resolution, or reduced as a whole."""
    height, width = shot.plate.shape[-2:]
    rows, columns = config.shot_height, config.shot_width
    factor = draw.integer(1, max(1, min(height // rows, width // columns)))
    first = draw.integer(0, shot.frames - frames)
    top = draw.integer(0, height - rows * factor)
    left = draw.integer(0, width - columns * factor)

    def cut(part: Tensor) -> Tensor:
        piece = part[first : first + frames, :, top : top + rows * factor, left : left + columns * factor]
        return functional.avg_pool2d(piece, factor).to(device)

    parts = {name: cut(getattr(shot, name)) for name in _PARTS if name != "foreground"}
    # Straight color is reduced as light: premultiplied.
    light = cut(shot.foreground * shot.alpha)
    alpha = parts["alpha"]
    foreground = torch.where(alpha > 0, light / alpha.clamp_min(SMALLEST_ALPHA), torch.zeros_like(light))
    return ShotBatch(**parts, foreground=foreground, recipes=shot.recipes, frames=frames)


def _check_size(folder: Path, config: TrainingConfig) -> None:
    found = read_description(folder)
    if found.height < config.shot_height or found.width < config.shot_width:
        raise KeyingError(
            f"{folder.name} is {found.height} × {found.width}; scenes are {config.shot_height} × {config.shot_width}.",
            fix="Leave it out, or choose smaller scenes: --set shot_height=… --set shot_width=…",
        )
