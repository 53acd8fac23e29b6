"""A job in the words of whoever asked for it: who sends `S:\\shots\\a` gets `S:\\…` back."""

from __future__ import annotations

from typing import Any

from service.jobs import Job
from service.paths import Paths
from service.requests import matte_pictures


def prefix_used(job: Job, paths: Paths) -> str | None:
    """Return the prefix of another machine under which ``job`` was asked for, None when in our own words."""
    return None if job.request.root is not None else paths.prefix_of(job.request.plate)


def worded(job: Job, paths: Paths) -> dict[str, Any]:
    """Return ``job`` as JSON data, all its paths in the asker's words."""
    content = job.model_dump(mode="json")
    like = prefix_used(job, paths)
    if like is None:
        return content
    content["shot"]["folder"] = paths.theirs(job.shot.folder, like)
    for name in ("output", "reuse", "manifest"):
        path = getattr(job, name)
        if path is not None:
            content[name] = paths.theirs(path, like)
    for name, path in matte_pictures(job.mattes).items():
        content["mattes"][name] = paths.theirs(path, like)
    return content
