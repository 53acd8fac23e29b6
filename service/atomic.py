"""Puts a file in its place in one step: readers see the old content or the new, never half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from service.confined import folder_to_write
from service.errors import DropKeyError, OutputAway, OutputFull, OutputReadOnly, Transient

_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_QUOTA = getattr(errno, "EDQUOT", -1)  # the disk has room, but not for this user or folder
_FULL = {errno.ENOSPC, errno.EFBIG, _QUOTA}
# Python gives these of Windows' own numbers no errno of their own.
_WINDOWS_QUOTA = 1295  # ERROR_DISK_QUOTA_EXCEEDED
_WINDOWS_FULL = {39, 112, _WINDOWS_QUOTA}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
# What Windows says of a file that somebody has open: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION …
_HELD = {32, 33}
_PERHAPS_HELD = _HELD | {5}  # … and, where it is to be replaced, ERROR_ACCESS_DENIED
_BUSY_TRIES = 20
_BUSY_SECONDS = (0.02, 0.2)  # a reader of small files, or a virus scanner, is through by then
# Disks that keep no order of their own to flush, shares mostly, answer so.
_NOT_FLUSHED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.EBADF}


def replace_file(path: Path, content: bytes | memoryview, *, within: Sequence[Path] = ()) -> None:
    """Write ``content`` under a temporary name beside ``path``, flush it to the disk, rename it, flush its folder.

    So whatever is on the disk under ``path`` after a loss of power is whole, and what this has returned for is there.
    ``within``: real folders that no link may lead out of on the way; of none, all are fine. Raises OutputFull,
    OutputReadOnly, OutputAway, PathRefused, or Transient for other faults of the disk; then nothing temporary is left.
    """
    try:
        with folder_to_write(path.parent, within) as folder:
            _replace(path, content, folder)
    except OSError as error:
        raise write_error(error, path) from error


def _replace(path: Path, content: bytes | memoryview, folder: int | None) -> None:
    """Write the file; with the handle of its ``folder`` in there, whatever lies at the folder's path by now."""
    target = path if folder is None else Path(path.name)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        # A file of that name is a dead process's, or a link that somebody laid there: never written through.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        handle = os.open(temporary, _NEW, 0o666, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, target, folder)
        flush_folder(path.parent, folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def flush_folder(path: Path, handle: int | None = None) -> None:
    """Have the disk keep the names in the folder ``path``; with its ``handle`` of that, whatever lies there by now.

    Where that cannot be asked for (Windows, some shares) nothing happens. Raises OSError.
    """
    if os.name == "nt":
        return
    where, flags = (path, 0) if handle is None else (".", os.O_DIRECTORY)
    try:
        descriptor = os.open(where, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=handle)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_FLUSHED:
            raise


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it, and have the disk keep them. Raises OSError."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for made in reversed(missing):
        made.mkdir(exist_ok=True)
        flush_folder(made.parent)


def is_full(error: OSError) -> bool:
    """Tell whether ``error`` means that there is no room left: on the disk, or in a quota on it."""
    return error.errno in _FULL or getattr(error, "winerror", None) in _WINDOWS_FULL


def write_error(error: OSError, path: Path) -> DropKeyError:
    """Say what a failed write to ``path`` means, and what to do."""
    reason = error.strerror or str(error)
    if error.errno == _QUOTA or getattr(error, "winerror", None) == _WINDOWS_QUOTA:
        return OutputFull(
            f"The quota for {path.parent} is used up ({reason}).",
            fix="Delete there what is not needed, or have the quota raised, then retry.",
        )
    if is_full(error):
        return OutputFull(f"The disk of {path.parent} is full ({reason}).", fix="Make room on it, then retry.")
    if getattr(error, "winerror", None) in _HELD:
        return OutputReadOnly(
            f"{path} is open in another program ({reason}).",
            fix="Close it there (in After Effects, remove or purge the footage), then retry.",
        )
    if error.errno in _REFUSED:
        return OutputReadOnly(
            f"{path} cannot be written ({reason}).", fix="Give DropKey the right to write there, then retry."
        )
    if error.errno == errno.ENOENT:
        return OutputAway(
            f"The folder {path.parent} is not there any more ({reason}).",
            fix="See whether its disk is there, then retry.",
        )
    return Transient(f"{path} cannot be written ({reason}).", fix="See whether the disk is there, then retry.")


def sweep_temporaries(folder: Path) -> int:
    """Remove what dead processes left half-written in ``folder``; returns how many files that were.

    To be called before this process writes there: its own number may have been a dead one's, as in a container.
    """
    removed = 0
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            name = _TEMPORARY.fullmatch(path.name)
            if name and not _is_being_written(path, int(name.group(1))):
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
    return removed


def _is_being_written(path: Path, pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        # A process that started after the file was last written cannot be the one that wrote it.
        return psutil.Process(pid).create_time() <= path.stat().st_mtime + 1.0
    except psutil.AccessDenied:
        return True
    except (psutil.Error, OSError, OverflowError):
        return False


def _rename(temporary: Path, path: Path, folder: int | None) -> None:
    for remaining in reversed(range(_BUSY_TRIES)):
        try:
            os.replace(temporary, path, src_dir_fd=folder, dst_dir_fd=folder)
            return
        except PermissionError as error:
            if not remaining or getattr(error, "winerror", None) not in _PERHAPS_HELD:
                raise
            time.sleep(random.uniform(*_BUSY_SECONDS))
