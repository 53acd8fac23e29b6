"""Keeps the memory of freed pictures at hand while keying, and gives it back afterwards. Only glibc needs that."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # names and numbers of malloc.h; mallopt(3) tells what they do
_AT_HAND = 512 * 1024**2  # bytes that may lie free at the heap's end
_GROW_BY = 64 * 1024**2  # bytes more than asked for when the heap grows


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let freed memory wait for the next picture, and return it to the system at the end.

    Left alone, glibc takes each large tensor from the system and returns it at once, and the system has to clear every
    page again: a fifth of the CPU seconds of a frame (docs/benchmarks.md). Peaks are higher when it is kept, since
    holes stay between what is used. Other C libraries are left alone.
    """
    library = _glibc()
    if library is None:
        yield
        return
    # No mapping of its own for anything: all of it comes from the heap.
    for name, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _AT_HAND), (_M_TOP_PAD, _GROW_BY)):
        library.mallopt(name, value)
    try:
        yield
    finally:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    known = all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return library if known else None
