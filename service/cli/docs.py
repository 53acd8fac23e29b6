"""`dropkey docs`: opens the documentation of this version in the browser; it needs no network."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from service.cli.app import app
from service.errors import NotFound
from service.settings import load_settings


@app.command()
def docs(
    topic: Annotated[
        str, typer.Argument(help="A page: install, color, panel, settings …; without, the first one.")
    ] = "",
    only_print: Annotated[bool, typer.Option("--print", help="Print where the page lies, and open nothing.")] = False,
) -> None:
    """Open the documentation of this version in the browser."""
    from service.docs_pages import topics, write_pages

    if topic and topic not in topics():
        raise NotFound(f"There is no page “{topic}”.", fix=f"The pages are: {', '.join(topics())}.")
    first = write_pages(load_settings().home / "docs")
    page = first.parent / "docs" / f"{topic}.html" if topic else first
    typer.echo(str(page))
    if not only_print:
        webbrowser.open(page.as_uri())
