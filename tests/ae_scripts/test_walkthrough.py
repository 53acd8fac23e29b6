"""docs/panel.md is performed: installed by the command, driven step by step, its picture drawn from the widgets."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.panel_bundle import bundle
from service.panel_places import panel_folders
from tests.ae_scripts.node import ROOT, node

PICTURE = ROOT / "docs" / "images" / "panel.svg"


def dropkey(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["panel", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_step_of_the_page_works_on_the_installed_panel(tmp_path: Path) -> None:
    folder = tmp_path / "ScriptUI Panels"
    assert "would write" in dropkey("install", "--folder", str(folder), "--dry-run")
    assert not folder.exists()
    dropkey("install", "--folder", str(folder))
    installed = folder / "DropKey.jsx"
    script = Path(__file__).with_name("walkthrough.mjs")
    done = node(str(script), DROPKEY_PANEL_BUNDLE=str(installed))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "would remove" in dropkey("uninstall", "--folder", str(folder), "--dry-run")
    assert installed.is_file()
    dropkey("uninstall", "--folder", str(folder))
    assert not installed.exists()
    assert dropkey("uninstall", "--folder", str(folder)) == ""


def test_build_writes_the_bundle(tmp_path: Path) -> None:
    dropkey("build", "--output", str(tmp_path / "build"))
    assert (tmp_path / "build" / "DropKey.jsx").read_bytes() == bundle().encode()


@pytest.mark.parametrize(
    ("platform", "variable", "inner"),
    [
        ("win32", "APPDATA", "Adobe/After Effects"),
        ("darwin", "HOME", "Library/Preferences/Adobe/After Effects"),
    ],
)
def test_every_installed_after_effects_is_found(tmp_path: Path, platform: str, variable: str, inner: str) -> None:
    for name in ("9.0", "24.6", "26.0", "logs", "aeft"):
        (tmp_path / inner / name).mkdir(parents=True)
    found = panel_folders(platform, {variable: str(tmp_path)})
    assert [folder.relative_to(tmp_path / inner).parts[0] for folder in found] == ["9.0", "24.6", "26.0"]
    assert all(folder.parts[-2:] == ("Scripts", "ScriptUI Panels") for folder in found)


def test_without_after_effects_the_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cli.panel.panel_folders", list)
    done = CliRunner().invoke(app, ["panel", "install"])
    assert done.exit_code != 0
    assert "Start After Effects once" in done.output


def test_the_picture_of_the_page_is_the_panel(tmp_path: Path, panel_file: Path) -> None:
    drawn = tmp_path / "panel.svg"
    done = node(str(Path(__file__).with_name("draw_states.mjs")), str(drawn), DROPKEY_PANEL_BUNDLE=str(panel_file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert drawn.read_text(encoding="utf-8") == PICTURE.read_text(encoding="utf-8"), (
        "draw it anew: node tests/ae_scripts/draw_states.mjs docs/images/panel.svg, "
        "with DROPKEY_PANEL_BUNDLE naming a built DropKey.jsx"
    )
