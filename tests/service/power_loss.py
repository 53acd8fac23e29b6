"""Knows, after every write, what a disk would hold if the power went now: only what was flushed is sure to be there.

A file's content counts once the file was flushed, a name once its folder was. Everything else may be there or not, so
two disks are shown: one that lost every name it could lose, one that kept every name but no content.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

Disk = dict[str, bytes]
"""Path below the root → content, without temporary files."""


class PowerLoss:
    """Watches what this process flushes and renames below ``root``, which is on the disk as it is now."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[], None] = lambda: None) -> None:
        """``check`` is called after each step, while no other thread flushes or renames."""
        self.root = root
        self.steps: list[str] = []
        self.check = check
        self._contents: dict[int, bytes] = {}  # by number of the inode
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}  # by that of the folder: number, whether a folder
        self._held: list[int] = []  # open, so that no number comes again
        self._lock = threading.RLock()
        self._fsync, self._replace = os.fsync, os.replace
        self._keep_names(os.open(root, os.O_RDONLY))
        monkeypatch.setattr(os, "fsync", self._flushed)
        monkeypatch.setattr(os, "replace", self._renamed)

    def close(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)

    def without_names(self) -> Disk:
        """Return the disk that lost every name that was not flushed."""
        with self._lock:
            return self._walk(self.root.stat().st_ino, "", lambda folder: self._names.get(folder, {}))

    def without_contents(self) -> Disk:
        """Return the disk that kept every name, and only the content that was flushed."""
        with self._lock:
            return {
                name: self._contents.get((self.root / name).stat().st_ino, b"") for name in contents_below(self.root)
            }

    def _walk(self, folder: int, path: str, names: Callable[[int], dict[str, tuple[int, bool]]]) -> Disk:
        found: Disk = {}
        for name, (number, is_folder) in names(folder).items():
            if is_folder:
                found |= self._walk(number, f"{path}{name}/", names)
            elif not name.endswith(".tmp"):
                found[path + name] = self._contents.get(number, b"")
        return found

    def _flushed(self, descriptor: int) -> None:
        with self._lock:
            self._fsync(descriptor)
            mine = os.dup(descriptor)
            self._held.append(mine)
            if stat.S_ISDIR(os.fstat(mine).st_mode):
                self.steps.append("flush folder")
                self._keep_names(mine)
            else:
                self.steps.append("flush")
                size = os.fstat(mine).st_size
                read = os.open(f"/proc/self/fd/{mine}", os.O_RDONLY)
                self._contents[os.fstat(mine).st_ino] = os.pread(read, size, 0)
                os.close(read)
            self.check()

    def _renamed(self, *given: object, **named: object) -> None:
        with self._lock:
            self._replace(*given, **named)  # type: ignore[arg-type]  # as os.replace takes them
            self.steps.append("rename")
            self.check()

    def _keep_names(self, descriptor: int) -> None:
        number = os.fstat(descriptor).st_ino
        with os.scandir(descriptor) as entries:
            self._names[number] = {
                entry.name: (entry.inode(), entry.is_dir(follow_symlinks=False)) for entry in entries
            }


def contents_below(root: Path) -> Disk:
    """Return all files below ``root`` as the running system shows them, without temporary ones."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
