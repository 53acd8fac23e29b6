"""`dropkey uninstall` takes away what was put there, and nothing that is the artist's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service import autostart, installation, panel_places
from service.cli import app
from service.installation import Kind
from tests.service.command_line import Dropkey


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked release with panel, home, drop folder and results, as `sys.prefix` says."""
    release = tmp_path / "DropKey"
    files = ("run.py", "dropkey-0.2.0-py3-none-any.whl", ".venv/bin/python")
    home = tmp_path / "home"
    theirs = ("drop/shot/a.0001.png", "output/shot/v001/manifest.json")
    starting = ("start.sh", "installation.json")
    for file in (
        *(release / name for name in files),
        *(home / name for name in (*theirs, *starting, "dropkey.db", "logs/log")),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    place = tmp_path / "After Effects" / "Scripts" / "ScriptUI Panels"
    place.mkdir(parents=True)
    (place / "DropKey.jsx").touch()
    (place / "Other.jsx").touch()
    monkeypatch.setattr(sys, "prefix", str(release / ".venv"))
    monkeypatch.setattr(installation, "kind", lambda: Kind.ZIP)
    monkeypatch.setattr(panel_places, "panel_folders", lambda: [place])
    monkeypatch.setattr(autostart, "is_on", lambda: False)
    return tmp_path


def left(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


OTHERS = {"After Effects/Scripts/ScriptUI Panels/Other.jsx"}
ARTISTS = {"home/drop/shot/a.0001.png", "home/output/shot/v001/manifest.json"}
HOME = {"home/dropkey.db", "home/logs/log"}


def test_a_dry_run_names_all_and_removes_nothing(installed: Path, dropkey: Dropkey) -> None:
    before = left(installed)
    shown = dropkey("uninstall", "--dry-run")
    assert shown.exit_code == 0 and left(installed) == before
    assert str(installed / "DropKey") in shown.stdout and "DropKey.jsx" in shown.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a program cannot remove itself there")
def test_panel_and_folder_go_and_the_home_folder_stays_unless_asked_for(installed: Path, dropkey: Dropkey) -> None:
    shown = dropkey("uninstall", "--yes")
    assert shown.exit_code == 0, shown.output
    assert left(installed) == OTHERS | ARTISTS | HOME


@pytest.mark.skipif(sys.platform == "win32", reason="a program cannot remove itself there")
def test_with_the_home_folder_plates_and_results_in_it_stay(installed: Path, dropkey: Dropkey) -> None:
    assert dropkey("uninstall", "--yes", "--home").exit_code == 0
    assert left(installed) == OTHERS | ARTISTS


def test_who_says_no_keeps_everything(installed: Path, dropkey: Dropkey) -> None:
    before = left(installed)
    assert CliRunner().invoke(app, ["uninstall"], input="n\n").exit_code != 0
    assert left(installed) == before
