"""Remembers on disk which worker processes run, so that a service that was killed leaves none behind for good.

A worker ends by itself when its service is gone; one that hangs, or was stopped, cannot.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

log = structlog.get_logger("executor")


class Register:
    """A folder with one small file per running worker: its process id and start time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, pid: int) -> None:
        """Remember a worker."""
        with contextlib.suppress(psutil.NoSuchProcess), _as_far_as_disk_allows():
            born = psutil.Process(pid).create_time()
            temporary = self._folder / f".{pid}.{os.getpid()}.tmp"
            temporary.write_text(f"{born!r}\n", encoding="utf-8")
            temporary.replace(self._folder / str(pid))

    def remove(self, pid: int) -> None:
        """Forget a worker that has ended."""
        with _as_far_as_disk_allows():
            (self._folder / str(pid)).unlink(missing_ok=True)

    def end_orphans(self) -> list[int]:
        """Kill workers of an earlier service that still run; return their process ids."""
        ended = []
        for file in self._folder.iterdir():
            if file.name.isdigit() and _kill(int(file.name), file.read_text(encoding="utf-8")):
                ended.append(int(file.name))
            file.unlink(missing_ok=True)
        return ended


@contextlib.contextmanager
def _as_far_as_disk_allows() -> Iterator[None]:
    """Go on without the file: a full home must not keep workers from being started again and watched."""
    try:
        yield
    except OSError as error:
        log.warning("worker not remembered", problem=str(error))


def _kill(pid: int, born: str) -> bool:
    """Kill that process, unless its number belongs to another one by now."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - float(born)) > 0.5:
            return False
        process.kill()
        process.wait(timeout=10)
    except (psutil.Error, ValueError):
        return False
    return True
