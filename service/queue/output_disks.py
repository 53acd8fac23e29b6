"""Whether the disks of results are there. Nothing is written behind the mount point of one away."""

from __future__ import annotations

import contextlib
from pathlib import Path

from service.errors import OutputAway
from service.mounts import away_mount, mount_of
from service.store import JobStore


class OutputDisks:
    """The mount points of the outputs of one store; they outlive the service, as it may start before its shares."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def check(self, output_root: Path) -> None:
        """Raise OutputAway where the disk of ``output_root`` is away, else remember it."""
        with contextlib.suppress(OSError):  # making a folder there will say it
            away = away_mount(output_root, self._store.output_mounts())
            if away is not None:
                raise OutputAway(
                    f"The disk of the output folder {output_root} is away: nothing is mounted at {away}.",
                    fix="Mount it; the shot then goes on by itself. To write to this machine's own disk from now on, "
                    f"put a folder into {away}.",
                )
            self._store.remember_output_mount(mount_of(output_root))

    def is_away(self, output_root: Path) -> bool:
        """Tell whether the disk of ``output_root`` is away."""
        try:
            self.check(output_root)
        except OutputAway:
            return True
        return False
