"""Measures the pipeline on a painted shot: seconds per stage, frames per second, CPU seconds, memory.

Each measurement runs in a process of its own (`python -m service.bench`), so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, linear_regression

import psutil
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from model.settings import KeySettings
from service.errors import DropKeyError
from service.messages import FrameFinished, FromWorker, ShotFinished, ShotOrder
from service.shots import Shot, shot_from_plate

SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_PAINTED = 4  # different pictures; further frames are copies of them, which cost the same to read
_SAMPLE_EVERY = 10  # frames between two looks at the memory
PUBLISHED = (
    ("any, at 2048 × 2048", "2 x86-64 cores, float32", "223 CPU s", "5.4 GiB", "the network run by us, weights random"),
    ("any, at 2048 × 2048", "24 GB NVIDIA card", "–", "22.7 GB of the card", "CorridorKey, comment in its job queue"),
    ("any, at 2048 × 2048", "RTX 5070 Ti", "–", "4.57 GiB float32, 1.91 GiB float16", "CorridorKey, pull request 104"),
    ("4096 × 2160", "RTX 4090, half EXR", "2.46 s", "5.2 GB of the card", "CorridorKey-Engine, benchmark results"),
    ("3840 × 2160", "not said", "1.5 s (speed), 1.6 s (low memory)", "8.7 GB, 2.5 GB", "EZ-CorridorKey, README"),
)
"""What peers say of themselves: frame, machine, time and memory of one frame, where it is said."""

_MIB = 1024**2
_DEFAULTS = KeySettings()


class Measurement(BaseModel):
    """One run of the pipeline over a shot."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    frames: int
    """Frames keyed."""

    keyer: str
    """Which keyer."""

    precision: str
    """Number format of its convolutions."""

    device: str
    """cuda:0, mps or cpu."""

    threads: int
    """CPU threads of torch."""

    writers: int
    """Threads that write."""

    read_seconds: float
    """Mean per frame."""

    key_seconds: float
    """Mean per frame."""

    write_seconds: float
    """Mean per frame, of one writer."""

    wall_seconds: float
    """From the order to the finished manifest; the keyer was loaded before."""

    cpu_seconds: float
    """Of the whole process meanwhile."""

    peak_mib: float
    """Most memory that the process ever held, its libraries included."""

    gpu_peak_mib: float | None
    """Most memory that torch held on the card; null without one."""

    memory_mib: tuple[float, ...]
    """Memory in use after every tenth frame."""

    @property
    def frames_per_second(self) -> float:
        """End to end."""
        return self.frames / self.wall_seconds

    @property
    def slowest_seconds(self) -> float:
        """Busy seconds of the stage that was busy longest; writers share their stage's work."""
        return self.frames * max(self.read_seconds, self.key_seconds, self.write_seconds / self.writers)

    @property
    def overhead(self) -> float:
        """Wall time beyond the slowest stage, as a share of it."""
        return self.wall_seconds / self.slowest_seconds - 1.0

    @property
    def memory_slope(self) -> float | None:
        """MiB that memory grew per 100 frames in the second half of the run.

        Null below 200 frames: how many frames are under way varies, and says more than any growth then.
        """
        if len(self.memory_mib) * _SAMPLE_EVERY < 200:
            return None
        late = self.memory_mib[len(self.memory_mib) // 2 :]
        frames = [index * _SAMPLE_EVERY / 100.0 for index in range(len(late))]
        return linear_regression(frames, late).slope


def bench(
    sizes: Sequence[str] = ("1080p", "4k"),
    *,
    frames: int = 20,
    device: str = "auto",
    threads: int = 0,
    folder: Path | None = None,
    settings: KeySettings = _DEFAULTS,
) -> list[Measurement]:
    """Measure the given ``SIZES``, one process each; plates and results lie in ``folder`` meanwhile.

    Raises DropKeyError when a process fails; its own words are part of the message.
    """
    return [_measure_apart(size, frames, device, threads, folder, settings) for size in sizes]


def bench_memory(
    *,
    frames: int = 500,
    device: str = "auto",
    threads: int = 0,
    folder: Path | None = None,
    settings: KeySettings = _DEFAULTS,
) -> Measurement:
    """Measure a long shot of 640×360, to see whether memory grows."""
    return _measure_apart("360p", frames, device, threads, folder, settings)


def table(measurements: Sequence[Measurement]) -> Table:
    """Lay measurements out for a terminal."""
    shown = Table(title="Seconds per frame and stage", title_justify="left")
    heads = ("size", "keyer", "frames", "device", "read s", "key s", "write s", "frames/s", "wall s", "over slowest")
    for head in (*heads, "CPU s a frame", "peak MiB", "GPU MiB", "growth MiB/100"):
        shown.add_column(head, justify="left" if head in ("size", "keyer", "device") else "right")
    for found in measurements:
        writers = f" /{found.writers}" if found.writers > 1 else ""
        shown.add_row(
            f"{found.width}×{found.height}",
            found.keyer if found.precision == "float32" else f"{found.keyer}, {found.precision}",
            str(found.frames),
            found.device if found.device != "cpu" else f"cpu, {found.threads} threads",
            f"{found.read_seconds:.3f}",
            f"{found.key_seconds:.3f}",
            f"{found.write_seconds:.3f}{writers}",
            f"{found.frames_per_second:.2f}",
            f"{found.wall_seconds:.1f}",
            f"{found.overhead:+.1%}",
            f"{found.cpu_seconds / found.frames:.2f}",
            f"{found.peak_mib:.0f}",
            "–" if found.gpu_peak_mib is None else f"{found.gpu_peak_mib:.0f}",
            "–" if found.memory_slope is None else f"{found.memory_slope:+.2f}",
        )
    return shown


def write_shot(folder: Path, width: int, height: int, frames: int) -> Shot:
    """Write a green-screen shot of 16-bit PNGs, numbered from 1, as After Effects would render it."""
    from service.demo.pictures import srgb_from_linear, write_png
    from service.demo.shot import paint_frame

    folder.mkdir(parents=True, exist_ok=True)
    for index in range(frames):
        path = folder / f"bench.{index + 1:04d}.png"
        if index < _PAINTED:
            write_png(path, srgb_from_linear(paint_frame(index, _PAINTED, width, height).plate), bits=16)
        else:
            shutil.copyfile(folder / f"bench.{index % _PAINTED + 1:04d}.png", path)
    return shot_from_plate(folder / "bench.####.png")


class _Watch:
    """Adds up what the pipeline reports."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.finished: list[FrameFinished] = []
        self.memory: list[float] = []

    def hear(self, message: FromWorker) -> None:
        if isinstance(message, FrameFinished):
            self.finished.append(message)
            if len(self.finished) % _SAMPLE_EVERY == 0:
                self.memory.append(self._process.memory_info().rss / _MIB)

    def mean(self, stage: str) -> float:
        return fmean(getattr(message, f"{stage}_seconds") for message in self.finished)


def measure(shot: Shot, output: Path, device: str, threads: int, settings: KeySettings = _DEFAULTS) -> Measurement:
    """Key ``shot`` into ``output`` in this process and measure it."""
    import torch

    from model.device import find_device
    from model.keyer import load_keyer
    from service.exr import read_exr
    from service.pipeline import Limits, key_shot

    if threads:
        torch.set_num_threads(threads)
    where, _ = find_device(device)
    keyer, limits, watch = load_keyer(settings.keyer, where), Limits(minimum_free_gib=0.0), _Watch()
    output.mkdir(parents=True, exist_ok=True)
    order = ShotOrder(shot=shot, frames=shot.frames, settings=settings, output=output)
    gc.collect()
    cpu, started = time.process_time(), time.perf_counter()
    done = key_shot(order, keyer, job_id="", attempt=1, report=watch.hear, stopped=lambda: False, limits=limits)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    _check(done, shot)
    planes, _ = read_exr(next(iter(sorted((output / "alpha").iterdir()))))
    return Measurement(
        width=planes["A"].shape[1],
        height=planes["A"].shape[0],
        frames=len(watch.finished),
        keyer=settings.keyer,
        precision=settings.precision,
        device=where,
        threads=torch.get_num_threads(),
        writers=limits.writers,
        read_seconds=watch.mean("read"),
        key_seconds=watch.mean("key"),
        write_seconds=watch.mean("write"),
        wall_seconds=wall,
        cpu_seconds=cpu,
        peak_mib=_peak_mib(),
        gpu_peak_mib=torch.cuda.max_memory_reserved() / _MIB if where.startswith("cuda") else None,
        memory_mib=tuple(watch.memory),
    )


def _check(done: ShotFinished, shot: Shot) -> None:
    if done.outcome != "done":
        raise DropKeyError(f"The shot ended {done.outcome}.", fix=f"See {done.manifest}.", shot=shot.name)


def _peak_mib() -> float:
    """Return the most memory this process ever held."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / _MIB
    import resource

    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    return peak / _MIB if sys.platform == "darwin" else peak / 1024


def _measure_apart(
    size: str, frames: int, device: str, threads: int, folder: Path | None, settings: KeySettings
) -> Measurement:
    width, height = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="dropkey-bench-", dir=folder) as place:
        # The parent paints: what it takes must not count as the worker's memory.
        write_shot(Path(place) / "plate", width, height, frames)
        command = [sys.executable, "-m", "service.bench", place, "--device", device, "--threads", str(threads)]
        command += ["--settings", settings.model_dump_json()]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, env=os.environ)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise DropKeyError(f"The measurement of {size} failed: {last}.", fix="Try a smaller size, or fewer frames.")
    return Measurement.model_validate_json(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure the shot that lies in the given folder; the last line printed is the result."""
    parser = argparse.ArgumentParser(prog="python -m service.bench", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--settings", type=KeySettings.model_validate_json, default=_DEFAULTS)
    options = parser.parse_args()
    shot = shot_from_plate(options.folder / "plate" / "bench.####.png")
    found = measure(shot, options.folder / "output", options.device, options.threads, options.settings)
    sys.stdout.write(json.dumps(found.model_dump()) + "\n")


def show(measurements: Sequence[Measurement]) -> None:
    """Print the table, and what peers publish beside it."""
    console = Console(width=None if Console().is_terminal else 160)
    console.print(table(measurements))
    console.print(published_table())


def published_table() -> Table:
    """Lay out what is known of the best-known neural keyer, whatever machine this is."""
    shown = Table(title="CorridorKey and its ports, for comparison: not measured by this command", title_justify="left")
    for head in ("frame", "machine", "time", "memory", "source"):
        shown.add_column(head)
    for row in PUBLISHED:
        shown.add_row(*row)
    return shown


if __name__ == "__main__":
    main()
