"""Keeps every drop folder scanned, each in a thread of its own: a share that hangs holds up nobody else."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from service.drop_folder.folder import DropFolder
from service.drop_folder.lease import Lease
from service.drop_folder.port import Queue
from service.drop_folder.watching import Alarm, Watch, needs_polling
from service.errors import DropKeyError
from service.paths import Paths
from service.settings import Settings

LEAST_PAUSE_SECONDS = 0.2
"""Between two scans, however many events come."""

HANGING_SECONDS = 30.0
"""A look at one place that takes longer than this is told: its share does not answer."""

GLANCE_SECONDS = 0.5
"""Between two looks at a shot that its `.ready` file announced and that is still settling; grows while it is."""

SHARE_OF_SCANNING = 10
"""Looking is followed by a pause of at least this many times its own length, so that a huge root costs 10 % at most."""

ScanWatcher = Callable[[Path, float], None]

log = structlog.get_logger("drop_folders")


class DropFolders:
    """All drop folders of one service."""

    def __init__(self, settings: Settings, paths: Paths, queue: Queue) -> None:
        self._settings = settings
        self._closing = threading.Event()
        self._keepers: list[_Keeper] = []
        self._watchers: list[ScanWatcher] = []
        for root in paths.roots:
            if root.watched:
                network = needs_polling(root.path, settings)
                folder = DropFolder(root.path, settings, paths, queue, network=network, lease=Lease(root.path))
                self._keepers.append(_Keeper(folder, settings, self._closing, self._scanned))

    def start(self) -> None:
        """Make folders that are not there, where the disk is, and begin to scan."""
        for keeper in self._keepers:
            keeper.start()

    def stop(self) -> None:
        """End all watches and scans, and let other services watch."""
        self._closing.set()
        for keeper in self._keepers:
            keeper.stop()

    def online(self) -> dict[str, bool]:
        """Return, by root, whether it is there."""
        return {str(keeper.folder.root): keeper.folder.online for keeper in self._keepers}

    def problems(self) -> dict[Path, str]:
        """Return, by root, why no shots are taken from it: a scan hangs or failed, or another service watches it.

        Only those where it is so; it is tried again by itself.
        """
        told = {
            keeper.folder.root: keeper.hanging() or keeper.problem or keeper.folder.watched_by
            for keeper in self._keepers
        }
        return {root: problem for root, problem in told.items() if problem}

    def free_bytes(self) -> dict[Path, int | None]:
        """Return, by root, the room on its disk as its last scan found it; None while it is away."""
        return {keeper.folder.root: keeper.free_bytes for keeper in self._keepers}

    def watch_scans(self, watcher: ScanWatcher) -> None:
        """Tell ``watcher`` of each finished scan: its root, and the seconds that it took; from the scanning threads."""
        self._watchers.append(watcher)

    def lags(self) -> dict[Path, float]:
        """Return, by root, how old what is known of it is: seconds since the last finished look at it began.

        It grows while a share hangs or is away.
        """
        now = time.monotonic()
        return {keeper.folder.root: now - keeper.looked for keeper in self._keepers}

    def _scanned(self, root: Path, seconds: float) -> None:
        for watcher in self._watchers:
            watcher(root, seconds)


class _Keeper:
    def __init__(self, folder: DropFolder, settings: Settings, closing: threading.Event, scanned: ScanWatcher) -> None:
        self.folder = folder
        self.looked = time.monotonic()
        self.free_bytes: int | None = None
        self.problem = ""
        self._looking_since: float | None = None
        self._scanned = scanned
        self._settings = settings
        self._closing = closing
        self._alarm = Alarm()
        self._watch = Watch(folder.root, settings, self._alarm.ring, self._alarm.name)
        self._glance_pause = min(GLANCE_SECONDS, settings.scan_seconds)
        self._next_glance = 0.0
        self._thread = threading.Thread(target=self._run, name=f"drop folder {folder.root.name}", daemon=True)

    def start(self) -> None:
        # Only the default folder is made: a missing share must not be replaced by an empty local folder.
        if self.folder.root.is_relative_to(self._settings.home):
            try:
                self.folder.root.mkdir(parents=True, exist_ok=True)
            except OSError as error:  # the scan tells it as away; the others must be watched all the same
                log.warning("drop folder cannot be made", root=str(self.folder.root), problem=str(error))
        self._thread.start()

    def stop(self) -> None:
        self._alarm.ring()
        self._thread.join(timeout=5.0)
        self._watch.stop()

    def hanging(self) -> str:
        """Say that a look at the folder does not come back; nothing while they do."""
        since = self._looking_since
        hung = 0.0 if since is None else time.monotonic() - since
        if hung < HANGING_SECONDS:
            return ""
        return f"a look at it has not come back for {hung:.0f} s: its disk or share does not answer"

    def look(self) -> None:
        """Scan the folder once, and keep how it is."""
        self._looking_since = began = time.monotonic()
        try:
            # Before the scan, so that nothing falls between the two.
            if self.folder.root.is_dir():
                self._watch.ensure()
            for _ in self.folder.steps():
                if self._closing.is_set():
                    return
                self._glance()
                self._looking_since = time.monotonic()
            self.free_bytes = _free(self.folder.root) if self.folder.online else None
            if self.folder.online:
                self.looked = began
                self._scanned(self.folder.root, self.folder.look_seconds)
            self._tell("")
        except Exception as error:
            # Whatever lies in one folder must not end the watching of it.
            known = isinstance(error, DropKeyError)
            self._tell(str(error) if known else f"{type(error).__name__}: {error}".rstrip(": "))
        finally:
            self._looking_since = None

    def _tell(self, problem: str) -> None:
        """Say once, not at every scan, what is wrong and that it is over."""
        if problem == self.problem:
            return
        self.problem = problem
        if problem:
            log.exception("scan failed, the folder is scanned again", root=str(self.folder.root), problem=problem)
        else:
            log.info("scans succeed again", root=str(self.folder.root))

    def _run(self) -> None:
        try:
            self._scan_on()
        finally:
            # Here rather than in `stop`, which a share that hangs must not hold up.
            self.folder.let_go()

    def _scan_on(self) -> None:
        while not self._closing.is_set():
            self.look()
            self._rest()

    def _rest(self) -> None:
        """Wait until something moves or the next scan is due; who lays down a `.ready` file is heard at once."""
        now = time.monotonic()
        least = 0.0 if self.folder.behind else SHARE_OF_SCANNING * self.folder.look_seconds
        earliest = now + min(max(LEAST_PAUSE_SECONDS, least), self._settings.idle_scan_seconds)
        end = max(earliest, now + self._pause())
        while not self._closing.is_set() and (now := time.monotonic()) < end:
            wake = min(end, self._next_glance) if self.folder.urgent else end
            if self._alarm.wait(max(0.0, wake - now)):
                end = min(end, earliest)
            self._glance()

    def _glance(self) -> None:
        """Look at shots with a `.ready` file alone: when one comes, and ever more rarely until they are taken."""
        named = {folder for folder in self._alarm.named() if folder.is_relative_to(self.folder.root)}
        if named:
            self._glance_pause = min(GLANCE_SECONDS, self._settings.scan_seconds)
        elif not self.folder.urgent or time.monotonic() < self._next_glance:
            return
        self.folder.glance(named | self.folder.urgent)
        self._next_glance = time.monotonic() + self._glance_pause
        self._glance_pause = min(1.5 * self._glance_pause, self._settings.scan_seconds)

    def _pause(self) -> float:
        """Return the seconds until the next scan if nothing wakes us."""
        unsure = self.problem or self.folder.watched_by or not self.folder.online or not self._watch.alive
        if unsure or self.folder.busy:
            return min(self._settings.scan_seconds, max(self._settings.settle_stable_seconds, LEAST_PAUSE_SECONDS))
        return self._settings.idle_scan_seconds


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
