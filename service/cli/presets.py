"""`dropkey presets`: lists the choices about a key that have a name, and carries them from one DropKey to another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from service.atomic import replace_file
from service.cli.app import app
from service.presets import MOST_BYTES, Presets
from service.settings import load_settings

commands = typer.Typer(help="Choices about a key under names; page and panel show the same.", no_args_is_help=True)
app.add_typer(commands, name="presets")


def _presets() -> Presets:
    return Presets.of(load_settings())


@commands.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Print each preset with what it says."""
    told = [preset.told() for preset in _presets().all()]
    if as_json:
        typer.echo(json.dumps({"presets": told}))
        return
    for preset in told:
        said = ", ".join(f"{name} {json.dumps(value)}" for name, value in preset["settings"].items())
        typer.echo(f"{preset['name']}: {said or 'the defaults'}")


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write.", dir_okay=False)],
    name: Annotated[list[str] | None, typer.Option(help="A preset; unset: all but those of every DropKey.")] = None,
) -> None:
    """Write presets into one file."""
    replace_file(file.absolute(), _presets().exported(name or ()).encode())
    typer.echo(str(file))


@commands.command("import")
def take(
    file: Annotated[Path, typer.Argument(help="A file that `export` or the page wrote.", exists=True, dir_okay=False)],
) -> None:
    """Take in presets; one of the same name is replaced."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    for preset in _presets().imported(content, str(file)):
        typer.echo(preset.name)


@commands.command()
def remove(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Take a preset away."""
    _presets().remove(name)
