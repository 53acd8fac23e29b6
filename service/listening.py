"""How the service listens: one socket, a bounded number of connections, and a time limit for half requests."""

from __future__ import annotations

import os
import socket
import threading
import time
from asyncio import TimerHandle, Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.errors import Misconfigured
from service.rationed import Rationed
from service.settings import Settings

_HTTP_STOP_SECONDS = 5
_START_SECONDS = 10.0
_BACKLOG = 64  # asyncio accepts as many at a time, before any of them can be counted

log = structlog.get_logger("listening")


def listen(settings: Settings) -> socket.socket:
    """Return a bound socket; with port 0 the system picks a free port. Raises Misconfigured."""
    host = settings.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio asks the protocol by its number before it sets TCP_NODELAY; without that, a kept connection waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "nt":
            # There, SO_REUSEADDR would let another program take the port over.
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", 0), 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"Nothing can listen on {settings.host}:{settings.port}: {error.strerror}.",
            fix="Another program may use the port: choose another one with --port, or 0 for a free one.",
        ) from error
    return listener


@contextmanager
def answering(app: object, listener: socket.socket, ending: Callable[[], None]) -> Iterator[None]:
    """Answer HTTP in a thread, so that signals stay with the main thread and the order of stopping with us.

    ``ending`` ends the streams: the server waits for every reply that is under way.
    """
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application; uvicorn's own type is private
        http=Connection,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # X-Forwarded-For must not turn a stranger into somebody at this machine
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_HTTP_STOP_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield
    finally:
        ending()
        server.should_exit = True
        thread.join(timeout=_HTTP_STOP_SECONDS + 1)


def most_connections() -> int:
    """Return how many connections may be open: never so many that pipes to workers and files find no number left."""
    try:
        import resource
    except ImportError:  # Windows numbers its handles without such a limit
        return Connection.MOST
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Connection.MOST if soft == resource.RLIM_INFINITY else min(Connection.MOST, soft // 4)


class Connection(H11Protocol):
    """An HTTP connection that must say what it wants: half requests end, and make room for whole ones."""

    MOST = 256
    """Connections at once; the page holds one or two, each stream of events one."""

    HEADER_SECONDS = 10.0
    """From the first moment, or the first byte of a further request, to its whole header."""

    BODY_SECONDS = 30.0
    """Between two pieces of a body."""

    _dropped = Rationed(log, "connections closed: they asked nothing, and others came")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most = most_connections()
        self._patience: TimerHandle | None = None
        self._quiet_since = self.loop.time()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Take the connection; where there are too many, the one that has asked nothing for longest ends."""
        super().connection_made(transport)
        self._wait(self.HEADER_SECONDS)
        if len(self.connections) <= self._most:
            return
        idle = [other for other in self.connections if isinstance(other, Connection) and other.asks_nothing()]
        self._dropped.warn()
        min(idle, key=lambda other: other._quiet_since, default=self)._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a request for a while only."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY and not self.asks_nothing():
            self._wait(self.BODY_SECONDS)
        elif not self.asks_nothing():
            self._wait(None)
        elif self._patience is None:
            self._wait(self.HEADER_SECONDS)

    def on_response_complete(self) -> None:
        """Let uvicorn wait for a further request."""
        self._quiet_since = self.loop.time()
        self._wait(None)
        super().on_response_complete()

    def asks_nothing(self) -> bool:
        """Tell whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _wait(self, seconds: float | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(seconds, self._drop)

    def _drop(self) -> None:
        # Out of the count at once: `connection_lost` comes later, and others may come before.
        self.connections.discard(self)
        self._wait(None)
        self.transport.abort()
