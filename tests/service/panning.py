"""A shot that pans over a screen with a subject and a piece of set before it, both away from each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.corrections import Corrections, Stroke
from service.shots import Shot, shot_from_plate
from tests.service.shots_on_disk import write_plate

WIDTH, HEIGHT, STEP = 384, 216, 3
FRAMES = range(1, 25)
SUBJECT, PIECE = (200.0, 120.0), (330.0, 130.0)  # where they stand in frame 1


def panned(frame: int) -> NDArray[np.float32]:
    """Return the plate of a frame (H, W, 3), linear."""
    wide = _scene()
    left = (frame - 1) * STEP
    return np.ascontiguousarray(wide[:, left : left + WIDTH])


def write_panning(folder: Path, frames: Sequence[int] = FRAMES) -> Shot:
    """Write the shot as EXR and return it."""
    for frame in frames:
        write_plate(folder / f"pan.{frame:04d}.exr", panned(frame))
    return shot_from_plate(folder / "pan.####.exr")


def piece_in(frame: int) -> tuple[slice, slice]:
    """Return rows and columns around the piece of set in a frame, with a margin of a brush."""
    x, y = PIECE[0] - (frame - 1) * STEP, PIECE[1]
    return slice(int(y - 62), HEIGHT), slice(int(x - 30), int(x + 30))


def removing(frame: int = 1) -> Corrections:
    """Return one stroke over the piece as it stands in ``frame``."""
    x = PIECE[0] - (frame - 1) * STEP
    points = ((x, PIECE[1] - 40.0), (x, PIECE[1] + 90.0))
    return Corrections(frames={frame: (Stroke(says="remove", points=points, width=44.0),)})


def _scene() -> NDArray[np.float32]:
    width = WIDTH + STEP * FRAMES[-1]
    random = np.random.default_rng(5)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    light = 0.9 + 0.15 * np.sin(x / 60.0) * np.cos(y / 70.0)
    scene = light[..., None] * np.float32([0.06, 0.42, 0.10])
    for across in range(40, width, 90):  # tracking markers, a little darker
        scene[(np.abs(x - across) < 4) & (np.abs(y - 30) < 4)] *= 0.75
    cloth = cv2.GaussianBlur(random.normal(0.0, 1.0, (HEIGHT, width)).astype(np.float32), (0, 0), 2.0)
    cloth = 1.0 + 0.9 * cloth[..., None]
    body = (np.hypot((x - SUBJECT[0]) / 34.0, (y - SUBJECT[1]) / 60.0) < 1.0).astype(np.float32)
    scene = _laid(scene, body, np.float32([0.55, 0.30, 0.22]) * cloth)
    stand = ((np.abs(x - PIECE[0]) < 10) & (y > PIECE[1] - 30)).astype(np.float32)
    scene = _laid(scene, stand, np.float32([0.30, 0.30, 0.33]) * cloth)
    return np.asarray(scene + random.normal(0.0, 0.002, scene.shape), np.float32)


def _laid(scene: NDArray[np.float32], shape: NDArray[np.float32], color: NDArray[np.float32]) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(shape, (0, 0), 0.8)[..., None]
    return np.asarray(scene * (1.0 - soft) + color * soft, np.float32)
