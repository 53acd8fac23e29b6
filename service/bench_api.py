"""Measures the API with a full queue: `dropkey bench --api`; latency of lists, CPU seconds with many listeners.

A real service runs in a process of its own and keys a shot meanwhile; its CPU seconds are those of the API alone.
"""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from service.bench_service import START_SECONDS, BenchService, cpu_seconds, running_service, wait
from service.client import Client
from service.errors import DropKeyError
from service.jobs import RESTING, Job, JobRequest, JobState
from service.shots import Shot
from service.store import JobKeys, tables
from service.store.database import open_engine
from service.store.rows import job_row
from service.store.store import utc_now

_LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"state": "done"},
    {"client": "panel"},
    {"state": "failed", "client": "panel"},
    {"search": "/shots/s99"},
    {"search": "nowhere"},
)
_ASKED_EACH = 50
_SHOT = (640, 360)


class ApiMeasurement(BaseModel):
    """What was measured."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    jobs: int
    """Jobs in the store."""

    list_median_ms: float
    """Of `GET /jobs` with and without filters and searches, while nothing is keyed."""

    list_p95_ms: float
    """95 of 100 are answered within this."""

    listeners: int
    """Open event streams while the shot was keyed."""

    shot_seconds: float
    """How long that took."""

    events_heard: int
    """By all listeners together."""

    api_cpu_seconds: float
    """CPU time that the API's process took meanwhile."""


def bench_api(jobs: int = 10_000, listeners: int = 50, frames: int = 48) -> ApiMeasurement:
    """Fill a queue, start a service on it, list, and key a shot with ``listeners`` open streams."""
    from service.bench import write_shot

    with tempfile.TemporaryDirectory(prefix="dropkey-bench-") as place:
        fill(Path(place) / "home" / "jobs.sqlite", jobs)
        shot = write_shot(Path(place) / "plate", *_SHOT, frames)
        with running_service(Path(place)) as service:
            client = service.client
            wait(lambda: any(worker.state == "ready" for worker in client.workers()), "a worker is ready")
            taken = sorted(1000 * _list_once(client, asked) for asked in _LISTS for _ in range(_ASKED_EACH))
            heard, seconds, cpu = _listen(service, shot, listeners)
    return ApiMeasurement(
        jobs=jobs,
        list_median_ms=round(median(taken), 2),
        list_p95_ms=round(quantiles(taken, n=20)[-1], 2),
        listeners=listeners,
        shot_seconds=round(seconds, 1),
        events_heard=heard,
        api_cpu_seconds=round(cpu, 2),
    )


def fill(database: Path, jobs: int) -> None:
    """Write a store of finished, failed and cancelled jobs."""
    engine = open_engine(database)
    states = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.DONE)
    rows = [_row(number, states[number % len(states)]) for number in range(jobs)]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.job), rows)
    engine.dispose()


def _row(number: int, state: JobState) -> dict[str, Any]:
    folder, output = Path(f"/shots/s{number}"), Path(f"/out/s{number}/v001")
    shot = Shot(
        name=f"s{number}", kind="sequence", folder=folder, prefix="p.", suffix=".exr", frames=tuple(range(1, 101))
    )
    now = utc_now()
    job = Job(
        id=uuid.uuid4().hex,
        request=JobRequest(plate=str(folder), client=("panel", "watcher")[number % 2]),
        shot=shot,
        identity=f"{number:064d}",
        state=state,
        priority=50,
        version=1,
        output=output,
        frames=shot.frames,
        created_at=now,
        updated_at=now,
    )
    return job_row(job, JobKeys(str(folder), f"{number:064d}", str(output.parent), True))


def _list_once(client: Client, asked: dict[str, Any]) -> float:
    started = time.perf_counter()
    next(client.jobs(**asked), None)  # one page
    return time.perf_counter() - started


def _listen(service: BenchService, shot: Shot, listeners: int) -> tuple[int, float, float]:
    """Return events heard, seconds of the shot, and CPU seconds of the API meanwhile."""
    client = service.client
    counts = [0] * listeners
    ready = threading.Barrier(listeners + 1)

    def hear(index: int) -> None:
        try:
            with Client.of_running(service.settings) as mine:
                for name, _ in mine.events():
                    if name == "snapshot":
                        ready.wait(START_SECONDS)
                    counts[index] += 1
        except DropKeyError:
            return  # the service has stopped

    for index in range(listeners):
        threading.Thread(target=hear, args=(index,), daemon=True).start()
    ready.wait(START_SECONDS)
    before, started = cpu_seconds(service.process), time.perf_counter()
    job = client.submit(JobRequest(plate=str(shot.folder / shot.pattern), client="bench"))
    while client.job(job.id).state not in RESTING:
        time.sleep(1.0)
    return sum(counts), time.perf_counter() - started, cpu_seconds(service.process) - before
