"""Small real plates for tests of the pipeline, and a keyer whose result is known in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import OpenEXR
import torch
from numpy.typing import NDArray

from model.errors import KeyingError, NoScreenError
from model.keyer import KeyedFrame, Mattes
from model.settings import FrameNotes, KeySettings, Screen
from service.messages import FromWorker, ShotOrder
from service.shots import Shot, shot_from_plate

WIDTH, HEIGHT = 48, 32
Kind = TypeVar("Kind")


def plate_pixels(frame: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float32]:
    """Return a green screen with a soft-edged subject that moves with ``frame``."""
    random = np.random.default_rng(abs(frame))
    x = np.arange(width, dtype=np.float32)[None, :, None]
    y = np.arange(height, dtype=np.float32)[:, None, None]
    reach = np.hypot(x - width / 2 - frame % 5, y - height / 2)
    alpha = np.clip((height / 3 - reach) / 3, 0, 1)
    color = alpha * np.float32([0.7, 0.4, 0.3]) + (1 - alpha) * np.float32([0.05, 0.4, 0.08])
    return np.asarray(color + random.normal(0, 0.004, color.shape), np.float32)


def write_plate(path: Path, pixels: NDArray[np.float32]) -> None:
    """Write ``pixels`` as a float32 EXR, uncompressed so that damage in it is damage to pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {name: pixels[..., index].copy() for index, name in enumerate("RGB")}).write(str(path))


def write_shot(folder: Path, frames: Sequence[int], width: int = WIDTH, height: int = HEIGHT) -> Shot:
    """Write a sequence `green.####.exr` and return it as a shot."""
    for frame in frames:
        sign = "-" if frame < 0 else ""
        write_plate(folder / f"green.{sign}{abs(frame):04d}.exr", plate_pixels(frame, width, height))
    return shot_from_plate(folder / "green.####.exr")


class LinearKeyer:
    """Keys by how far green exceeds red: alpha is a clamped linear function of the plate. Exact and pure."""

    name = "linear"
    weights_id: str | None = None

    def __init__(self, before: Callable[[int], None] = lambda _: None) -> None:
        self.surveys: list[list[float]] = []
        self.keyed = 0
        self._before = before

    def survey(self, plates: Sequence[torch.Tensor], settings: KeySettings) -> Screen:
        self.surveys.append([float(plate.sum()) for plate in plates])
        strongest = max(float((plate[1] - plate[0]).max()) for plate in plates)
        if strongest < 0.1:
            raise NoScreenError("Nothing in the shot looks like a screen.", fix="Check the plate.")
        return Screen(color=(0.05, 0.4, 0.08), coverage=0.5, tolerance=strongest)

    def key(self, plate: torch.Tensor, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        self.keyed += 1
        self._before(self.keyed)
        if plate.shape[-1] == 0:
            raise KeyingError("The plate is empty.")
        bad = ~torch.isfinite(plate)
        plate = torch.where(bad, 0.0, plate)
        alpha = (1.0 - (plate[1:2] - plate[0:1]) / 0.3).clamp(0.0, 1.0)
        if mattes.garbage is not None:
            alpha = alpha * (1.0 - mattes.garbage)
        if mattes.core is not None:
            alpha = torch.maximum(alpha, mattes.core)
        notes = FrameNotes(
            nan_repaired=int(bad.any(0).sum()),
            warnings=("The subject touches the left side.",) if bool((alpha[:, :, 0] > 0.5).any()) else (),
        )
        return KeyedFrame(alpha, torch.where(alpha > 0, plate, 0.0), notes)


def order_for(shot: Shot, output: Path, **choices: object) -> ShotOrder:
    """Order all frames of ``shot`` into ``output``, claimed by making it."""
    output.mkdir(parents=True, exist_ok=True)
    return ShotOrder.model_validate({"shot": shot, "frames": shot.frames, "settings": {}, "output": output, **choices})


class Listener:
    """Gathers what the pipeline reports."""

    def __init__(self) -> None:
        self.heard: list[FromWorker] = []

    def __call__(self, message: FromWorker) -> None:
        self.heard.append(message)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.heard if isinstance(message, kind)]
