"""Measures what a farm costs beside the keying: workers that only wait, a real scheduler, and a real service."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import psutil
from pydantic import BaseModel, ConfigDict

from service.bench_service import BenchService, cpu_seconds, environment, running_service, wait
from service.client import Client
from service.errors import Transient
from service.jobs import JobRequest, JobState

SHOT_FRAMES = 100
PER_PROCESS = 16  # waiting workers
_LOOK_SECONDS = 0.5
_LAST_LOOK_SECONDS = 0.1
_LONGEST_SECONDS = 3600.0


class FarmMeasurement(BaseModel):
    """One run with so many workers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workers: int
    """Waiting workers."""

    shots: int
    """Shots of 100 frames, asked for one after the other, as fast as the service takes them."""

    seconds: float
    """From asking for the first shot to the end of the last."""

    ideal_share: float
    """What the waiting alone takes on so many workers, by what it took."""

    busy_share: float
    """Share of the workers' time that they had work, while jobs were queued."""

    longest_idle_seconds: float
    """The longest that a worker had no work while jobs were queued."""

    tail_seconds: float
    """From when no job was queued any more to the end."""

    first_frame_seconds: float
    """From asking for the first shot to its first frame, less what that frame waits."""

    list_ms: float
    """Within which 95 of 100 pages of jobs came, all the while."""

    scheduler_cores: float
    """CPU seconds of the scheduler's process for each second."""

    service_cores: float
    """CPU seconds of the service's process for each second."""

    scheduler_mib: float
    """Memory of the scheduler's process at the end."""

    service_mib: float
    """Memory of the service's process at the end."""


@dataclass
class Watched:
    """What was seen while the shots were keyed."""

    begun: float
    first_frame: float = 0.0
    emptied: float = 0.0  # when no job was queued any more
    ended: float = 0.0
    pages: list[float] = field(default_factory=list)  # what each took


def bench_farm(workers: int, shots: int, frame_seconds: float, part_frames: int) -> FarmMeasurement:
    """Run ``shots`` through a farm of this machine; raises Transient where its workers do not come."""
    with tempfile.TemporaryDirectory(prefix="dropkey-bench-") as folder, ExitStack() as stack:
        place = Path(folder)
        (place / "output").mkdir()
        idle = place / "idle.txt"
        scheduler, address = stack.enter_context(running_scheduler(place))
        choices = {"FARM__SCHEDULER": address, "FARM__PART_FRAMES": str(part_frames)}
        service = stack.enter_context(running_service(place, choices))
        names = [f"waiting{number:02d}" for number in range(workers)]
        for start in range(0, workers, PER_PROCESS):
            chosen = names[start : start + PER_PROCESS]
            waiting = ("-m", "service.bench_farm_worker", address, *chosen)
            stack.enter_context(process(place, *waiting, "--seconds", str(frame_seconds), "--idle", str(idle)))
        wait_for_workers(service.client, workers)
        plates = _plates(place, shots)
        before = cpu_seconds(scheduler), cpu_seconds(service.process)
        seen = _watch(service, plates, frame_seconds)
        spent = cpu_seconds(scheduler) - before[0], cpu_seconds(service.process) - before[1]
        gaps = _idle(idle, seen)
        seconds = seen.ended - seen.begun
        return FarmMeasurement(
            workers=workers,
            shots=shots,
            seconds=round(seconds, 2),
            ideal_share=round(shots * SHOT_FRAMES * frame_seconds / workers / seconds, 3),
            busy_share=round(1.0 - sum(gaps) / (workers * max(seen.emptied - seen.begun, 1e-9)), 3),
            longest_idle_seconds=round(max(gaps, default=0.0), 2),
            tail_seconds=round(seen.ended - seen.emptied, 2),
            first_frame_seconds=round(seen.first_frame - seen.begun - frame_seconds, 2),
            list_ms=round(1000 * quantiles(seen.pages, n=20)[-1], 1),
            scheduler_cores=round(spent[0] / seconds, 2),
            service_cores=round(spent[1] / seconds, 2),
            scheduler_mib=round(scheduler.memory_info().rss / 2**20),
            service_mib=round(service.process.memory_info().rss / 2**20),
        )


def _watch(service: BenchService, plates: Sequence[Path], frame_seconds: float) -> Watched:
    """Ask for every plate, and look now and then, as a page does, until all are done."""
    client, seen = service.client, Watched(time.monotonic())
    first = client.submit(JobRequest(plate=str(plates[0])))
    time.sleep(frame_seconds)
    wait(lambda: client.job(first.id).frames_done, "the first frame", every=0.02)
    seen.first_frame = time.monotonic()
    for plate in plates[1:]:
        client.submit(JobRequest(plate=str(plate)))
    while not seen.ended:
        asked = time.monotonic()
        next(client.jobs(), None)  # one page
        now = time.monotonic()
        seen.pages.append(now - asked)
        if seen.emptied or _none(client, JobState.QUEUED):
            seen.emptied = seen.emptied or now
            seen.ended = now if _none(client, JobState.RUNNING) and _none(client, JobState.QUEUED) else 0.0
        if now - seen.begun > _LONGEST_SECONDS:
            raise Transient("The shots did not come to an end.", fix="Close what keeps the machine busy; try again.")
        time.sleep(_LOOK_SECONDS if not seen.emptied else _LAST_LOOK_SECONDS)
    for job in client.jobs():
        if job.state is not JobState.DONE:
            raise Transient(f"The shot {job.shot} came out {job.state}.", fix="Look at the service's log.")
    return seen


def _none(client: Client, state: JobState) -> bool:
    return next(client.jobs(state=state), None) is None


def _idle(file: Path, seen: Watched) -> list[float]:
    """Return how long each time a worker had nothing to do while jobs were queued."""
    gaps = [tuple(map(float, line.split())) for line in file.read_text(encoding="utf-8").splitlines()]
    return [until - max(since, seen.begun) for since, until in gaps if seen.begun < until <= seen.emptied]


def _plates(place: Path, shots: int) -> list[Path]:
    made = []
    for number in range(shots):
        folder = place / "plates" / f"shot{number:03d}"
        folder.mkdir(parents=True)
        for frame in range(1, SHOT_FRAMES + 1):
            (folder / f"shot{number:03d}.{frame:04d}.png").write_bytes(b"no picture: nobody reads it")
        made.append(folder / f"shot{number:03d}.####.png")
    return made


def wait_for_workers(client: Client, count: int) -> None:
    """Return once so many workers are ready; raises Transient where they do not come."""
    wait(lambda: sum(worker.state == "ready" for worker in client.workers()) >= count, f"{count} workers are ready")


@contextmanager
def running_scheduler(place: Path) -> Iterator[tuple[psutil.Process, str]]:
    """Run a scheduler on this machine until left; yields its process and address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with process(place, "-m", "service.cli", "farm", "scheduler", "--listen", address) as started:
        yield started, address


@contextmanager
def process(place: Path, *arguments: str, choices: Mapping[str, str] | None = None) -> Iterator[psutil.Process]:
    """Run Python with ``arguments`` until left; ``choices`` are DROPKEY_* settings."""
    command, quiet = [sys.executable, *arguments], subprocess.DEVNULL
    started = subprocess.Popen(command, env=environment(place, choices or {}), stdout=quiet, stderr=quiet)
    try:
        yield psutil.Process(started.pid)
    finally:
        started.kill()
        started.wait()
