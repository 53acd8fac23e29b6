"""Blender's compositing node Keying, run headless in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model.data.blender.process import run, unavailable
from model.evaluation.contenders import Keyed
from model.evaluation.peers.first_click import key_color
from model.evaluation.sets import Picture

DEADLINE_SECONDS = 300.0
BLACK_LEVEL, WHITE_LEVEL = 0.2, 0.8


class BlenderKeying:
    """The Keying node at one fixed pair of levels, scene-linear in and out, 32-bit float."""

    name = "blender"
    about = (
        f"Blender's Keying node through bpy, scene-linear float32; levels {BLACK_LEVEL} and {WHITE_LEVEL} "
        "(the best of 9 fixed pairs by MAD on plates/alpha), else defaults"
    )
    longest: int | None = None
    longest_when_quick: int | None = None

    def unavailable(self) -> str:
        """Say that no interpreter with ``bpy`` is known."""
        return unavailable()

    def prepare(self) -> None:
        """Nothing to load: Blender starts anew for every shot, and that start counts."""

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Key every frame by the border color of the first, in one Blender process."""
        with tempfile.TemporaryDirectory(prefix="dropkey-blender-") as folder:
            plate_file, result_file = Path(folder, "plates.npz"), Path(folder, "keyed.npz")
            levels = np.array([BLACK_LEVEL, WHITE_LEVEL])
            np.savez(plate_file, key=key_color(plates[0]), frames=np.stack(plates), levels=levels)
            arguments = [str(Path(__file__).with_name("blender_node.py")), str(plate_file), str(result_file)]
            run(arguments, folder=Path(folder), result=result_file, deadline_seconds=DEADLINE_SECONDS)
            with np.load(result_file) as results:
                pictures = results["frames"]
        for picture in pictures:
            alpha = np.clip(picture[..., 3], 0.0, 1.0)
            straight = picture[..., :3] / np.maximum(alpha, 1e-4)[..., None]
            yield Keyed(alpha, np.where(alpha[..., None] > 0.0, straight, 0.0).astype(np.float32))
