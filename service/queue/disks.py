"""Whether the disks of plates and results are there. Nothing is read or written behind the mount point of one away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from service.errors import OutputAway, PlateAway
from service.mounts import away_mount, mount_of
from service.store import JobStore


class Disks:
    """The mount points that one store knows; they outlive the service, as it may start before its shares."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def check_output(self, output_root: Path) -> None:
        """Raise OutputAway where the disk of ``output_root`` is away, else remember it."""
        away = self._away(output_root)
        if away is not None:
            raise OutputAway(
                f"The disk of the output folder {output_root} is away: nothing is mounted at {away}.",
                fix="Mount it; the shot then goes on by itself. To write to this machine's own disk from now on, "
                f"put a folder into {away}.",
            )

    def check_plates(self, folders: Iterable[Path]) -> None:
        """Raise PlateAway where the disk of one of ``folders``, of plates or mattes, is away, else remember them."""
        for folder in folders:
            away = self._away(folder)
            if away is not None:
                raise PlateAway(
                    f"The disk of {folder} is away: nothing is mounted at {away}.",
                    fix="Mount it; the shot then goes on by itself.",
                )

    def why_away(self, folder: Path) -> str:
        """Say that the disk of ``folder`` is away; remember it, and say nothing, where it is there."""
        away = self._away(folder)
        return "" if away is None else f"nothing is mounted at {away}"

    def _away(self, folder: Path) -> Path | None:
        with contextlib.suppress(OSError):  # a loop of links: using the folder will say it
            known = self._store.mounts()
            away = away_mount(folder, known)
            if away is not None:
                return away
            mount = mount_of(folder)
            if mount not in known:
                self._store.remember_mount(mount)
        return None
