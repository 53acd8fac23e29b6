"""Wakes a drop folder when something moves in it. A hint only: events get lost, and watching dies with its share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from service.drop_folder.lease import LEASE_FILE
from service.drop_folder.sidecars import SENTINEL
from service.settings import Settings
from service.store.database import is_network_path

# Opening and reading are left out: our own scan and worker would wake us for ever.
_MOVING = frozenset({"created", "modified", "moved", "deleted", "closed"})
_SHARING_VIOLATIONS = (32, 33)

log = structlog.get_logger("watching")


def needs_polling(root: Path, settings: Settings) -> bool:
    """Tell whether ``root`` must be polled: the system's events do not see what other machines write to a share."""
    return settings.watch == "poll" or (settings.watch == "auto" and is_network_path(root))


class Watch:
    """The watch on one root. ``wake`` is called, from another thread, whenever something moved.

    ``ready`` is called before, with the path, where that was a `.ready` file.
    """

    def __init__(
        self, root: Path, settings: Settings, wake: Callable[[], None], ready: Callable[[Path], None] = lambda _: None
    ) -> None:
        self._root = root
        self._polling = needs_polling(root, settings)
        self._interval = max(settings.scan_seconds, 0.05)
        self._handler = _Handler(wake, ready)
        self._observer: BaseObserver | None = None
        self._problem = ""

    @property
    def alive(self) -> bool:
        """Tell whether the watch still works; it dies, silently, when its folder goes away."""
        if self._observer is None or not self._observer.is_alive():
            return False
        emitters = self._observer.emitters
        return bool(emitters) and all(emitter.is_alive() for emitter in emitters)

    def ensure(self) -> bool:
        """Start the watch, or start it again when it died; tells whether it lives now. The scan goes on without it."""
        if self.alive:
            return True
        self.stop()
        try:
            # Making it may fail as well: each takes one of the system's inotify instances, of which there are 128.
            observer: BaseObserver = PollingObserver(timeout=self._interval) if self._polling else Observer()
            observer.schedule(self._handler, str(self._root), recursive=True)
            observer.start()
        except Exception as error:
            # Folder away, the system's limit of watches or threads reached, a fault of the library: events only hint.
            if self._problem != str(error):  # said once, not at every scan
                known = isinstance(error, OSError | RuntimeError)
                log.warning(
                    "watching failed, scanning goes on", root=str(self._root), error=str(error), exc_info=not known
                )
            self._problem = str(error)
            return False
        self._observer, self._problem = observer, ""
        return True

    def stop(self) -> None:
        """End the watch."""
        observer, self._observer = self._observer, None
        if observer is not None and observer.ident is not None:
            observer.stop()
            observer.join(timeout=5.0)


class _Handler(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None], ready: Callable[[Path], None] = lambda _: None) -> None:
        self._wake = wake
        self._ready = ready

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Renewing our lease is no news, nor is another service's.
        if event.event_type not in _MOVING or LEASE_FILE in os.path.basename(os.fsdecode(event.src_path)):
            return
        for path in (os.fsdecode(event.src_path), os.fsdecode(event.dest_path)):
            if path.casefold().endswith(SENTINEL):
                self._ready(Path(path))
        self._wake()


class Alarm:
    """A flag that wakes a waiting thread; setting it twice wakes once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._named: set[Path] = set()

    def ring(self) -> None:
        """Wake the waiting thread."""
        self._event.set()

    def name(self, sentinel: Path) -> None:
        """Note where a `.ready` file came: its shot lies beside it, or in the folder that is called as it is."""
        with self._lock:
            self._named |= {sentinel.parent, sentinel.with_name(sentinel.name[: -len(SENTINEL)])}

    def named(self) -> set[Path]:
        """Return the folders that were noted since the last time."""
        with self._lock:
            taken, self._named = self._named, set()
        return taken

    def wait(self, seconds: float) -> bool:
        """Wait to be rung, at most ``seconds``; tells whether it was."""
        rung = self._event.wait(seconds)
        self._event.clear()
        return rung


def in_use(file: Path) -> bool:
    """Tell whether another program still has ``file`` open for writing.

    Only Windows can say: a file that cannot be opened unshared is open elsewhere. Elsewhere always False.
    """
    if os.name != "nt":
        return False
    return _open_elsewhere(file)


def _open_elsewhere(file: Path) -> bool:
    import ctypes

    # Through getattr, because ctypes has these on Windows only and type checkers run anywhere.
    kernel: Any = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - see above
    last_error: Any = getattr(ctypes, "get_last_error")  # noqa: B009 - see above
    kernel.CreateFileW.restype = ctypes.c_void_p
    kernel.CreateFileW.argtypes = [
        ctypes.c_wchar_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
    ]
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    generic_read, share_none, open_existing, normal = 0x80000000, 0, 3, 0x80
    handle = kernel.CreateFileW(str(file), generic_read, share_none, None, open_existing, normal, None)
    if handle in (None, ctypes.c_void_p(-1).value):
        return last_error() in _SHARING_VIOLATIONS
    kernel.CloseHandle(handle)
    return False
