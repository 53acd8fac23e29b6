"""Keeps the memory of freed pictures at hand while keying, and gives it back afterwards. Only glibc needs that."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4  # of malloc.h; mallopt(3) explains them
_AT_HAND = 512 * 1024**2  # bytes that may lie free at the heap's end
_GROW_BY = 64 * 1024**2  # bytes more than asked for when the heap grows
# No mapping of its own for anything: all of it comes from the heap.
_KEEPING = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _AT_HAND, _M_TOP_PAD: _GROW_BY}
# glibc's own choices; the threshold is where it would come to by itself once large blocks have been freed.
_USUAL = {_M_MMAP_MAX: 65_536, _M_MMAP_THRESHOLD: 32 * 1024**2, _M_TRIM_THRESHOLD: 64 * 1024**2, _M_TOP_PAD: 128 * 1024}

_lock = threading.Lock()
_users = 0


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let freed memory wait for the next picture, and return it to the system when the last user is done.

    Left alone, glibc takes each large tensor from the system and returns it at once, and the system has to clear every
    page again: up to a fifth of the CPU seconds of a frame (docs/benchmarks.md). Peaks are higher when it is kept,
    since holes stay between what is used. Other C libraries are left alone.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _enter(library)
    try:
        yield
    finally:
        _leave(library)


def _enter(library: ctypes.CDLL) -> None:
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _choose(library, _KEEPING)


def _leave(library: ctypes.CDLL) -> None:
    global _users
    with _lock:
        _users -= 1
        # A preview between two frames of a shot must not empty the heap that the shot needs.
        if _users == 0:
            _choose(library, _USUAL)
            library.malloc_trim(0)


def _choose(library: ctypes.CDLL, choices: dict[int, int]) -> None:
    for name, value in choices.items():
        library.mallopt(name, value)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    known = all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return library if known else None
