"""Measures what a farm costs beside the keying: workers that only wait, a real scheduler, and a real queue."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from service.errors import Transient
from service.jobs import Job, JobRequest, JobState
from service.queue import JobQueue
from service.server import running_queue
from service.settings import FarmSettings, Settings
from service.shots import shot_from_plate

SHOT_FRAMES = 100
PER_PROCESS = 16  # waiting workers
_PATIENCE_SECONDS = 120.0
_ENDS = {JobState.DONE, JobState.FAILED, JobState.NEEDS_ATTENTION}


class FarmMeasurement(BaseModel):
    """One run with so many workers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workers: int
    """Waiting workers."""

    shots: int
    """Shots of 100 frames, all queued at once."""

    seconds: float
    """From letting the first shot go to the end of the last."""

    ideal_share: float
    """What the waiting alone takes on so many workers, by what it took."""

    first_frame_seconds: float
    """From letting the first shot go until it was looked at and its first part is at hand."""

    scheduler_cores: float
    """CPU seconds of the scheduler's process for each second."""

    service_cores: float
    """CPU seconds of the queue's process for each second."""

    scheduler_mib: float
    """Memory of the scheduler's process at the end."""

    service_mib: float
    """Memory of the queue's process at the end."""


def bench_farm(workers: int, shots: int, frame_seconds: float, part_frames: int) -> FarmMeasurement:
    """Run ``shots`` through a farm of this machine; raises Transient where its workers do not come."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        address = f"tcp://127.0.0.1:{_free_port()}"
        scheduler = stack.enter_context(_process(home, "-m", "service.cli", "farm", "scheduler", "--listen", address))
        names = [f"waiting{number:02d}" for number in range(workers)]
        for start in range(0, workers, PER_PROCESS):
            chosen = names[start : start + PER_PROCESS]
            waiting = ("-m", "service.executor.dask.waiting", address, *chosen, "--seconds", str(frame_seconds))
            stack.enter_context(_process(home, *waiting))
        farm = FarmSettings(scheduler=address, part_frames=part_frames)
        settings = Settings(home=home, drop_folders=(home / "drop",), farm=farm)
        settings.output.mkdir(parents=True, exist_ok=True)
        _, queue = stack.enter_context(running_queue(settings))
        _until_ready(queue, workers)
        return _measure(queue, _plates(home, shots), workers, frame_seconds, psutil.Process(scheduler.pid))


def _measure(
    queue: JobQueue, plates: list[Path], workers: int, frame_seconds: float, scheduler: psutil.Process
) -> FarmMeasurement:
    own = psutil.Process()
    # Looking at the plates' files is no farm's work: the jobs are held until all are there.
    jobs: list[Job] = []
    for plate in plates:
        jobs.append(queue.submit(JobRequest(plate=str(plate)), shot_from_plate(plate), settled=False)[0])
        queue.pause(jobs[-1].id)
    for job, plate in zip(jobs, plates, strict=True):
        queue.settle(job.id, shot_from_plate(plate), JobRequest(plate=str(plate)))
    before = [_cpu(scheduler), _cpu(own)]
    begun = time.monotonic()
    for job in jobs:
        queue.resume(job.id)
    # A short part may be over between two looks.
    while not _has_begun(queue, jobs[0].id):
        time.sleep(0.01)
    first_frame = time.monotonic()
    for job in jobs:
        found = queue.wait(job.id, 3600.0, _ENDS)
        if found.state is not JobState.DONE:
            raise Transient(f"The shot {found.shot.name} came out {found.state}: {found.problem}.")
    seconds = time.monotonic() - begun
    after = [_cpu(scheduler), _cpu(own)]
    return FarmMeasurement(
        workers=workers,
        shots=len(plates),
        seconds=round(seconds, 2),
        ideal_share=round(len(plates) * SHOT_FRAMES * frame_seconds / workers / seconds, 3),
        first_frame_seconds=round(first_frame - begun, 2),
        scheduler_cores=round((after[0] - before[0]) / seconds, 2),
        service_cores=round((after[1] - before[1]) / seconds, 2),
        scheduler_mib=round(scheduler.memory_info().rss / 2**20),
        service_mib=round(own.memory_info().rss / 2**20),
    )


def _has_begun(queue: JobQueue, job_id: str) -> bool:
    """Say whether a shot was looked at and a part of it is at hand, or over."""
    job = queue.get(job_id)
    busy = any(worker.state == "busy" for worker in queue.workers())
    return job.state in _ENDS or bool(job.screen and (busy or job.frames_done))


def _plates(home: Path, shots: int) -> list[Path]:
    made = []
    for number in range(shots):
        folder = home / "plates" / f"shot{number:03d}"
        folder.mkdir(parents=True)
        for frame in range(1, SHOT_FRAMES + 1):
            (folder / f"shot{number:03d}.{frame:04d}.png").write_bytes(b"no picture: nobody reads it")
        made.append(folder / f"shot{number:03d}.####.png")
    return made


def _until_ready(queue: JobQueue, workers: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while sum(worker.state == "ready" for worker in queue.workers()) < workers:
        if time.monotonic() > deadline:
            raise Transient("The waiting workers did not come.", fix="Close what keeps the machine busy; try again.")
        time.sleep(0.1)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _process(home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"DROPKEY_HOME": str(home), "DROPKEY_DROP_FOLDERS": f'["{(home / "drop").as_posix()}"]'}
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
