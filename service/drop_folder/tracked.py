"""What is known of one shot of a drop folder from look to look."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from model.settings import MatteSources
from service.drop_folder.order_book import Entry
from service.drop_folder.settling import Sample, Settling
from service.drop_folder.sightings import Sighting
from service.jobs import Problem
from service.requests import matte_pictures
from service.wholeness import ends_early

_NEWEST = 16  # files that are looked into: as many as a copy may have under way at once

Marks = tuple[tuple[str, int, int], ...]
"""The files of mattes: name, size and time of each."""


@dataclass
class Tracked:
    """What is known of one shot from scan to scan."""

    settling: Settling
    seen: Sighting  # at the last look that saw it
    job_id: str | None = None  # of the job that waits for the files
    output_root: Path | None = None  # … and where it was told to put its results
    told: Problem | None = None  # what that job is said to wait for
    delivered: dict[str, Sample] | None = None  # the files as the queue got them
    refused: Sample | None = None  # the sidecar that could not be used
    mattes: Marks = ()  # its mattes, as they were seen last
    cut: list[str] = field(default_factory=list)  # files that end before their end
    used_sentinel: Sample | None = None  # a `.ready` file counts once
    transfers: frozenset[tuple[str, Sample]] = frozenset()
    closed: set[str] = field(default_factory=set)  # files that no other program has open any more
    looked: float = -math.inf  # when it was seen last
    gone_since: float | None = None
    trouble: str = ""  # what kept it from the queue at the last scan
    changed: bool = False  # since the queue got it, so that a failed or cancelled job of the same files is done again

    def observe(self, sighting: Sighting, mattes: Marks, now: float) -> None:
        """Take in what lies there now; whatever moved makes the shot wait on."""
        if self.settling.observe(sighting.files, now):
            self.closed.clear()
        if (self.transfers, self.mattes) != (sighting.transfers, mattes):
            self.transfers, self.mattes = sighting.transfers, mattes
            self.settling.touch(now)


@dataclass(frozen=True)
class Found:
    """One shot as a look found it."""

    sighting: Sighting
    entry: Entry
    looked: float  # when


def declared(tracked: Tracked, sighting: Sighting) -> bool:
    """Tell whether a `.ready` file says that all is there."""
    return sighting.sentinel is not None and sighting.sentinel != tracked.used_sentinel


def outdated(sighting: Sighting, seconds: float) -> Sample | None:
    """Return a `.ready` file that was there before the plates are, by more than so long: it was for earlier ones.

    One file server's clock set both times.
    """
    ready = sighting.sentinel
    written = [sample.mtime_ns for name, sample in sighting.files.items() if sighting.place(name) != sighting.source]
    return ready if ready is not None and max(written, default=0) > ready.mtime_ns + seconds * 1e9 else None


def stands_in(sighting: Sighting) -> bool:
    """Tell whether a job file stands for a shot that is not there (yet)."""
    return sighting.source is not None and sighting.shot.prefix == sighting.source.name


def cut_short(sighting: Sighting) -> list[str]:
    """Return the files of a shot that end before their end, of those that were written last."""
    source = sighting.source.name if sighting.source is not None else None
    plates = [(sample.mtime_ns, name) for name, sample in sighting.files.items() if name != source]
    newest = sorted(name for _, name in sorted(plates)[-_NEWEST:])
    return [name for name in newest if ends_early(sighting.shot.folder / name)]


def matte_marks(mattes: MatteSources) -> Marks:
    """Return how the files of ``mattes`` look now, so that a change is seen."""
    marks: list[tuple[str, int, int]] = []
    for picture in matte_pictures(mattes).values():
        path = Path(picture)
        try:
            if path.is_file():
                status = path.stat()
                marks.append((picture, status.st_size, status.st_mtime_ns))
                continue
            with os.scandir(path if path.is_dir() else path.parent) as entries:
                found = [(entry.path, entry.stat()) for entry in entries if entry.is_file()]
        except OSError:
            continue
        marks += sorted((name, status.st_size, status.st_mtime_ns) for name, status in found)
    return tuple(marks)
