"""`dropkey farm scheduler`: what stands between service and workers. It keeps nothing: it may end and start again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from distributed import Scheduler

from service.errors import Misconfigured
from service.executor.dask.line import check_address, security, set_up
from service.settings import Settings


async def schedule(settings: Settings, listen: str, say: Callable[[str], None], ending: Awaitable[object]) -> None:
    """Run until ``ending``. Raises Misconfigured where it cannot or must not listen on that address."""
    protocol, host, port = check_address(listen)
    set_up(settings)
    secure = security(settings, protocol)
    try:
        scheduler = await Scheduler(
            protocol=protocol, host=host, port=port, security=secure, dashboard=False, dashboard_address="127.0.0.1:0"
        )
    except OSError as error:
        raise Misconfigured(
            f"The scheduler cannot listen on {listen}: {error.strerror or error}.",
            fix="See whether another one runs here already, or name another port with --listen.",
        ) from error
    say(f"The farm's scheduler listens on {scheduler.address}")
    try:
        await asyncio.wait([asyncio.ensure_future(ending)])
    finally:
        await scheduler.close()
