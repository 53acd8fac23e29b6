"""The service without a window: started, found and ended by commands, and by the script that the panel calls."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import psutil
import pytest

from service.background import start, stop
from service.discovery import read_discovery
from service.errors import Transient
from service.launchers import INSTALLATION, launcher, shell_script, windows_script, write_launchers
from service.settings import Settings, load_settings
from tests.service.asking import asker
from tests.service.command_line import Dropkey
from tests.service.dropping import Place
from tests.service.running import until
from tests.service.serving import CHOICES, PATIENCE

ODD = 'Jörg\'s "R&D" (100 %) $HOME'


@pytest.fixture
def settings(tmp_path: Path, dropkey: Dropkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home of its own, and an end to whatever was started on it; nothing starts at logon."""
    home = tmp_path / "Jörg's R&D (100 %) $HOME" / "home"
    for name, value in CHOICES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DROPKEY_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = load_settings()
    yield made
    if (left := read_discovery(made)) is not None:
        psutil.Process(left.pid).kill()


def test_it_is_started_once_and_ended_with_its_process(settings: Settings, dropkey: Dropkey) -> None:
    first = dropkey("start")
    assert first.exit_code == 0, first.output
    found = read_discovery(settings)
    assert found is not None and found.url in first.stdout
    assert "already" in dropkey("start").stdout and read_discovery(settings) == found
    told = json.loads((settings.home / INSTALLATION).read_text(encoding="utf-8"))
    assert told["version"] == found.version and Path(told["command"].split(" ", 1)[1].strip("'\"")).is_file()
    assert dropkey("stop").exit_code == 0
    assert read_discovery(settings) is None and not psutil.pid_exists(found.pid)
    assert "No DropKey runs" in dropkey("stop").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a script of another system")
def test_the_script_starts_it_and_comes_back_although_its_words_are_read_to_the_end(settings: Settings) -> None:
    write_launchers(settings)
    done = subprocess.run(["/bin/sh", str(launcher(settings.home))], capture_output=True, timeout=PATIENCE, check=True)
    assert done.stdout == done.stderr == b""
    until(lambda: read_discovery(settings), "the service answers", PATIENCE)
    assert stop(settings)


def test_why_it_does_not_start_is_said(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    (settings.home / "dropkey.toml").write_text("no_such_setting = 1", encoding="utf-8")
    with pytest.raises(Transient, match=r"did not start: .*no_such_setting"):
        start(settings)


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell here")
def test_a_shell_hands_odd_paths_on_as_they_are(tmp_path: Path) -> None:
    wrote, log = tmp_path / ODD / "said", tmp_path / ODD / "log"
    wrote.parent.mkdir()
    line = [sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(wrote), ODD]
    script = tmp_path / "start.sh"
    script.write_bytes(shell_script(line, log))
    subprocess.run(["sh", str(script)], check=True)
    assert until(lambda: wrote.exists() and wrote.read_text(encoding="utf-8"), "it ran", PATIENCE) == ODD


def test_cmd_reads_odd_paths_in_quotes_with_every_percent_doubled() -> None:
    line = [r"C:\Users\Jörg R&D\100 %\pythonw.exe", "-m", "service.cli", "--home", r"D:\R&D"]
    text = windows_script(line, PureWindowsPath(r"D:\R&D\logs\start.log")).decode()
    assert text.count("\r\n") == text.count("\n")
    assert text.index("chcp 65001") < text.index("Jörg")
    started = text.splitlines()[-1]
    assert started == (
        r'start "" /b "C:\Users\Jörg R&D\100 %%\pythonw.exe" -m service.cli --home "D:\R&D"'
        r' <nul >"D:\R&D\logs\start.log" 2>&1'
    )


def test_only_the_token_on_this_machine_ends_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert asker(place).post("/shutdown").status_code == 202
    refused = asker(place, address="192.0.2.7").post("/shutdown")
    assert refused.status_code == 403 and " stop` on the service's machine" in refused.json()["fix"]
    place.close()
