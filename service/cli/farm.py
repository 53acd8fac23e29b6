"""`dropkey farm …`: the commands of a render farm of one's own."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.app import Device, app
from service.errors import Misconfigured
from service.installation import farm_packages
from service.settings import load_settings

commands = typer.Typer(no_args_is_help=True, help="Let several machines key for one service.")
app.add_typer(commands, name="farm")


@commands.command()
def init(
    folder: Annotated[Path | None, typer.Option(help="Where to make them; unset: the service's folder.")] = None,
) -> None:
    """Make the certificates that let machines into the farm; copy their folder to each of them."""
    require_dask()
    from service.executor.dask.certificates import make_certificates

    made = (folder or load_settings().certificates).absolute()
    for file in make_certificates(made):
        typer.echo(str(file))
    typer.echo(f"Copy {made} to every machine of the farm, and let nobody else read it.")


@commands.command()
def scheduler(
    listen: Annotated[str, typer.Option(help="Address; plain tcp:// on this machine only.")] = "tls://0.0.0.0:8786",
) -> None:
    """Run what stands between the service and the workers; one for a farm, on any machine."""
    require_dask()
    from service.executor.dask.scheduler import schedule

    settings = load_settings()
    run_until_stopped(lambda ending: schedule(settings, listen, typer.echo, ending))


@commands.command()
def worker(
    scheduler: Annotated[
        str | None, typer.Option(help="tls://host:8786; unset: `[farm] scheduler` in dropkey.toml.")
    ] = None,
    cards: Annotated[str | None, typer.Option(help="CUDA cards to use, for example 0,1; unset: all.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call this worker; unset: the machine's name.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where keying runs.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder for logs and settings; DROPKEY_HOME is the same.")] = None,
) -> None:
    """Key for the farm on this machine: one process for each card, or one without."""
    require_dask()
    from service.executor import LocalExecutor
    from service.executor.dask.worker import claim_folder, default_name, offer

    settings = load_settings(device=device, home=home.absolute() if home else None)
    address = scheduler or settings.farm.scheduler
    if address is None:
        raise Misconfigured("No scheduler is named.", fix="Say --scheduler tls://host:8786.")
    called = name or default_name()
    folder, lock = claim_folder(settings, called)
    chosen = None if cards is None else tuple(card.strip() for card in cards.split(",") if card.strip())
    executor = LocalExecutor(settings, cards=chosen, folder=folder)
    try:
        run_until_stopped(lambda ending: offer(settings, address, called, executor, folder, typer.echo, ending))
    finally:
        lock.release()


@commands.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """List the workers that the running service has, and what each is at."""
    from service.client import Client

    with Client.of_running(load_settings()) as client:
        workers = [worker.model_dump(mode="json") for worker in client.workers()]
    if as_json:
        typer.echo(json.dumps(workers, indent=1))
        return
    for each in workers:
        at = f"{each['shot']} {each['frame'] or ''}".rstrip() if each["shot"] else ""
        words = (each["host"], each["device_name"] or each["device"], "drained" if each["drained"] else "", at)
        typer.echo(f"{each['name']}: {each['state']}  {'  '.join(word for word in words if word)}".rstrip())
        if each["problem"] and each["state"] in ("refused", "waiting"):
            typer.echo(f"  {each['problem']['message']} {each['problem']['fix']}".rstrip())
    if not workers:
        typer.echo("There is no worker.")


@commands.command()
def drain(name: Annotated[str, typer.Argument(help="As `dropkey farm status` calls it.")]) -> None:
    """Give a worker nothing new; it finishes what it has in hand."""
    _drain(name, True)


@commands.command("take-back")
def take_back(name: Annotated[str, typer.Argument(help="As `dropkey farm status` calls it.")]) -> None:
    """Let a drained worker key again."""
    _drain(name, False)


def _drain(name: str, drained: bool) -> None:
    from service.client import Client

    with Client.of_running(load_settings()) as client:
        client.drain(name, drained)
    typer.echo(f"{name} gets nothing new." if drained else f"{name} keys again.")


def require_dask() -> None:
    """Raise Misconfigured where the farm's packages are not installed."""
    for package in ("cryptography", "distributed"):
        if importlib.util.find_spec(package) is None:
            raise Misconfigured(f"The farm needs {package}, which is not installed.", fix=farm_packages())


def run_until_stopped(work: Callable[[asyncio.Future[None]], Coroutine[Any, Any, None]]) -> None:
    """Run ``work`` until Ctrl-C or SIGTERM, of which it is told by the future; a second one ends the process."""

    async def until() -> None:
        loop = asyncio.get_running_loop()
        ending: asyncio.Future[None] = loop.create_future()

        def stop(_number: int, _frame: object) -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            loop.call_soon_threadsafe(ending.cancel)

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)
        await work(ending)

    asyncio.run(until())
