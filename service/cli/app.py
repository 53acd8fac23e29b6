"""The commands and their flags. Bodies import what they need: `--help` and `serve` must not wait for torch."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from service.cli.failures import FailureGroup
from service.installation import command, fitting
from service.settings import load_settings

app = typer.Typer(
    cls=FailureGroup,
    help="Keys green-screen shots for After Effects: linear 32-bit float EXR foreground and alpha.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Device = Literal["auto", "cpu", "cuda", "mps"]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dropkey {importlib.metadata.version('dropkey')}")
        raise typer.Exit


@app.callback()
def _dropkey(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    drop: Annotated[list[Path] | None, typer.Option(help="Folder to watch; may be given several times.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder for all state; DROPKEY_HOME is the same.")] = None,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="Stop when standard input closes (for programs that start it).")
    ] = False,
    open_page: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the page in the browser; unset: where somebody sits at it."),
    ] = None,
) -> None:
    """Watch the drop folders, key what arrives, and answer the panel."""
    from service.server import serve as run_service
    from service.server import somebody_sits_here

    settings = load_settings(
        port=port,
        host=host,
        drop_folders=tuple(folder.absolute() for folder in drop) if drop else None,
        output_root=output.absolute() if output else None,
        device=device,
        home=home.absolute() if home else None,
    )
    opens = somebody_sits_here() if open_page is None else open_page
    raise typer.Exit(run_service(settings, stop_with_stdin=stop_with_stdin, open_page=opens))


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("dropkey-demo"),
    frames: Annotated[int, typer.Option(help="Length of the shot.", min=1)] = 24,
) -> None:
    """Make a small green-screen shot, key it through the service, and measure the result against the truth."""
    from service.demo.run import run_demo

    raise typer.Exit(run_demo(output.absolute(), frames))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check card, torch, disk, port and folders, and say what to do about each problem."""
    from service.doctor import examine, show

    findings = examine(load_settings())
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=1))
    else:
        show(findings)
    raise typer.Exit(1 if any(finding.verdict == "problem" for finding in findings) else 0)


def main() -> None:
    """Run the command line of this process, in words that fit this installation."""
    root = typer.main.get_command(app)
    fit_help(root)
    root(prog_name=command())


def fit_help(group: Any) -> None:
    """Word the help of a command, and of those below it, as one calls it here."""
    for shown in (group, *group.params):
        if getattr(shown, "help", None):
            shown.help = fitting(shown.help)
    for below in getattr(group, "commands", {}).values():
        fit_help(below)
