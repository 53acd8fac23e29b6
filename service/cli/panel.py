"""`dropkey panel`: builds the After Effects panel into one file, and puts it where After Effects looks for panels."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from service.atomic import replace_file
from service.cli.app import app
from service.errors import Misconfigured
from service.panel_bundle import NAME, panel_text

PANELS = ("Scripts", "ScriptUI Panels")

commands = typer.Typer(help="Build the After Effects panel, and put it into After Effects.", no_args_is_help=True)
app.add_typer(commands, name="panel")


def panel_folders(platform: str = sys.platform, environment: dict[str, str] | None = None) -> list[Path]:
    """Return the user's panel folder of every After Effects that was started here once, oldest first."""
    known = dict(os.environ) if environment is None else environment
    if platform == "win32":
        roots = [Path(known["APPDATA"]) / "Adobe" / "After Effects"] if "APPDATA" in known else []
    elif platform == "darwin":
        roots = [Path(known.get("HOME", "~")).expanduser() / "Library" / "Preferences" / "Adobe" / "After Effects"]
    else:
        roots = []
    versions = [folder for root in roots if root.is_dir() for folder in root.iterdir() if folder.is_dir()]
    numbered = [folder for folder in versions if re.fullmatch(r"\d+(\.\d+)*", folder.name)]
    return [folder.joinpath(*PANELS) for folder in sorted(numbered, key=_version_number)]


def _version_number(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))


def _targets(folder: Path | None) -> list[Path]:
    folders = [folder] if folder is not None else panel_folders()
    if not folders:
        raise Misconfigured(
            "No After Effects is to be found for this user.",
            fix="Start After Effects once, or name its 'ScriptUI Panels' folder with --folder.",
        )
    return [place / NAME for place in folders]


Folder = Annotated[Path | None, typer.Option(help="A 'ScriptUI Panels' folder, instead of all that are found.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@commands.command()
def build(output: Annotated[Path, typer.Option(help="Folder for the file.")] = Path("build")) -> None:
    """Write the panel as one file, DropKey.jsx."""
    text = panel_text()
    output.mkdir(parents=True, exist_ok=True)
    replace_file(output / NAME, text.encode())
    typer.echo(str(output / NAME))


@commands.command()
def install(folder: Folder = None, dry_run: DryRun = False) -> None:
    """Put the panel into every installed After Effects of this user; restart it, then look under Window."""
    text = panel_text()
    for target in _targets(folder):
        if not dry_run:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, text.encode())
        typer.echo(f"{'would write' if dry_run else 'wrote'} {target}")


@commands.command()
def uninstall(folder: Folder = None, dry_run: DryRun = False) -> None:
    """Take the panel out again; jobs, settings and results stay."""
    for target in _targets(folder):
        if not target.is_file():
            continue
        if not dry_run:
            target.unlink()
        typer.echo(f"{'would remove' if dry_run else 'removed'} {target}")
