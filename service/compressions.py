"""Measures the lossless EXR compressions on keyed frames: `python -m service.compressions`; see docs/exr.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.settings import Compression
from service.exr import COMPRESSIONS, LOSSY, ExrHeader, read_exr, write_alpha, write_foreground

Floats = NDArray[np.float32]
_LOSSLESS = tuple(name for name in COMPRESSIONS if name not in LOSSY)


@dataclass(frozen=True)
class Cost:
    """What one compression costs for one frame, foreground and alpha together."""

    compression: Compression
    write_seconds: float
    read_seconds: float
    mib: float


def keyed_frames(count: int, width: int, height: int) -> list[tuple[Floats, Floats]]:
    """Return keyed frames of the painted shot: foreground multiplied by alpha (H, W, 3), and alpha (H, W)."""
    import torch

    from model.keyer import Mattes, load_keyer
    from model.settings import KeySettings
    from service.demo.shot import paint_frame
    from service.pipeline.stages import deliverable

    settings = KeySettings()
    keyer = load_keyer(settings.keyer)
    plates = [
        torch.from_numpy(np.ascontiguousarray(np.moveaxis(paint_frame(index, count, width, height).plate, -1, 0)))
        for index in range(count)
    ]
    screen = keyer.survey(plates, settings)
    planes = [deliverable(keyer.key(plate, screen, Mattes(), settings), premultiplied=True) for plate in plates]
    return [(np.moveaxis(plane[:3], 0, -1), plane[3]) for plane in planes]


def measure(frames: Sequence[tuple[Floats, Floats]], folder: Path, repeats: int = 3) -> list[Cost]:
    """Write and read ``frames`` in ``folder`` with each compression, by one thread; medians of ``repeats`` rounds.

    The compressions take turns, so that a busy machine treats them alike.
    """
    writes: dict[Compression, list[float]] = {name: [] for name in _LOSSLESS}
    reads: dict[Compression, list[float]] = {name: [] for name in _LOSSLESS}
    sizes: dict[Compression, float] = {}
    for _ in range(repeats):
        for name in _LOSSLESS:
            paths = []
            started = time.perf_counter()
            for index, (color, alpha) in enumerate(frames):
                paths += [folder / f"foreground.{index}.exr", folder / f"alpha.{index}.exr"]
                write_foreground(paths[-2], color, alpha, ExrHeader(compression=name))
                write_alpha(paths[-1], alpha, ExrHeader(compression=name))
            written = time.perf_counter()
            for path in paths:
                read_exr(path)
            writes[name].append((written - started) / len(frames))
            reads[name].append((time.perf_counter() - written) / len(frames))
            sizes[name] = sum(path.stat().st_size for path in paths) / len(frames) / 1024**2
    return [Cost(name, median(writes[name]), median(reads[name]), sizes[name]) for name in _LOSSLESS]


def table(costs: Sequence[Cost], size: str) -> Table:
    """Lay costs out for a terminal."""
    shown = Table(title=f"One frame of {size}, foreground and alpha", title_justify="left")
    for head in ("compression", "write ms", "read ms", "MiB"):
        shown.add_column(head, justify="left" if head == "compression" else "right")
    for cost in costs:
        shown.add_row(
            cost.compression, f"{cost.write_seconds * 1e3:.0f}", f"{cost.read_seconds * 1e3:.0f}", f"{cost.mib:.1f}"
        )
    return shown


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m service.compressions", description=__doc__)
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    width, height = 1920, 1080
    frames = keyed_frames(options.frames, width, height)
    with tempfile.TemporaryDirectory(prefix="dropkey-") as folder:
        Console().print(table(measure(frames, Path(folder), options.repeats), f"{width}×{height}"))


if __name__ == "__main__":
    main()
