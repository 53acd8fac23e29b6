"""Starts and ends the service that has no window: by the system where it starts it at logon, else as a process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import psutil

from service import autostart
from service.client import Client
from service.discovery import Discovery, read_discovery
from service.errors import Transient
from service.launchers import serving, start_log
from service.settings import Settings

START_SECONDS = 60.0
END_SECONDS = 60.0  # a frame under way is finished first
_LOOK_SECONDS = 0.1
_MOST_LETTERS = 400


def start(settings: Settings) -> Discovery:
    """Start the service where none runs, and return where it listens. Raises Transient where it does not come up."""
    if (running := read_discovery(settings)) is not None:
        return running
    if autostart.is_on() and autostart.is_of_this_installation():
        autostart.turn_on()
        return _answering(settings, None)
    log = start_log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as words:
        process = subprocess.Popen(
            serving(settings),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd=settings.home,
            creationflags=_apart(),
            start_new_session=True,
        )
    # Somebody waits for it as long as we live: a child that is let go would be complained about.
    threading.Thread(target=process.wait, daemon=True).start()
    return _answering(settings, process)


def stop(settings: Settings) -> bool:
    """End the service that runs, as Ctrl-C in its window does; False where none runs. Raises Transient."""
    running = read_discovery(settings)
    if running is None:
        return False
    with Client.of_running(settings) as client:
        client.shut_down()
    deadline = time.monotonic() + END_SECONDS
    while psutil.pid_exists(running.pid) and read_discovery(settings) == running:
        if time.monotonic() > deadline:
            raise Transient(f"DropKey (process {running.pid}) does not end.", fix="End that process, then try again.")
        time.sleep(_LOOK_SECONDS)
    _wait_for_end(running.pid, deadline)
    return True


def _wait_for_end(pid: int, deadline: float) -> None:
    """Wait for the process itself, which closes its database after it left its address."""
    try:
        psutil.Process(pid).wait(max(1.0, deadline - time.monotonic()))
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise Transient(f"DropKey (process {pid}) does not end.", fix="End that process, then try again.") from error


def _apart() -> int:
    """Return what keeps a process on Windows alive when the window of its parent closes."""
    if sys.platform == "win32":
        return subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def _answering(settings: Settings, process: subprocess.Popen[bytes] | None) -> Discovery:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if (found := read_discovery(settings)) is not None:
            return found
        if process is not None and process.poll() is not None:
            break
        time.sleep(_LOOK_SECONDS)
    said = _last_words(settings)
    raise Transient(f"DropKey did not start{f': {said}' if said else '.'}", fix="`dropkey serve` shows why.")


def _last_words(settings: Settings) -> str:
    try:
        said = start_log(settings).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(said.replace("Error: ", "").split())[-_MOST_LETTERS:]
