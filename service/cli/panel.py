"""`dropkey panel`: builds the After Effects panel into one file, and puts it where After Effects looks for panels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.atomic import replace_file
from service.cli.app import app
from service.errors import Misconfigured
from service.panel_bundle import NAME, panel_text
from service.panel_places import panel_folders, put_panel

commands = typer.Typer(help="Build the After Effects panel, and put it into After Effects.", no_args_is_help=True)
app.add_typer(commands, name="panel")


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
            put_panel(target.parent, text)
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
