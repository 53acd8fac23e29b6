"""Paints the tiny shots of `dropkey bench --chaos`, and keys them calmly, in a process of its own, for comparison."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from service.errors import DropKeyError

FRAMES = 12
_WIDTH, _HEIGHT = 96, 54

Frames = dict[int, str]
"""Of each frame, a hash of all pixels of both passes."""


@dataclass(frozen=True)
class Rewritten:
    """A shot with the plates that were written so many times before."""

    name: str
    content: int


def write_plates(folder: Path, name: str, content: int, *, pause: float = 0.0) -> None:
    """Write, or write anew, the frames of a shot under their final names, ``pause`` seconds apart."""
    import numpy as np

    from service.demo.pictures import write_png

    folder.mkdir(parents=True, exist_ok=True)
    number = xxhash.xxh32_intdigest(name.encode())
    screen = np.asarray(((0.15, 0.65, 0.2), (0.15, 0.25, 0.75))[content % 2], np.float32)
    x, y = np.meshgrid(np.arange(_WIDTH, dtype=np.float32), np.arange(_HEIGHT, dtype=np.float32))
    for frame in range(1, FRAMES + 1):
        random = np.random.default_rng((number, content, frame))
        center = _WIDTH * (0.35 + 0.3 * frame / FRAMES)
        alpha = np.clip((_HEIGHT / 3 - np.hypot(x - center, y - _HEIGHT / 2)) / 4, 0, 1)[..., None]
        color = alpha * np.asarray((0.75, 0.5, 0.4), np.float32) + (1 - alpha) * screen
        write_png(folder / f"{name}.{frame:04d}.png", color + random.normal(0, 0.004, color.shape), bits=16)
        time.sleep(pause)


def frames_of(version: Path, name: str) -> Frames:
    """Return the frames that lie whole in a version folder; raises DropKeyError for one that is not whole."""
    from service.exr import read_exr

    found: dict[int, list[str]] = {}
    for kind in ("foreground", "alpha"):
        for file in sorted((version / kind).glob(f"{name}_{kind}.[0-9]*.exr")):
            planes, _ = read_exr(file)
            pixels = b"".join(planes[channel].tobytes() for channel in sorted(planes))
            found.setdefault(int(file.name.split(".")[-2]), []).append(xxhash.xxh3_64_hexdigest(pixels))
    return {frame: " ".join(marks) for frame, marks in found.items() if len(marks) == 2}


def calm_frames(folder: Path, wanted: Sequence[Rewritten]) -> dict[str, dict[int, Frames]]:
    """Return what an undisturbed run makes of each; torch stays in its process."""
    command = [sys.executable, "-m", "service.chaos_shots", str(folder)]
    asked = json.dumps([[one.name, one.content] for one in wanted])
    done = subprocess.run(command, input=asked, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise DropKeyError(f"The calm run failed: {done.stderr[-500:]}", fix="Key a shot with `dropkey key`.")
    calm: dict[str, dict[int, Frames]] = {}
    for one in wanted:
        version = folder / f"{one.name}.{one.content}" / "v001"
        calm.setdefault(one.name, {})[one.content] = frames_of(version, one.name)
    return calm


def main() -> None:
    """Key the shots that stdin names into the given folder."""
    from model.keyer import load_keyer
    from model.settings import KeySettings
    from service.messages import ShotOrder
    from service.pipeline import Limits, key_shot
    from service.shots import shot_from_plate

    folder = Path(sys.argv[1])
    settings = KeySettings(keyer="difference")
    keyer, limits = load_keyer("difference", "cpu"), Limits(minimum_free_gib=0.0)
    for name, content in json.load(sys.stdin):
        plates, output = folder / f"{name}.{content}" / "plates", folder / f"{name}.{content}" / "v001"
        write_plates(plates, name, content)
        output.mkdir()
        shot = shot_from_plate(plates / f"{name}.####.png")
        order = ShotOrder(shot=shot, frames=shot.frames, settings=settings, output=output)
        key_shot(order, keyer, job_id="", attempt=1, report=lambda _: None, stopped=lambda: False, limits=limits)


if __name__ == "__main__":
    main()
