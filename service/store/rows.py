"""How jobs, frames and events become rows, and rows become them again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel, ValidationError
from sqlalchemy import RowMapping

from model.settings import MatteSources, Screen
from service.errors import JobUnreadable
from service.jobs import FrameResult, Job, JobRequest, JobState, Problem
from service.shots import Shot


@dataclass(frozen=True)
class JobKeys:
    """What jobs are found by, beside their identity."""

    shot_key: str  # where the plate lies: the same shot, whatever its content
    recipe: str  # hash of everything but plate and frames
    place: str  # folder that holds the versions of the shot
    settled: bool  # whether all files of the plate have arrived
    faults: int = 0  # transient faults since the last finished frame
    content: str = ""  # identifies the plates that the job is of; empty where an earlier DropKey did not say


class JobChanges(TypedDict, total=False):
    """What `JobStore.update` can change."""

    identity: str
    recipe: str
    content: str
    settled: bool
    faults: int
    state: JobState
    priority: int
    version: int
    output: Path
    reuse: Path | None
    request: JobRequest
    shot: Shot
    mattes: MatteSources
    frames: tuple[int, ...]
    frames_per_second: float | None
    eta_seconds: float | None
    screen: Screen | None
    problem: Problem | None
    warnings: tuple[str, ...]
    attempt: int
    manifest: Path | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class Event:
    """Something that happened to a job; ``id`` only grows."""

    id: int
    job_id: str
    kind: str  # job (state or wish changed), progress, frame, removed
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class JobPage:
    """Some jobs, newest first, and where the next page begins (None: that was the last)."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class StoredReply:
    """Which job an idempotency key stands for, and the hash of the body that came with it."""

    fingerprint: str
    job_id: str


def column_value(value: Any) -> Any:
    """Return ``value`` as its column takes it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def job_row(job: Job, keys: JobKeys) -> dict[str, Any]:
    """Return the row of a new job."""
    row = {name: column_value(getattr(job, name)) for name in Job.model_fields}
    words = words_of(row["shot"], row["request"])
    return row | asdict(keys) | {"client": job.request.client, "words": words}


def words_of(shot: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Return what a search looks at, of a job's columns: name of the shot, plate and client."""
    return folded("\n".join((shot["name"], request["plate"], request["client"] or "")))


def folded(text: str) -> str:
    """Return ``text`` as it is compared: regardless of case, and of how a Mac writes `é`."""
    return unicodedata.normalize("NFC", text).casefold()


def job_from(row: RowMapping) -> Job:
    """Read a job back. Raises JobUnreadable when this version cannot."""
    try:
        return Job.model_validate({name: row[name] for name in Job.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise JobUnreadable(
            f"The record of job {row['id']} cannot be read: {place}: {first['msg']}.",
            fix="Another version of DropKey may have written it: update this one. Its results on disk are not touched; "
            "the shot can be submitted again.",
        ) from None


def keys_from(row: RowMapping) -> JobKeys:
    """Read a job's keys back."""
    return JobKeys(row["shot_key"], row["recipe"], row["place"], row["settled"], row["faults"], row["content"])


def frame_row(job_id: str, result: FrameResult) -> dict[str, Any]:
    """Return the row of a frame."""
    return {"job_id": job_id, "frame": result.frame, "state": result.state, "result": column_value(result)}


def frame_from(row: RowMapping) -> FrameResult:
    """Read a frame back. Raises JobUnreadable when this version cannot."""
    try:
        return FrameResult.model_validate(row["result"])
    except ValidationError as error:
        raise JobUnreadable(
            f"The record of frame {row['frame']} of job {row['job_id']} cannot be read: {error.errors()[0]['msg']}.",
            fix="Retry the job.",
        ) from None


def progress_of(job: Job) -> dict[str, Any]:
    """Return what an event tells about a job."""
    fields = {"state", "priority", "version", "frames_done", "frames_failed", "frames_per_second", "eta_seconds"}
    return job.model_dump(mode="json", include=fields) | {"shot": job.shot.name, "frames": len(job.frames)}
