"""`dropkey update`: shows what is new, and takes it; the old version stays until the new one has passed `doctor`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from service.cli.app import app
from service.settings import Settings, load_settings


@app.command()
def update(
    file: Annotated[
        Path | None, typer.Argument(help="A wheel, or the zip of a release, instead of what the index has.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is new.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Take the newest version; the old one stays until the new one has passed `doctor`, and jobs go on."""
    place = Path(tempfile.mkdtemp(prefix="dropkey-update-"))
    code: int | None = 1
    try:
        code = _update(place, file, check, yes)
    finally:
        if code is not None:  # else the updater goes on in a window, and reads there
            shutil.rmtree(place, ignore_errors=True)
    raise typer.Exit(code or 0)


def _update(place: Path, file: Path | None, check: bool, yes: bool) -> int | None:
    from importlib.metadata import version

    from service.updating import find_offer, hand_over, is_newer, make_plan

    settings = load_settings()
    offer = find_offer(place, file)
    if not is_newer(offer):
        typer.echo(f"DropKey {version('dropkey')} is the newest.")
        return 0
    typer.echo(f"DropKey {offer.version} (installed: {version('dropkey')})\n\n{offer.notes}\n")
    if check:
        return 0
    plan = make_plan(offer, settings)
    if not yes:
        typer.confirm("Install it?", abort=True)
    return hand_over(plan | {"afterwards": _end_service(settings) + _panels()}, place)


def _end_service(settings: Settings) -> list[list[str]]:
    """End the service that runs; return the command that starts it again, of whichever version is then installed."""
    from service.background import stop
    from service.installation import program

    if not stop(settings):
        return []
    typer.echo("The service has ended; it is started again afterwards, and its jobs go on.")
    return [program("start")]


def _panels() -> list[list[str]]:
    """Return the command that renews the panel where After Effects has it: of another version it would not talk."""
    from service.installation import program
    from service.panel_bundle import NAME
    from service.panel_places import panel_folders

    places = [folder for folder in panel_folders() if (folder / NAME).is_file()]
    if places:
        typer.echo("The panel is renewed too: restart After Effects afterwards.")
    return [program("panel", "install", "--folder", str(folder)) for folder in places]
