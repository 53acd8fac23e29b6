"""What lies in the home folder to start the service without a terminal: a script, and what DropKey is here."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path, PurePath

from service.atomic import replace_file
from service.installation import command, program
from service.settings import Settings

INSTALLATION = "installation.json"
"""Version, and the command that a person types; the panel words its sentences by it where no service runs."""


def launcher(home: Path) -> Path:
    """Return the script that starts the service on ``home``; the panel knows its name too."""
    return home / ("start.cmd" if sys.platform == "win32" else "start.sh")


def serving(settings: Settings) -> list[str]:
    """Return the command line of a service without a window on this home folder."""
    return program("serve", "--no-open", "--home", str(settings.home), windowless=True)


def start_log(settings: Settings) -> Path:
    """Return the file that keeps what a service without a window says at its start."""
    return settings.home / "logs" / "start.log"


def write_launchers(settings: Settings) -> None:
    """Lay the script, and the file that says what DropKey is here. Raises OSError where the disk takes nothing."""
    lay = windows_script if sys.platform == "win32" else shell_script
    target = launcher(settings.home)
    start_log(settings).parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lay(serving(settings), start_log(settings)))
    if sys.platform != "win32":
        target.chmod(0o700)
    told = {"version": version("dropkey"), "command": command(anywhere=True)}
    replace_file(settings.home / INSTALLATION, json.dumps(told, indent=1).encode())


def shell_script(line: Sequence[str], log: PurePath) -> bytes:
    """Return what starts ``line`` and comes back at once: its own input and output, as a caller waits for them."""
    return (
        "#!/bin/sh\n# Starts DropKey's service without a window. Written anew at each start; do not edit.\n"
        f"nohup {shlex.join(line)} </dev/null >{shlex.quote(str(log))} 2>&1 &\n"
    ).encode()


def windows_script(line: Sequence[str], log: PurePath) -> bytes:
    """Return the same for cmd: it reads UTF-8 after `chcp`, `%` only doubled, and all else in quotes as it is."""
    started = " ".join(_in_cmd(part) for part in line)
    text = (
        "@echo off\nrem Starts DropKey's service without a window. Written anew at each start; do not edit.\n"
        f'chcp 65001 >nul\nstart "" /b {started} <nul >{_in_cmd(str(log))} 2>&1\n'
    )
    return text.replace("\n", "\r\n").encode()


def _in_cmd(part: str) -> str:
    quoted = subprocess.list2cmdline([part])
    bare = quoted.startswith('"') or not set(part) & set("&|<>^()@,;=!'`~")
    return (quoted if bare else f'"{quoted}"').replace("%", "%%")
