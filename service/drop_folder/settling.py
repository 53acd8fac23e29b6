"""Decides when the files of a shot have all arrived. Pure: told what lies there and what time it is, never looks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from service.settings import Settings

NETWORK_STABLE_SECONDS = 5.0
"""On a share, size and time of a growing file lag behind what was written."""


@dataclass(frozen=True)
class Sample:
    """What a file looks like from outside; equal samples mean an unchanged file."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds of a monotonic clock."""

    stable: float
    quiet: float
    grace: float

    @classmethod
    def of(cls, settings: Settings, *, network: bool) -> Patience:
        """Return the waiting times of ``settings``, longer on a network share."""
        stable = settings.settle_stable_seconds
        return cls(
            stable=max(stable, NETWORK_STABLE_SECONDS) if network else stable,
            quiet=settings.settle_quiet_seconds,
            grace=settings.settle_grace_seconds,
        )


@dataclass
class _Seen:
    sample: Sample
    since: float


class Settling:
    """The files of one shot over time.

    Times are a monotonic clock's; a file's own time is only ever compared with itself, because the clock of a file
    server may be minutes off.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._files: dict[str, _Seen] = {}
        self._last_change: float | None = None
        self._longest_gap = 0.0

    def observe(self, files: Mapping[str, Sample], now: float) -> bool:
        """Take in what lies there now; tells whether anything came, changed or went."""
        gone = self._files.keys() - files.keys()
        changed = bool(gone)
        for name in gone:
            del self._files[name]
        for name, sample in files.items():
            seen = self._files.get(name)
            if seen is None or seen.sample != sample:
                self._files[name] = _Seen(sample, now)
                changed = True
        if changed:
            if self._last_change is not None:
                self._longest_gap = max(self._longest_gap, now - self._last_change)
            self._last_change = now
        return changed

    def touch(self, now: float) -> None:
        """Something else in the shot's folder moved (a transfer's partial file): the shot is not quiet."""
        self._last_change = now

    def begin(self) -> None:
        """A new arrival begins: forget the gaps of the one before."""
        self._longest_gap = 0.0
        self._last_change = None

    def idle(self, now: float) -> float:
        """Return the seconds since anything came, changed or went."""
        return 0.0 if self._last_change is None else now - self._last_change

    def unsettled(self, now: float) -> list[str]:
        """Return the files that may still be written: changed a moment ago, or still empty."""
        return [
            name
            for name, seen in self._files.items()
            if now - seen.since < (self._patience.stable if seen.sample.size else self._patience.grace)
        ]

    def empty(self) -> list[str]:
        """Return the files without content."""
        return [name for name, seen in self._files.items() if not seen.sample.size]

    def stalled(self, now: float) -> bool:
        """Tell whether nothing came for the quiet time, or for four times the longest pause seen (a slow render)."""
        waited = min(4 * self._longest_gap, self._patience.grace)
        return self._last_change is not None and now - self._last_change >= max(self._patience.quiet, waited)

    def complete(self, now: float, *, promised: Collection[str] | None = None, declared: bool = False) -> bool:
        """Tell whether the shot can start.

        ``promised`` are the files of a range that somebody announced, ``declared`` says that a `.ready` file is there.
        Without either it must have stalled; a promised range that stays short is given up after the grace time, so that
        its gaps are reported.
        """
        if self._last_change is None or not self._files or self.unsettled(now):
            return False
        if declared:
            return True
        if promised is not None:
            return self._files.keys() >= set(promised) or self.idle(now) >= self._patience.grace
        return self.stalled(now)
