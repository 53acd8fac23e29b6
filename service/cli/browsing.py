"""`dropkey open`: prints a fresh link to the page of the running service, and opens it in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from service.cli.app import app
from service.cli.failures import show_warning
from service.settings import load_settings


@app.command("open")
def open_page(
    only_print: Annotated[bool, typer.Option("--print", help="Print the link only; it works once.")] = False,
) -> None:
    """Print a fresh link to the page of the running service, and open it in the browser."""
    from service.client import Client
    from service.discovery import other_version, read_discovery

    settings = load_settings()
    running = read_discovery(settings)
    if running is not None and (other := other_version(running)):
        show_warning(other, "service")
    with Client.of_running(settings) as client:
        link = client.browser_link()
    typer.echo(link)
    if not only_print:
        webbrowser.open(link)
