"""Starts DropKey when its user logs on: lays the system's own file, and tells the system. Never a system service."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from service.atomic import replace_file
from service.autostart_files import LABEL, TASK, launch_agent, systemd_unit, windows_task
from service.errors import Misconfigured
from service.launchers import serving
from service.settings import Settings, load_settings


def file() -> Path | None:
    """Return the file that the system reads; None on Windows, which keeps tasks in a place of its own."""
    if sys.platform == "win32":
        return None
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(configuration) / "systemd" / "user" / LABEL


def content(settings: Settings) -> bytes:
    """Return what the system is to hear: the service of this installation, on this home folder."""
    command = serving(settings)
    if sys.platform == "win32":
        user = "\\".join(os.environ[name] for name in ("USERDOMAIN", "USERNAME") if os.environ.get(name))
        return windows_task(command, user, settings.home)
    if sys.platform == "darwin":
        return launch_agent(command, settings.home / "logs" / "autostart.log")
    return systemd_unit(command).encode()


def turn_on() -> str:
    """Start DropKey at every logon, and now; returns a sentence. Raises Misconfigured where the system refuses."""
    settings = load_settings()
    (settings.home / "logs").mkdir(parents=True, exist_ok=True)
    place = file()
    if place is None:
        with tempfile.TemporaryDirectory() as folder:
            task = Path(folder) / "task.xml"
            task.write_bytes(content(settings))
            _tell("schtasks", "/Create", "/TN", TASK, "/XML", str(task), "/F")
        _tell("schtasks", "/Run", "/TN", TASK)
        return "DropKey starts at your logon (Task Scheduler), and was started now."
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, content(settings))
    if sys.platform == "darwin":
        _tell("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}", must=False)
        _tell("launchctl", "bootstrap", f"gui/{os.getuid()}", str(place))
    else:
        _tell("systemctl", "--user", "daemon-reload")
        _tell("systemctl", "--user", "enable", "--now", LABEL)
    return f"DropKey starts at your logon ({place}), and was started now."


def turn_off() -> str:
    """Start DropKey at logon no more, and end the one that was started so; returns a sentence."""
    if not is_on():
        return "DropKey does not start at your logon."
    place = file()
    if place is None:
        _tell("schtasks", "/End", "/TN", TASK, must=False)
        _tell("schtasks", "/Delete", "/TN", TASK, "/F")
    elif sys.platform == "darwin":
        _tell("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}", must=False)
        place.unlink()
    else:
        _tell("systemctl", "--user", "disable", "--now", LABEL, must=False)
        place.unlink()
        _tell("systemctl", "--user", "daemon-reload", must=False)
    return "DropKey no longer starts at your logon."


def is_on() -> bool:
    """Tell whether the system was asked to start DropKey at logon."""
    place = file()
    return place.is_file() if place is not None else _tell("schtasks", "/Query", "/TN", TASK, must=False)


def is_of_this_installation() -> bool:
    """Tell whether what is started at logon is this DropKey, and not one that was moved or replaced."""
    place = file()
    return place is None or not place.is_file() or place.read_bytes() == content(load_settings())


def _tell(*command: str, must: bool = True) -> bool:
    """Call a program of the system; raises Misconfigured with its words where it fails and must not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        if not must:
            return False
        raise Misconfigured(
            f"{command[0]} cannot be called: {error}.", fix="Start DropKey yourself: `dropkey serve`."
        ) from error
    if done.returncode and must:
        said = " ".join((done.stderr or done.stdout).split())[:300]
        raise Misconfigured(
            f"{command[0]} refused: {said}",
            fix="Without a session of its own (SSH, containers) a system starts nothing for a user: "
            "start DropKey yourself with `dropkey serve`.",
        )
    return done.returncode == 0
