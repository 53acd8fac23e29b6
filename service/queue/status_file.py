"""Writes `<output root>/<shot>/status.json`, for people and panels without HTTP, and one index of them all.

The index, `<output root>/jobs.json`, is what a panel reads first: a share may hold a thousand shots. A thread of its
own writes both: an output share that hangs must not hold up the queue.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from service.atomic import make_folder, replace_file, sweep_temporaries
from service.confined import check_written
from service.jobs import Job, JobState
from service.queue.intake import root_of

NAME = "status.json"
INDEX = "jobs.json"
MOST_INDEXED = 300
"""Shots in the index, the newest of them: a panel reads it in one piece, in a language that is slow at it."""

SECONDS_BETWEEN = 0.5

log = logging.getLogger(__name__)


class StatusFiles:
    """Keeps the status files up to date; each says how the newest version of its shot is."""

    def __init__(
        self,
        newest: Callable[[Path], Job | None],
        why_away: Callable[[Path], str],
        confinement: Callable[[Path], Sequence[Path]],
    ) -> None:
        """``confinement`` gives the folders that no link in an output root may lead out of."""
        self._newest = newest
        self._confinement = confinement
        self._why_away = why_away
        self._dirty: set[Path] = set()
        self._swept: set[Path] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="status-files", daemon=True)
        self._thread.start()

    def update(self, place: Path) -> None:
        """Have the file of a shot's folder written soon."""
        with self._changed:
            self._dirty.add(place)
            self._changed.notify()

    def close(self) -> None:
        """Write what is due, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._closing)
                due, self._dirty = self._dirty, set()
                closing = self._closing
            written = [job for place in due if (job := self._write(place)) is not None]
            for root in {root_of(job) for job in written}:
                self._index(root, [job for job in written if root_of(job) == root])
            if closing:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closing, SECONDS_BETWEEN)

    def _write(self, place: Path) -> Job | None:
        try:
            job = self._newest(place)
            if job is not None and not self._why_away(root_of(job)):
                within = self._confinement(root_of(job))
                check_written(place, within)
                if place not in self._swept:
                    self._swept.add(place)
                    sweep_temporaries(place)  # a service that was killed may have left half a file
                write_status(job, within=within)
                return job
        except Exception:
            # The status is a convenience; the job itself reports what is wrong with its folder.
            log.warning("the status of %s cannot be written", place, exc_info=True)
        return None

    def _index(self, root: Path, jobs: list[Job]) -> None:
        try:
            write_index(root, jobs)
        except Exception:
            log.warning("the index of %s cannot be written", root, exc_info=True)


def write_status(job: Job, *, within: Sequence[Path] = ()) -> Path:
    """Write the job beside its version folders, all paths relative to the file; never half of it.

    ``within``: as for `replace_file`.
    """
    place = job.output.parent
    make_folder(place)
    content = job.model_dump(mode="json")
    content["shot"]["folder"] = _relative(job.shot.folder, place)
    for name in ("output", "reuse", "manifest"):
        path = getattr(job, name)
        content[name] = None if path is None else _relative(path, place)
    for name, source in job.mattes:
        if isinstance(source, str):
            content["mattes"][name] = _relative(Path(source), place)
    file = place / NAME
    replace_file(file, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode(), within=within)
    return file


def write_index(root: Path, jobs: Iterable[Job]) -> Path:
    """Enter ``jobs`` into the index of an output root, each under the folder of its shot; never half of it."""
    file = root / INDEX
    try:
        known = dict(json.loads(file.read_text(encoding="utf-8"))["shots"])
    except (OSError, ValueError, LookupError, TypeError):
        known = {}
    shots = {name: entry for name, entry in known.items() if isinstance(entry, dict) and "updated_at" in entry}
    for job in jobs:
        shots[_relative(job.output.parent, root)] = {
            "id": job.id,
            "state": job.state.value,
            "client": job.request.client,
            "plate": job.request.plate,
            "frames": job.request.frames,
            "updated_at": job.model_dump(mode="json", include={"updated_at"})["updated_at"],
        }
    newest = sorted(shots.items(), key=lambda shot: str(shot[1]["updated_at"]), reverse=True)[:MOST_INDEXED]
    content = {"schema_version": 1, "shots": dict(newest)}
    replace_file(file, (json.dumps(content, ensure_ascii=False) + "\n").encode())
    return file


def done_identity(place: Path) -> str | None:
    """Return the identity of the job of which the status file in ``place`` says that it is done; None without one."""
    try:
        content = json.loads((place / NAME).read_text(encoding="utf-8"))
        done = content["state"] == JobState.DONE and (place / content["manifest"]).is_file()
        return str(content["identity"]) if done else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _relative(path: Path, place: Path) -> str:
    try:
        return Path(os.path.relpath(path, place)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
