"""`dropkey farm worker`: one process per card on this machine, offered to the farm for as long as there is one."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from distributed import Worker
from distributed.comm import connect
from distributed.security import Security
from filelock import FileLock, Timeout

from service.errors import Misconfigured
from service.executor.dask import tasks
from service.executor.dask.host import Host
from service.executor.dask.line import check_address, is_loopback, security, set_up
from service.executor.port import Executor
from service.private import make_private_folder
from service.settings import Settings

AGAIN_SECONDS = 1.0
CONNECT_SECONDS = 5.0
JOIN_SECONDS = 30.0
EXTRA_THREADS = 4  # for previews and questions, beside the pieces
KEYING = "keying"

log = logging.getLogger("dropkey.farm")


def claim_folder(settings: Settings, name: str) -> tuple[Path, FileLock]:
    """Return the folder of the worker ``name`` and its lock, held. Raises Misconfigured where another has it."""
    folder = settings.home / "farm-workers" / name
    make_private_folder(folder)
    lock = FileLock(folder / "lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise Misconfigured(
            f"A worker called {name} runs on this machine already.", fix="Give this one another --name."
        ) from None
    return folder, lock


async def offer(
    settings: Settings,
    scheduler: str,
    name: str,
    executor: Executor,
    folder: Path,
    say: Callable[[str], None],
    ending: Awaitable[object],
) -> None:
    """Offer the places of ``executor`` to the farm until ``ending``; wait where there is no scheduler.

    Raises Misconfigured where the address must not be used, or the certificates are not there.
    """
    protocol, host, port = check_address(scheduler)
    address = f"{protocol}://{host}:{port}"
    set_up(settings)
    secure = security(settings, protocol)
    own = Host(executor, settings, say)
    own.start()
    over = asyncio.ensure_future(ending)
    told = ""
    try:
        while not over.done():
            try:
                await _try(address, secure)
            except Exception as error:
                told = _say_once(say, f"{address} cannot be reached, which is tried again: {_why(error)}", told)
                await asyncio.wait([over], timeout=AGAIN_SECONDS)
                continue
            worker = Worker(
                address,
                name=name,
                nthreads=len(executor.workers()) + EXTRA_THREADS,
                resources={KEYING: len(executor.workers())},
                # On one machine nothing is to be reached from elsewhere.
                host="127.0.0.1" if is_loopback(host) else None,
                protocol=protocol,
                security=secure,
                memory_limit=0,
                death_timeout=JOIN_SECONDS,
                local_directory=str(folder),
                dashboard_address="127.0.0.1:0",
                metrics={tasks.HOST: own.status},
                plugins=(own,),
                heartbeat_interval="500ms",
            )
            try:
                await worker
                say(f"{name} keys for {address}")
                told = ""
                await asyncio.wait([over, asyncio.ensure_future(worker.finished())], return_when="FIRST_COMPLETED")
            except Exception as error:
                told = _say_once(say, f"{name} cannot join {address}, which is tried again: {_why(error)}", told)
            finally:
                await _leave(worker, own, settings.stop_deadline_seconds)
            await asyncio.wait([over], timeout=AGAIN_SECONDS)
    finally:
        await asyncio.to_thread(own.close)


async def _try(address: str, secure: Security | None) -> None:
    """Connect once and hang up: Dask's own worker would try for ever, and say nothing. Raises what keeps it out."""
    ends = secure.get_connection_args("worker") if secure is not None else {}
    comm = await connect(address, timeout=CONNECT_SECONDS, **ends)
    await comm.close()


def _say_once(say: Callable[[str], None], words: str, before: str) -> str:
    if words != before:
        say(words)
    return words


async def _leave(worker: Worker, own: Host, patience: float) -> None:
    """Let pieces end between two frames and be told of, then go."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while own.busy and loop.time() < deadline:
        for piece in own.pieces:
            own.stop(piece)
        await asyncio.sleep(0.1)
    try:
        await asyncio.wait_for(worker.close(timeout=5, executor_wait=False, nanny=False), 10)
    except Exception:
        log.debug("the worker did not close in order", exc_info=True)


def _why(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    words = f"{type(cause).__name__}: {cause}".rstrip(": ")
    if isinstance(cause, ssl.SSLError):
        return f"it has certificates of another farm. Copy those of `dropkey farm init` to both. ({words})"
    return words


def default_name() -> str:
    """Return what a worker is called unless it is named: its machine."""
    return socket.gethostname()
