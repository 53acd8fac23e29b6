"""What the systems are told to start DropKey at logon; only systemd is here to judge it."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import pytest

from service.autostart_files import LABEL, launch_agent, systemd_unit, windows_task
from tests.service.command_line import Dropkey

TASKS = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
# The order that [MS-TSCH] 2.5 asks for inside a trigger and inside an action; elsewhere it asks for none.
TRIGGER_ORDER = ["Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "UserId", "Delay"]
ACTION_ORDER = ["Command", "Arguments", "WorkingDirectory"]
# Those of settingsType, each of which may stand once, in any order.
SETTINGS = {
    *("AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "DisallowStartIfOnBatteries"),
    *("StopIfGoingOnBatteries", "AllowHardTerminate", "StartWhenAvailable", "NetworkProfileName", "WakeToRun"),
    *("RunOnlyIfNetworkAvailable", "Enabled", "Hidden", "DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings"),
    *("ExecutionTimeLimit", "Priority", "RunOnlyIfIdle", "UseUnifiedSchedulingEngine"),
    "DisallowStartOnRemoteAppSession",
}
ODD = 'Jörg\'s "R&D" <100 %> $HOME'


def names(parent: ElementTree.Element | None) -> list[str]:
    assert parent is not None
    return [child.tag.removeprefix(TASKS) for child in parent]


def test_the_windows_task_runs_as_the_user_hidden_and_again_after_a_failure() -> None:
    command = [rf"C:\Users\{ODD}\pythonw.exe", "-m", "service.cli", "serve", "--home", rf"D:\{ODD}"]
    content = windows_task(command, rf"STUDIO\{ODD}", PureWindowsPath(rf"D:\{ODD}"))
    assert content.startswith((b"\xff\xfe", b"\xfe\xff")), "schtasks reads UTF-16"
    task = ElementTree.fromstring(content)
    assert task.tag == f"{TASKS}Task" and task.get("version") == "1.2"
    assert names(task) == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    trigger, action = task.find(f".//{TASKS}LogonTrigger"), task.find(f".//{TASKS}Exec")
    assert names(trigger) == [name for name in TRIGGER_ORDER if name in names(trigger)]
    assert names(action) == ACTION_ORDER
    assert task.findtext(f".//{TASKS}Command") == command[0]
    assert task.findtext(f".//{TASKS}Arguments") == subprocess.list2cmdline(command[1:])
    assert task.findtext(f".//{TASKS}Principal/{TASKS}LogonType") == "InteractiveToken"
    assert task.findtext(f".//{TASKS}Principal/{TASKS}RunLevel") == "LeastPrivilege"
    assert task.findtext(f".//{TASKS}Settings/{TASKS}Hidden") == "true"
    restart = task.find(f".//{TASKS}RestartOnFailure")
    assert names(restart) == ["Interval", "Count"] and restart is not None
    # Microsoft's description of restartType and pathType: one minute at least, an unsigned byte, 260 letters at most.
    assert restart.findtext(f"{TASKS}Interval") == "PT1M" and 1 <= int(restart.findtext(f"{TASKS}Count") or 0) <= 255
    assert all(len(path.text or "") <= 260 for path in action or () if not path.tag.endswith("Arguments"))
    settings = names(task.find(f"{TASKS}Settings"))
    assert len(settings) == len(set(settings)) and set(settings) <= SETTINGS


def test_the_launch_agent_holds_the_command_as_it_is() -> None:
    command = [f"/Users/{ODD}/bin/python", "-m", "service.cli", "serve"]
    agent = plistlib.loads(launch_agent(command, Path("/Users/x/log")))
    assert agent["ProgramArguments"] == command and agent["Label"] == LABEL
    assert agent["RunAtLoad"] is True and agent["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_has_no_complaint_about_its_unit_and_reads_odd_paths(tmp_path: Path) -> None:
    folder = tmp_path / ODD.replace("<", "(").replace(">", ")")
    folder.mkdir()
    program = folder / "py thon"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / LABEL
    unit.write_text(systemd_unit([str(program), "-m", "service.cli", "--home", str(folder)]), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "dropkey" in line.casefold()]
    assert done.returncode == 0 and ours == [], done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the calls of another system")
def test_autostart_lays_a_unit_tells_systemd_and_takes_it_back(
    dropkey: Dropkey, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called = tmp_path / "called"
    stand_in = tmp_path / "bin" / "systemctl"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {called}\n', encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=":")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    unit = tmp_path / "config" / "systemd" / "user" / LABEL
    assert dropkey("autostart", "status").exit_code == 1
    assert dropkey("autostart", "on").exit_code == 0
    assert dropkey("autostart", "status").exit_code == 0
    assert f'"--home" "{tmp_path / "home"}"' in unit.read_text(encoding="utf-8")
    assert "--user enable --now dropkey.service" in called.read_text()
    unit.write_text("another", encoding="utf-8")
    assert "another installation" in dropkey("autostart", "status").stdout
    assert dropkey("autostart", "off").exit_code == 0
    assert not unit.exists() and "--user disable --now dropkey.service" in called.read_text()
    stand_in.write_text("#!/bin/sh\necho Failed to connect to bus >&2; exit 1\n", encoding="utf-8")
    refused = dropkey("autostart", "on")
    assert refused.exit_code == 2 and "Failed to connect to bus" in refused.stderr and "serve" in refused.stderr
