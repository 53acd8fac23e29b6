"""`dropkey uninstall`: takes autostart, panel and environment away; asks before the home folder goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.app import app
from service.errors import Misconfigured
from service.settings import load_settings


@app.command()
def uninstall(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; the home folder stays.")] = False,
    home: Annotated[
        bool, typer.Option("--home", help="Remove the home folder too: settings, jobs, token, logs.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove DropKey from this machine; plates and results are never touched."""
    from service import autostart
    from service.background import stop
    from service.launchers import INSTALLATION, launcher
    from service.panel_bundle import NAME
    from service.panel_places import panel_folders

    settings = load_settings()
    panels = [file for folder in panel_folders() if (file := folder / NAME).is_file()]
    starts = autostart.is_on()
    typer.echo("This is removed:")
    for what in (*(["the start at logon"] if starts else []), *panels, _environment()):
        typer.echo(f"  {what}")
    if dry_run:
        return
    if not yes:
        typer.confirm("Remove it?", abort=True)
        home = home or (settings.home.is_dir() and typer.confirm(f"Remove settings and jobs, too ({settings.home})?"))
    if starts:
        typer.echo(autostart.turn_off())
    if stop(settings):
        typer.echo("The service has ended.")
    for file in (*panels, launcher(settings.home), settings.home / INSTALLATION):
        file.unlink(missing_ok=True)
    if home:
        _remove_home(settings.home, (settings.output, *settings.roots))
    _remove_environment()
    typer.echo("DropKey is removed." if home else f"DropKey is removed; settings and jobs stay in {settings.home}.")


def _remove_home(home: Path, kept: tuple[Path, ...]) -> None:
    """Remove the home folder but for drop and output folders in it: what lies there is the artist's."""
    keep = [folder for folder in kept if folder.is_relative_to(home)]
    for place in sorted(home.iterdir()) if home.is_dir() else ():
        if any(folder == place or folder.is_relative_to(place) for folder in keep):
            continue
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()


def _environment() -> str:
    from service.installation import Kind, folder, kind

    return {
        Kind.CHECKOUT: f"the environment {folder() / '.venv'} (the checkout stays)",
        Kind.ZIP: f"the folder {folder()}",
    }.get(kind(), f"DropKey in {sys.prefix}")


def _remove_environment() -> None:
    from service.installation import Kind, folder, kind

    found = kind()
    if found in (Kind.CHECKOUT, Kind.ZIP):
        place = folder() / ".venv" if found is Kind.CHECKOUT else folder()
        if os.name == "nt":  # its own program cannot be removed while it runs
            typer.echo(f"Delete the folder {place} when this window is closed.")
        elif Path(sys.prefix).resolve().is_relative_to(place.resolve()):  # never an environment that is not ours
            shutil.rmtree(place)
        return
    command = {
        Kind.UV: ["uv", "tool", "uninstall", "dropkey"],
        Kind.PIPX: ["pipx", "uninstall", "dropkey"],
    }.get(found, [sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", "dropkey"])
    if subprocess.run(command, check=False).returncode:
        raise Misconfigured(f"{command[0]} did not remove DropKey.", fix=f"Call it yourself: {' '.join(command)}.")
