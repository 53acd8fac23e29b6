"""Measures keying in earnest: by the service's own worker, by one farm worker, and by two that share the threads."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from service.bench_farm import process, running_scheduler, wait_for_workers
from service.bench_service import BenchService, cpu_seconds, running_service, wait
from service.errors import Transient
from service.jobs import RESTING, JobRequest, JobState
from service.shots import Shot

_SIZE = (1280, 720)
_WARM_FRAMES = 4
_LONGEST_SECONDS = 3600.0


class FarmKeying(BaseModel):
    """One shot, keyed in one of the ways."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workers: int
    """Farm workers; 0: the service's own."""

    threads: int
    """Of each worker."""

    frames: int
    """Of the shot, 1280 by 720."""

    first_frame_seconds: float
    """From `POST /jobs` to the first finished frame, with workers that have keyed before."""

    seconds: float
    """From `POST /jobs` to the finished shot."""

    cpu_seconds: float
    """Of the workers' processes meanwhile, all that they started included."""


def bench_farm_keying(workers: int, threads: int, frames: int, keyer: str) -> FarmKeying:
    """Key a painted shot once to warm up and once to be measured. Raises Transient where it does not come out."""
    from service.bench import write_shot

    with tempfile.TemporaryDirectory(prefix="dropkey-bench-") as folder, ExitStack() as stack:
        place = Path(folder)
        (place / "output").mkdir()
        warm = write_shot(place / "plates" / "warm", *_SIZE, _WARM_FRAMES)
        shot = write_shot(place / "plates" / "shot", *_SIZE, frames)
        service, processes = stack.enter_context(_running(place, workers, threads, keyer))
        _key(service, warm)
        before = _cpu(processes)
        first, seconds = _key(service, shot)
        return FarmKeying(
            workers=workers,
            threads=threads,
            frames=frames,
            first_frame_seconds=round(first, 2),
            seconds=round(seconds, 2),
            cpu_seconds=round(_cpu(processes) - before, 2),
        )


@contextmanager
def _running(
    place: Path, workers: int, threads: int, keyer: str
) -> Iterator[tuple[BenchService, list[psutil.Process]]]:
    """Run a service whose shots are keyed that way; yields it, and the processes that key."""
    choices = {"WORKER_THREADS": str(threads), "DEVICE": "cpu", "KEY_DEFAULTS__KEYER": keyer}
    with ExitStack() as stack:
        keying = []
        if workers:
            _, address = stack.enter_context(running_scheduler(place))
            choices["FARM__SCHEDULER"] = address
            for number in range(workers):
                command = ("-m", "service.cli", "farm", "worker", "--scheduler", address, "--name", f"worker{number}")
                keying.append(stack.enter_context(process(place, *command, choices=choices)))
        service = stack.enter_context(running_service(place, choices))
        wait_for_workers(service.client, max(1, workers))
        yield service, keying or psutil.Process(service.process.pid).children(recursive=True)


def _key(service: BenchService, shot: Shot) -> tuple[float, float]:
    """Return after how many seconds the first frame was there, and the whole shot."""
    client, asked = service.client, time.monotonic()
    job = client.submit(JobRequest(plate=str(shot.folder / shot.pattern)))

    def has_begun() -> bool:
        now = client.job(job.id)
        return now.frames_done > 0 or now.state in RESTING

    wait(has_begun, "the first frame", _LONGEST_SECONDS, every=0.02)
    first = time.monotonic() - asked
    wait(lambda: client.job(job.id).state in RESTING, "the shot", _LONGEST_SECONDS)
    if client.job(job.id).state is not JobState.DONE:
        raise Transient(f"The shot came out {client.job(job.id).state}.", fix="Look at the service's log.")
    return first, time.monotonic() - asked


def _cpu(processes: list[psutil.Process]) -> float:
    family = {member for process in processes for member in (process, *process.children(recursive=True))}
    return sum(cpu_seconds(member) for member in family)
