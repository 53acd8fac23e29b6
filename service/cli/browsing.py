"""`dropkey open`: shows the page of the running service in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from service.cli.app import app
from service.settings import load_settings


@app.command("open")
def open_page(
    only_print: Annotated[bool, typer.Option("--print", help="Print the link instead; it works once.")] = False,
) -> None:
    """Open the page of the running service in the browser."""
    from service.client import Client

    with Client.of_running(load_settings()) as client:
        link = client.browser_link()
    if only_print or not webbrowser.open(link):
        typer.echo(link)
