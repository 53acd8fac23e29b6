"""How the roots are, told without waiting for a share that hangs.

They are looked at when somebody asks, in threads of their own. What is watched is there only if its last scan says so
too: a mount point that lost its share is still a folder, and only the scan knows that it is not the same one.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from service.drop_folder import DropFolders
from service.paths import Paths

LOOK_SECONDS = 2.0
"""A folder that tells nothing of itself for this long counts as away."""


@dataclass(frozen=True)
class Health:
    """How one root is."""

    online: bool
    free_bytes: int | None = None
    problem: str | None = None


class Roots:
    """Tells of every root, by its id, how it is."""

    def __init__(self, paths: Paths, folders: DropFolders | None = None) -> None:
        """Without ``folders`` nobody scans, and every root is looked at."""
        self._paths = paths
        self._folders = folders
        self._looks: dict[Path, _Look] = {}

    def health(self) -> dict[str, Health]:
        """Return how each root is."""
        scanned = self._scanned()
        for root in self._paths.roots:
            self._looks.setdefault(root.path, _Look(root.path)).begin()
        found = {root.id: (self._looks[root.path].result(), scanned.get(root.path)) for root in self._paths.roots}
        return {name: look if scan is None else _both(look, scan) for name, (look, scan) in found.items()}

    def _scanned(self) -> dict[Path, Health]:
        if self._folders is None:
            return {}
        free, problems = self._folders.free_bytes(), self._folders.problems()
        return {
            Path(root): Health(online, free[Path(root)], problems.get(Path(root)))
            for root, online in self._folders.online().items()
        }


def _both(look: Health, scan: Health) -> Health:
    """Return how a watched root is: away where its scan says so, with what hinders the scan in any case."""
    return replace(look, problem=scan.problem) if scan.online else scan


class _Look:
    """Looks at one folder, once at a time: a share that hangs keeps one thread, however often it is asked about."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._done.set()
        self._found = Health(online=False)

    def begin(self) -> None:
        """Look, unless an earlier look has not come back."""
        with self._lock:
            if self._done.is_set():
                self._done.clear()
                threading.Thread(target=self._run, name=f"look {self._folder.name}", daemon=True).start()

    def result(self) -> Health:
        """Return what was found, soon."""
        return self._found if self._done.wait(LOOK_SECONDS) else Health(online=False)

    def _run(self) -> None:
        try:
            self._found = look_at(self._folder)
        finally:
            self._done.set()


def look_at(folder: Path) -> Health:
    """Return how ``folder`` is; may hang with its disk."""
    try:
        return Health(folder.is_dir(), shutil.disk_usage(folder).free)
    except OSError:
        return Health(online=False)
