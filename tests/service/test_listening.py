"""Connections: kept ones answer at once, half requests end, and a thousand of them silence nobody."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.listening import Connection, answering, listen, most_connections
from service.rationed import SECONDS_BETWEEN, Rationed
from service.settings import Settings
from tests.service.running import until

HALF = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = HALF + b"\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer after the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    with listen(Settings(home=tmp_path, port=0)) as listener, answering(app, listener, ending=lambda: None):
        yield listener.getsockname()


def ended(connection: socket.socket, within: float = 10.0) -> bool:
    """Tell whether the service closes the connection."""
    connection.settimeout(within)
    try:
        return not connection.recv(1)
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def opened() -> list[Connection]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of objects that warn when they are asked what they are
        return [one for one in gc.get_objects() if isinstance(one, Connection) and one in one.connections]


def test_a_kept_connection_is_answered_without_waiting_for_an_acknowledgement(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(WHOLE)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        (connection,) = opened()
        ours = connection.transport.get_extra_info("socket")
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_half_header_ends_after_a_while(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "HEADER_SECONDS", 0.2)
    with socket.create_connection(address) as silent, socket.create_connection(address) as half:
        half.sendall(HALF)
        assert ended(half) and ended(silent)


def test_a_header_that_drips_ends_as_soon_as_one_that_stopped(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "HEADER_SECONDS", 0.3)
    with socket.create_connection(address) as dripping:
        began = time.monotonic()
        while time.monotonic() - began < 10.0:
            try:
                dripping.sendall(b"G")
            except OSError:
                break
            time.sleep(0.02)
        assert time.monotonic() - began < 5.0


def test_the_second_request_of_a_connection_must_be_whole_too(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "HEADER_SECONDS", 0.2)
    with socket.create_connection(address) as client:
        client.sendall(WHOLE)
        while not client.recv(4096).endswith(b"ok"):
            pass
        client.sendall(HALF)
        assert ended(client, within=3.0)


def test_a_body_that_does_not_come_ends(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "BODY_SECONDS", 0.2)
    with socket.create_connection(address) as client:
        client.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        assert ended(client)


def test_a_whole_request_waits_for_its_answer_as_long_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "HEADER_SECONDS", 0.05)
    monkeypatch.setattr(Connection, "BODY_SECONDS", 0.05)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.4)
        await app(scope, receive, send)

    with listen(Settings(home=tmp_path, port=0)) as listener, answering(slow, listener, ending=lambda: None):
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_thousand_half_requests_make_room_for_a_whole_one(address: tuple[str, int]) -> None:
    with ExitStack() as stack:
        halves = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(1100)]
        for half in halves:
            with suppress(OSError):
                half.sendall(HALF)
        began = time.monotonic()
        reply = httpx.get(f"http://127.0.0.1:{address[1]}/health/live", timeout=30)
        assert reply.text == "ok" and time.monotonic() - began < 5.0
        assert all(ended(half) for half in halves[: 1100 - most_connections()])
        assert len(opened()) <= most_connections()


def test_who_is_being_answered_is_not_closed_for_those_who_ask_nothing(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "MOST", 8)
    with socket.create_connection(address) as working, ExitStack() as stack:
        working.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
        until(lambda: any(not found.asks_nothing() for found in opened()), "its request is taken up")
        for _ in range(50):
            stack.enter_context(socket.create_connection(address)).sendall(HALF)
        working.sendall(b"}")
        assert working.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_connections_leave_most_of_the_open_files_to_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 4096))
    assert most_connections() == 64


class _Lines:
    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def warning(self, event: str, **details: object) -> None:
        self.lines.append({"event": event, **details})


def test_what_strangers_cause_by_the_thousand_is_one_line_a_minute() -> None:
    now, log = [0.0], _Lines()
    rationed = Rationed(log, "refused", clock=lambda: now[0])
    for _ in range(1000):
        rationed.warn(status=401)
    now[0] = SECONDS_BETWEEN
    rationed.warn(status=403)
    assert log.lines == [
        {"event": "refused", "times": 1, "status": 401},
        {"event": "refused", "times": 1000, "status": 403},
    ]
