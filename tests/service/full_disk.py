"""A disk that turns out to be full when a file is to reach it, as disks do that allocate late."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable


def disk_is_full(_descriptor: int) -> None:
    """Stand in for ``os.fsync`` on such a disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_for(name: str) -> Callable[[int], None]:
    """Return a stand-in for ``os.fsync`` on a disk that has no room for files with ``name`` in their path; on Linux."""
    real = os.fsync

    def sync(descriptor: int) -> None:
        if name in os.readlink(f"/proc/self/fd/{descriptor}"):
            disk_is_full(descriptor)
        real(descriptor)

    return sync
