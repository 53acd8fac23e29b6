"""Blender's compositing node Keying, run headless in a process of its own: its package cannot share our environment.

The package ``bpy`` for Python 3.11 wants numpy below 2, DropKey wants numpy 2; on Python 3.13 both agree. So Blender
runs under whatever interpreter has ``bpy``: the one that ``DROPKEY_BLENDER_PYTHON`` names, else this one.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model.evaluation.contenders import Keyed
from model.evaluation.peers.first_click import key_color
from model.evaluation.sets import Picture

VARIABLE = "DROPKEY_BLENDER_PYTHON"
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
        named = os.environ.get(VARIABLE)
        if named:
            return "" if Path(named).is_file() else f"{VARIABLE} names {named}, which does not exist"
        if importlib.util.find_spec("bpy"):
            return ""
        return f"this Python has no bpy; name one that has in {VARIABLE} (docs/score.md says how)"

    def prepare(self) -> None:
        """Nothing to load: Blender starts anew for every shot, and that start counts."""

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Key every frame by the border color of the first, in one Blender process."""
        with tempfile.TemporaryDirectory(prefix="dropkey-blender-") as folder:
            plate_file, result_file = Path(folder, "plates.npz"), Path(folder, "keyed.npz")
            levels = np.array([BLACK_LEVEL, WHITE_LEVEL])
            np.savez(plate_file, key=key_color(plates[0]), frames=np.stack(plates), levels=levels)
            self._run(plate_file, result_file, Path(folder))
            with np.load(result_file) as results:
                pictures = results["frames"]
        for picture in pictures:
            alpha = np.clip(picture[..., 3], 0.0, 1.0)
            straight = picture[..., :3] / np.maximum(alpha, 1e-4)[..., None]
            yield Keyed(alpha, np.where(alpha[..., None] > 0.0, straight, 0.0).astype(np.float32))

    def _run(self, plate_file: Path, result_file: Path, folder: Path) -> None:
        interpreter = os.environ.get(VARIABLE) or sys.executable
        script = Path(__file__).with_name("blender_node.py")
        done = subprocess.run(
            [interpreter, "-s", str(script), str(plate_file), str(result_file)],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        if done.returncode or not result_file.is_file():
            raise RuntimeError(f"Blender ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
