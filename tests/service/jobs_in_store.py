"""Jobs to put into a store, one or thousands."""

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from service.jobs import Job, JobRequest, JobState
from service.shots import Shot
from service.store import JobKeys, JobStore, tables
from service.store.rows import job_row

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def make_job(number: int, **more) -> Job:
    shot = Shot(name=f"s{number}", kind="sequence", folder=Path("/p"), prefix="s.", suffix=".png", frames=(1, 2, 3))
    content = {
        "id": f"{number:032x}",
        "request": JobRequest(plate="/p/s.####.png", client=f"c{number % 7}"),
        "shot": shot,
        "identity": f"i{number}",
        "state": JobState.QUEUED,
        "priority": number % 100,
        "version": 1,
        "output": Path(f"/o/s{number}/v001"),
        "frames": (1, 2, 3),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Job(**content | more)


def keys_of(job: Job) -> JobKeys:
    return JobKeys(f"/p/{job.shot.name}", "recipe", str(job.output.parent), True)


def add(store: JobStore, number: int, **more) -> Job:
    job = make_job(number, **more)
    return store.add(job, keys_of(job))


def add_many(store: JobStore, jobs: list[Job]) -> None:
    """Fill the table in one commit; each commit waits for the disk, and the store's lock orders its users."""
    with store._transaction() as connection:
        connection.execute(sa.insert(tables.job), [job_row(job, keys_of(job)) for job in jobs])
