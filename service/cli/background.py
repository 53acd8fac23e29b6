"""`dropkey start` and `dropkey stop`: the service without a window of its own."""

from __future__ import annotations

import typer

from service.cli.app import app
from service.settings import load_settings


@app.command()
def start() -> None:
    """Start the service in the background, without a window."""
    from service.background import start as start_service
    from service.discovery import read_discovery

    settings = load_settings()
    running = read_discovery(settings)
    found = running or start_service(settings)
    typer.echo(f"DropKey {'listens already' if running else 'listens'} on {found.url} (process {found.pid}).")


@app.command()
def stop() -> None:
    """End the service that runs; its jobs go on at its next start."""
    from service.background import stop as stop_service

    ended = stop_service(load_settings())
    typer.echo("DropKey has ended; its jobs go on at its next start." if ended else "No DropKey runs.")
