"""`dropkey autostart on | off | status`: whether DropKey starts when its user logs on."""

from __future__ import annotations

import typer

from service.cli.app import app

commands = typer.Typer(help="Start DropKey when you log on, as you, without a window.", no_args_is_help=True)
app.add_typer(commands, name="autostart")


@commands.command()
def on() -> None:
    """Start DropKey at every logon from now on, and now."""
    from service.autostart import turn_on

    typer.echo(turn_on())


@commands.command()
def off() -> None:
    """Start DropKey at logon no more, and end it now."""
    from service.autostart import turn_off

    typer.echo(turn_off())


@commands.command()
def status() -> None:
    """Say whether DropKey starts at logon; the exit code is 0 where it does."""
    from service.autostart import is_of_this_installation, is_on
    from service.installation import fitting

    found = is_on()
    typer.echo("DropKey starts at your logon." if found else "DropKey does not start at your logon.")
    if found and not is_of_this_installation():
        typer.echo(fitting("It is another installation that starts: `dropkey autostart on` makes it this one."))
    raise typer.Exit(0 if found else 1)
