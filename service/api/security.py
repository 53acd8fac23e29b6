"""Who is let in: literal hosts, our own origin, the token or our page's cookie, JSON, and bodies of a bearable size.

A web page that the user happens to visit can reach loopback. It is kept out four times: its Host (DNS rebinding), its
Origin (also `null`) and `Sec-Fetch-Site`, the token that it does not know, and no CORS header at all. A cookie travels
by itself, so what comes with one may change something only when it also carries a header of ours, which no foreign
page can add, and proof of its origin.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping

import structlog
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.bodies import LARGE, SMALL_BYTES
from service.api.hardening import HARDENING
from service.api.problems import ProblemResponse, problem
from service.api.sessions import Sessions
from service.rationed import Rationed
from service.settings import Settings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+)(:\d{1,5})?")
_SAFE_SITES = ("same-origin", "none")  # none: typed by the user, not sent by a page
_OPEN = "/health/"
_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # somebody else asks through this machine
_READING = ("GET", "HEAD", "OPTIONS")
CHANGING_HEADER = "x-dropkey"

log = structlog.get_logger("door")


class Gate:
    """ASGI middleware in front of everything; refuses with a problem before a route sees the request."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        token: str,
        sessions: Sessions,
        is_open: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        """``is_open`` names further paths that anybody at an allowed Host may read."""
        self._app = app
        self._sessions = sessions
        self._is_open = is_open
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        self._scheme = "https" if settings.behind_proxy else "http"
        self._most_bytes = settings.maximum_request_mib * 2**20
        self._token = token.encode()
        self._refused: dict[str, Rationed] = {}
        # Behind a proxy every caller seems to come from it, so nobody counts as sitting at this machine.
        self._loopback_counts = not settings.behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on with `scope["state"]`.

        It holds `authorized`, `by_token` (not by cookie), `here` (on this machine, through nobody), and `trusted`: may
        name any file that the user can read.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        by_token = self._knows_token(headers)
        by_cookie = not by_token and "authorization" not in headers and self._holds_cookie(headers)
        authorized = by_token or by_cookie
        refusal = self._refusal(scope, headers, authorized, by_cookie)
        if refusal is not None:
            self._note(refusal, scope)
            refusal.raw_headers.extend(HARDENING)
            await refusal(scope, receive, send)
            return
        client = scope.get("client")
        state = scope.setdefault("state", {})
        state["authorized"], state["by_token"] = authorized, by_token
        direct = self._loopback_counts and not any(name in headers for name in _FORWARDING)
        state["here"] = direct and client is not None and is_loopback(client[0])
        state["trusted"] = by_token and state["here"]

        async def hardened(message: Mapping[str, object]) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", ())
                message = {**message, "headers": [*given, *HARDENING]}  # type: ignore[misc]  # ASGI: pairs of bytes
            await send(dict(message))

        await self._app(scope, receive, hardened)

    def _refusal(self, scope: Scope, headers: Headers, authorized: bool, by_cookie: bool) -> ProblemResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known_host(hosts[0]):
            return problem(400, "This Host is not served.", kind="unknown_host", fix="Add it to allowed_hosts.")
        own = [f"{self._scheme}://{hosts[0].lower()}"]
        if names_loopback(hosts[0]):
            own.append(f"http://{hosts[0].lower()}")  # a port that a container publishes on this machine has no proxy
        if any(origin.lower() not in own for origin in headers.getlist("origin")):
            return problem(403, "Requests of other web pages are refused.", kind="foreign_origin")
        if any(site not in _SAFE_SITES for site in headers.getlist("sec-fetch-site")):
            return problem(403, "Requests of other web pages are refused.", kind="foreign_origin")
        path = scope["path"]
        reading = scope["method"] in _READING
        if not authorized and not path.startswith(_OPEN) and not (reading and self._is_open(path)):
            return problem(
                401,
                "The token is missing or wrong.",
                kind="unauthorized",
                fix="Send 'Authorization: Bearer <token>'; service.json names the file that holds it.",
                headers={"www-authenticate": "Bearer"},
            )
        if by_cookie and not reading and not _meant(headers):
            return problem(
                403,
                "A change that comes with a cookie needs our page's header and its origin.",
                kind="forbidden",
                fix="Send 'X-DropKey: 1' from the page itself, or the token instead of the cookie.",
            )
        return self._refused_body(headers, self._most_bytes if (scope["method"], path) in LARGE else SMALL_BYTES)

    def _note(self, refusal: ProblemResponse, scope: Scope) -> None:
        """Log a refusal: who tries what is worth knowing, but must not fill the disk."""
        client = scope.get("client")
        line = self._refused.setdefault(refusal.kind, Rationed(log, "requests refused"))
        line.warn(reason=refusal.kind, sender=client[0] if client else None, path=scope["path"][:200])

    def _refused_body(self, headers: Headers, most_bytes: int) -> ProblemResponse | None:
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isascii() or not length.isdigit():
            return problem(411, "A body needs its Content-Length.", kind="length_required")
        if int(length) > most_bytes:
            fix = "Name the file that holds large mattes, or raise maximum_request_mib for mattes."
            return problem(413, f"This body may have {most_bytes:,} bytes at most.", kind="too_large", fix=fix)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if int(length) and media_type != "application/json":
            return problem(415, "Bodies are application/json only.", kind="not_json")
        return None

    def _known_host(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        return match is not None and (match.group(1) in self._hosts or match.group() in self._hosts)

    def _knows_token(self, headers: Headers) -> bool:
        given = headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)

    def _holds_cookie(self, headers: Headers) -> bool:
        given = [value for line in headers.getlist("cookie") for value in _cookies(line, self._sessions.cookie)]
        return len(given) == 1 and self._sessions.holds(given[0])


def _cookies(line: str, name: str) -> list[str]:
    return [value for key, value in cookie_parser(line).items() if key == name]


def _meant(headers: Headers) -> bool:
    """Tell whether our own page sent this on purpose; a foreign Origin was refused before."""
    same_origin = headers.getlist("sec-fetch-site") == ["same-origin"] or "origin" in headers
    return headers.get(CHANGING_HEADER) == "1" and same_origin


def names_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    match = _HOST.fullmatch(host)
    return match is not None and is_loopback(match.group(1))


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` (an address, or `localhost`) is this machine and nothing else; never asks a name server."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
