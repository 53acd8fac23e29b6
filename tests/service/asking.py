"""Asks the real application over a queue that runs nothing, from this machine or from elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from service.api import create_app
from service.api.schemas import Check
from tests.service.dropping import Place

TOKEN = "t" * 43
HOST = "127.0.0.1:8765"


class Asker:
    """Somebody at ``address`` who asks one application."""

    def __init__(self, app: FastAPI, address: str, token: str | None) -> None:
        self.app = app
        self._address = address
        self._headers = {} if token is None else {"authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def patch(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PATCH", path, **more)

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self._address, 50000), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}", headers=self._headers, timeout=30
        ) as client:
            return await client.request(method, path, **more)


def asker(place: Place, *, address: str = "127.0.0.1", token: str | None = TOKEN, **more: Any) -> Asker:
    """Return somebody who asks from ``address``; ``more`` goes to create_app."""
    more.setdefault("checks", lambda: {"store": Check(ok=True, detail="3 jobs")})
    return Asker(create_app(place.queue, place.store, place.settings, TOKEN, paths=place.paths, **more), address, token)


def check_problem(reply: httpx.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    """Assert that ``reply`` is an RFC 9457 problem, and return it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = reply.json()
    assert content["status"] == status and content["title"] and content["detail"]
    assert content["type"] == (f"urn:dropkey:problem:{kind}" if kind else content["type"])
    assert int(reply.headers["content-length"]) == len(reply.content)
    return content
