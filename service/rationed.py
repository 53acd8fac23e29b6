"""Log lines that strangers could cause by the thousand: told at once, then counted, at most one a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

SECONDS_BETWEEN = 60.0


class Rationed:
    """One kind of warning; the next line says how many there were since the last one."""

    def __init__(self, log: Any, event: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._event = event
        self._clock = clock
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._held_back = 0

    def warn(self, **details: object) -> None:
        """Write the line, unless one was written within the last minute."""
        with self._lock:
            self._held_back += 1
            if self._clock() < self._next:
                return
            self._next = self._clock() + SECONDS_BETWEEN
            times, self._held_back = self._held_back, 0
        self._log.warning(self._event, times=times, **details)
