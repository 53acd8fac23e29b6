"""When jobs that found no room on their output disk are tried again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

SPACE_CHECK_SECONDS = 10.0
LONGEST_SPACE_DELAY_SECONDS = 600.0


class Room:
    """Looks at the disks now and then. The dispatcher's thread calls, under the queue's lock.

    A quota leaves the disk its room, and a file may be too large for any: only trying tells then. So each attempt that
    finds no room again makes the pause before the next one twice as long.
    """

    def __init__(self, minimum_free_gib: float, clock: Callable[[], float]) -> None:
        self._least = minimum_free_gib * 2**30
        self._clock = clock
        self._looked = clock()
        self._delays: dict[str, float] = {}
        self._not_before: dict[str, float] = {}

    def lacked(self, job_id: str) -> None:
        """A job found no room."""
        delay = min(2 * self._delays.get(job_id, SPACE_CHECK_SECONDS / 4), LONGEST_SPACE_DELAY_SECONDS)
        self._delays[job_id] = delay
        self._not_before[job_id] = self._clock() + delay

    def forgive(self, job_id: str) -> None:
        """A frame of it was written, or somebody says that there is room."""
        self._delays.pop(job_id, None)
        self._not_before.pop(job_id, None)

    def is_time_to_look(self) -> bool:
        """Tell, once every few seconds, that it is."""
        now = self._clock()
        if now - self._looked < SPACE_CHECK_SECONDS:
            return False
        self._looked = now
        return True

    def may_try(self, job_id: str, folder: Path) -> bool:
        """Tell whether the disk of ``folder`` shows room, and the job has waited long enough."""
        return self._not_before.get(job_id, 0.0) <= self._clock() and self._has_room(folder)

    def _has_room(self, folder: Path) -> bool:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            return shutil.disk_usage(folder).free > self._least
        except OSError:
            return False
