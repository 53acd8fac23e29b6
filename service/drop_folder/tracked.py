"""What is known of one shot of a drop folder from look to look."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from service.drop_folder.order_book import Entry
from service.drop_folder.settling import Sample, Settling
from service.drop_folder.sightings import Sighting
from service.jobs import Problem


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
    used_sentinel: Sample | None = None  # a `.ready` file counts once
    transfers: frozenset[tuple[str, Sample]] = frozenset()
    closed: set[str] = field(default_factory=set)  # files that no other program has open any more
    looked: float = -math.inf  # when it was seen last
    gone_since: float | None = None
    trouble: str = ""  # what kept it from the queue at the last scan
    changed: bool = False  # since the queue got it, so that a failed or cancelled job of the same files is done again


@dataclass(frozen=True)
class Found:
    """One shot as a look found it."""

    sighting: Sighting
    entry: Entry
    looked: float  # when


def declared(tracked: Tracked, sighting: Sighting) -> bool:
    """Tell whether a `.ready` file says that all is there."""
    return sighting.sentinel is not None and sighting.sentinel != tracked.used_sentinel


def stands_in(sighting: Sighting) -> bool:
    """Tell whether a job file stands for a shot that is not there (yet)."""
    return sighting.source is not None and sighting.shot.prefix == sighting.source.name
