"""Opens the files of strangers: plain files only, and none that a link leads to from outside the folders they may name.

A path that was checked may have become a link a moment later. So the folders on the way are opened one by one, none of
them through a link, and what is read afterwards is the very file that was opened.
"""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import psutil

from service.errors import BadInput, PathRefused, PlateMissing, PlateUnreadable, Transient

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BY_NUMBER = next((place for place in ("/proc/self/fd", "/dev/fd") if os.path.isdir(place)), None)
_LINKS = "dropkey-links-"


@contextmanager
def opened(path: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield a path under which decoders find the file that ``path`` names, as long as the context lasts.

    ``folders`` are real ones, of which one must hold it when every link is followed; of none, all are fine. Raises
    PlateMissing where nothing is there, PlateUnreadable for what is no file, leads out, or may not be read.
    """
    handle = open_confined(path, folders)
    try:
        if not folders or _BY_NUMBER is None:
            yield path  # on Windows nobody can replace a file that is open, nor a folder above it
            return
        yield _link_to(handle, path.suffix)
    finally:
        os.close(handle)


def read_confined(path: Path, folders: Sequence[Path], *, most_bytes: int) -> bytes:
    """Return what the file holds; raises as `opened` does, and BadInput where that is more than ``most_bytes``."""
    with os.fdopen(open_confined(path, folders), "rb") as file:
        try:
            # Room is made for as much as is asked for: never for more than the file holds.
            content = file.read(min(most_bytes, os.fstat(file.fileno()).st_size) + 1)
        except OSError as error:
            raise _unreadable(path, error) from error
    if len(content) > most_bytes:
        raise BadInput(f"{path.name} is larger than {most_bytes / 2**20:g} MiB.", fix="Shorten it.")
    return content


def open_confined(path: Path, folders: Sequence[Path]) -> int:
    """Return the handle of a plain file; raises as `opened` does."""
    try:
        handle = _open_inside(path, folders) if folders else os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise PlateMissing(f"{path.name} is not there.", fix="Put it back, then retry.") from error
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, and names that no disk can hold
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise PlateUnreadable(
            f"{path.name} is no file.", fix="Put a file there: folders, pipes and devices are not read."
        )
    return handle


def _open_inside(path: Path, folders: Sequence[Path]) -> int:
    real = path.resolve()
    folder = next((folder for folder in folders if real.is_relative_to(folder)), None)
    if folder is None:
        raise leads_out(path)
    if os.open not in os.supports_dir_fd:
        handle = os.open(path, _FLAGS)
        if path.resolve() == real and os.path.samestat(os.fstat(handle), real.stat()):
            return handle
        os.close(handle)
        raise leads_out(path)
    *between, name = real.relative_to(folder).parts or (".",)
    above = _walk(folder, between)
    try:
        return os.open(name, _FLAGS | _NO_LINK, dir_fd=above)
    finally:
        os.close(above)


def _walk(folder: Path, between: Sequence[str]) -> int:
    """Return the handle of the folder that lies ``between`` steps below ``folder``; none of these may be a link."""
    above = os.open(folder, _FOLDER)
    for part in between:
        try:
            inner = os.open(part, _FOLDER | _NO_LINK, dir_fd=above)
        finally:
            os.close(above)
        above = inner
    return above


def check_written(folder: Path, within: Sequence[Path]) -> None:
    """Raise PathRefused where ``folder``, links followed, lies in none of ``within``; of none, all are fine.

    It need not exist yet.
    """
    if within:
        _place_of(folder, within)


def _place_of(folder: Path, within: Sequence[Path]) -> Path:
    try:
        real = folder.resolve()
    except (OSError, RuntimeError) as error:
        raise _no_place(folder) from error
    found = next((place for place in within if real.is_relative_to(place)), None)
    if found is None:
        raise _no_place(folder)
    return found


@contextmanager
def folder_to_write(folder: Path, within: Sequence[Path]) -> Iterator[int | None]:
    """Yield the handle of ``folder``, to which no link leads from outside ``within``; None where all are fine.

    Raises PathRefused, and OSError where it is not there. Windows has no such handles: there it is looked at only.
    """
    if not within:
        yield None
        return
    place = _place_of(folder, within)
    if os.open not in os.supports_dir_fd:
        yield None
        return
    try:
        handle = _walk(place, folder.resolve().relative_to(place).parts)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise _no_place(folder) from error
        raise
    try:
        yield handle
    finally:
        os.close(handle)


def _no_place(folder: Path) -> PathRefused:
    return PathRefused(
        f"{folder} is behind a link that leads out of the output folder; nothing is written there.",
        fix="Take the link away, add the folder that it leads to to extra_roots, or set follow_links in dropkey.toml.",
    )


def leads_out(path: Path) -> PlateUnreadable:
    """Return what is said of a link out of the folders."""
    return PlateUnreadable(
        f"{path.name} is a link that leads out of the folders that may be read.",
        fix="Put the file itself there, or set follow_links in dropkey.toml.",
    )


def _unreadable(path: Path, error: Exception) -> PlateUnreadable:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return PlateUnreadable(f"{path.name} cannot be opened: {reason}.", fix="Check who may read it, then retry.")


def _link_to(handle: int, ending: str) -> Path:
    """Return a link to an open file that ends as its name does: by that, decoders choose what to take it for.

    The numbers of handles come again, so a few links serve for all files.
    """
    link = _place_for_links() / f"{handle}{ending}"
    try:
        if not link.is_symlink():
            link.symlink_to(f"{_BY_NUMBER}/{handle}")
    except FileExistsError:
        pass  # by another thread that had this number before
    except OSError as error:
        raise Transient(
            f"Nothing can be written into {link.parent}: {error.strerror}.",
            fix="Make room there, or set TMPDIR to another folder, then retry.",
        ) from error
    return link


@lru_cache(maxsize=1)
def _place_for_links() -> Path:
    """Return this process's folder of links, which only the user can look into; those of dead processes are removed."""
    for other in Path(tempfile.gettempdir()).glob(f"{_LINKS}*"):
        number = other.name.removeprefix(_LINKS).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(other, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix=f"{_LINKS}{os.getpid()}-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place
