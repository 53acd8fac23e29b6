"""What each system wants to hear to start DropKey when its user logs on: a task, an agent, a unit. Pure."""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Sequence
from pathlib import PurePath
from xml.etree import ElementTree

TASK = "DropKey"
LABEL = "dropkey.service"  # of the LaunchAgent, and the unit's file name
_TASKS = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def windows_task(command: Sequence[str], user: str, folder: PurePath) -> bytes:
    """Return a task for the Task Scheduler: at ``user``'s logon, as that user, hidden, started again when it fails.

    Source: Microsoft, [MS-TSCH] 2.5 (XML task definition schema 1.2). UTF-16, as schtasks reads it.
    """
    ElementTree.register_namespace("", _TASKS)
    task = ElementTree.Element(f"{{{_TASKS}}}Task", version="1.2")

    def add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
        made = ElementTree.SubElement(parent, f"{{{_TASKS}}}{name}", attributes)
        made.text = text or None
        return made

    add(add(task, "RegistrationInfo"), "Description", "Starts DropKey when you log on.")
    trigger = add(add(task, "Triggers"), "LogonTrigger")
    add(trigger, "Enabled", "true")
    add(trigger, "UserId", user)
    principal = add(add(task, "Principals"), "Principal", id="Author")
    add(principal, "UserId", user)
    add(principal, "LogonType", "InteractiveToken")
    add(principal, "RunLevel", "LeastPrivilege")
    settings = add(task, "Settings")
    for name, text in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("Hidden", "true"),
        ("ExecutionTimeLimit", "PT0S"),  # none
    ):
        add(settings, name, text)
    restart = add(settings, "RestartOnFailure")
    add(restart, "Interval", "PT1M")
    add(restart, "Count", "10")
    action = add(add(task, "Actions", Context="Author"), "Exec")
    add(action, "Command", command[0])
    add(action, "Arguments", subprocess.list2cmdline(command[1:]))
    add(action, "WorkingDirectory", str(folder))
    content: bytes = ElementTree.tostring(task, encoding="utf-16", xml_declaration=True)
    return content


def launch_agent(command: Sequence[str], log: PurePath) -> bytes:
    """Return a property list for macOS: started at logon, again when it fails. Source: launchd.plist(5)."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "StandardOutPath": str(log),
            "StandardErrorPath": str(log),
        }
    )


def systemd_unit(command: Sequence[str]) -> str:
    """Return a unit for `systemd --user`. Sources: systemd.service(5), systemd.unit(5), systemd.syntax(7)."""
    # `:` keeps systemd from reading `$`. It allows no quotes in a program's own path, but in what env is to call.
    line = " ".join(("/usr/bin/env", *(_quoted(part) for part in command)))
    return f"""[Unit]
Description=DropKey keys green-screen shots
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
ExecStart=:{line}
Restart=on-failure
RestartSec=10
KillMode=mixed

[Install]
WantedBy=default.target
"""


def _quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'
