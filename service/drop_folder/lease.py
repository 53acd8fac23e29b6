"""Sees to it that one service watches a drop folder: a lease file in its root says who does, on whatever machine."""

from __future__ import annotations

import contextlib
from pathlib import Path

import structlog
from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

from service.mounts import MARKER

LEASE_FILE = MARKER
"""Its name in the root of the drop folder."""

LEASE_SECONDS = 60.0
"""A lease that nobody renewed for this long is over; it is renewed three times as often. The same for all services."""

_OTHER_PROCESSES = "?pidns-"  # how filelock marks the name of a machine inside a container

log = structlog.get_logger("lease")


class Lease:
    """The lease on one drop folder, renewed by a thread of its own while it is had. One thread calls.

    No two clocks are compared: others watch whether the file's time changes, and count the seconds without a change.
    The lease of a process of this machine that is dead is over at once.
    """

    def __init__(self, root: Path, seconds: float = LEASE_SECONDS) -> None:
        self._root = root
        self._lock = SoftFileLease(root / LEASE_FILE, lease_duration=seconds, timeout=0, thread_local=False)
        self._last_token: str | None = None
        self._unguarded = ""

    def hold(self) -> str:
        """Have the lease, or try to get it; return who has it instead, as a sentence, or nothing.

        Where it cannot be written (a read-only share, a full one) the folder is watched without: shots come first.
        """
        if not self._root.is_dir():
            return ""  # away: nobody watches it, and no folder is made in its place
        try:
            if self._held():
                return ""
            self._acquire()
        except (Timeout, LeaseSettingsMismatch):
            return self._who()
        except OSError as error:
            self._watch_unguarded(str(error))
            return ""
        self._last_token, self._unguarded = self._lock.token, ""
        return ""

    def let_go(self) -> None:
        """Give the folder free, if it is ours."""
        with contextlib.suppress(OSError):
            self._lock.release(force=True)

    def _held(self) -> bool:
        """Tell whether it is still ours; a machine that slept, or lost the share, finds out here."""
        if not self._lock.is_locked:
            return False
        owner = self._lock.owner
        if self._lock.compromise is None and owner is not None and owner.token == self._lock.token:
            return True
        self.let_go()
        return False

    def _acquire(self) -> None:
        owner = self._lock.owner
        if owner is not None and owner.token is not None and owner.token == self._last_token:
            self._lock.force_break()  # our own of before, which could not be taken away while the share was
        self._lock.acquire()

    def _who(self) -> str:
        owner = self._lock.owner
        if owner is None:
            return (
                f"{LEASE_FILE} in it names nobody who could have it; "
                "if no other DropKey watches this folder, delete that file."
            )
        machine = owner.hostname.partition(_OTHER_PROCESSES)[0]
        return (
            f"DropKey on {machine} (process {owner.pid}) watches it; this one goes on when that one ends. "
            "To take shots from it here, stop the other, or give each a folder of its own."
        )

    def _watch_unguarded(self, why: str) -> None:
        if self._unguarded != why:  # said once, not at every scan
            log.warning(
                "watched without a lease: another service could take the same shots", root=str(self._root), why=why
            )
        self._unguarded = why
