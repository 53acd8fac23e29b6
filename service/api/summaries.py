"""A job as lists and live events show it: short, in the words of whoever asked for it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from service.api.schemas import JobSummary
from service.jobs import Job
from service.paths import Paths
from service.wording import prefix_used

LONGEST_MESSAGE = 1000
MOST_WARNINGS, LONGEST_WARNING = 4, 300


def summary_of(job: Job, paths: Paths) -> JobSummary:
    """Return what a queue window shows of ``job``."""
    like = prefix_used(job, paths)
    trouble = job.problem
    if trouble is not None and len(trouble.message) > LONGEST_MESSAGE:
        trouble = trouble.model_copy(update={"message": trouble.message[:LONGEST_MESSAGE] + "…"})
    same: dict[str, Any] = {
        name: getattr(job, name) for name in JobSummary.model_fields if name in type(job).model_fields
    }
    return JobSummary(
        **{
            **same,
            "shot": job.shot.name,
            "shot_id": _shot_id(job.output.parent),
            "plate": job.request.plate,
            "client": job.request.client,
            "frames_total": len(job.frames),
            "first_frame": job.frames[0] if job.frames else None,
            "problem": trouble,
            "warnings": tuple(_shortened(sentence) for sentence in job.warnings[:MOST_WARNINGS]),
            "output": paths.theirs(job.output, like),
            "manifest": None if job.manifest is None else paths.theirs(job.manifest, like),
        }
    )


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= LONGEST_WARNING else sentence[:LONGEST_WARNING] + "…"


def _shot_id(place: Path) -> str:
    """Identify a shot by the folder that holds its versions, in nobody's words and without telling where it lies."""
    return hashlib.sha256(str(place).encode("utf-8", "surrogatepass")).hexdigest()[:16]
