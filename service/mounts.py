"""Whether a disk that was mounted is there: one that is away may leave its empty mount point, which takes any file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MARKER = ".dropkey.watched"
"""The lease of a drop folder: alone in a mount point, it was written there by mistake."""


def mount_of(folder: Path) -> Path:
    """Return the mount point of the disk that ``folder`` lies on, or would lie on once made; links are followed.

    A folder bound from the same disk is none to the system. Raises OSError for a loop of links.
    """
    place = folder.resolve()
    while not os.path.ismount(place) and place != place.parent:
        place = place.parent
    return place


def away_mount(folder: Path, known: Iterable[Path]) -> Path | None:
    """Return the mount point of ``folder``'s disk if that is away; ``known`` are those that were seen mounted.

    It is away when nothing is mounted there any more, and the mount point is gone or empty. One that holds something
    was taken into use as a plain folder. Raises OSError for a loop of links.
    """
    place = folder.resolve()
    above = [mount for mount in known if place.is_relative_to(mount)]
    nearest = max(above, key=lambda mount: len(mount.parts), default=None)
    return nearest if nearest is not None and not os.path.ismount(nearest) and _is_empty(nearest) else None


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return all(entry.name.startswith(MARKER) for entry in entries)
    except OSError:  # gone, or a share whose server does not answer
        return True
