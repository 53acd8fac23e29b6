"""How a browser gets in: a link that works once becomes a cookie that scripts cannot read.

A cookie is an end date and a signature under a key that only the holder of the token can make, so that a page stays
logged in over a restart of the service, and a new token ends all sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

LINK_SECONDS = 3600
SESSION_SECONDS = 14 * 24 * 3600
_MOST_LINKS = 64
_NONCE_BYTES = 16


class Sessions:
    """Links and cookies of one service."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.digest(token.encode(), b"dropkey browser session", "sha256")
        self._clock = clock
        self._lock = threading.Lock()
        self._links: dict[str, float] = {}
        self.cookie = f"dropkey_{hashlib.sha256(self._key).hexdigest()[:8]}"
        """Name of the cookie; cookies know no ports, so each service of a machine has its own."""

    def new_link(self) -> str:
        """Return what `/?t=` takes, once, within the next hour."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._links = {link: end for link, end in self._links.items() if end > now}
            while len(self._links) >= _MOST_LINKS:
                del self._links[next(iter(self._links))]
            self._links[secret] = now + LINK_SECONDS
        return secret

    def redeem(self, secret: str) -> str | None:
        """Return the value of a new cookie, or None when the link is unknown, used or too old."""
        with self._lock:
            end = self._links.pop(secret, 0.0)
        if end <= self._clock():
            return None
        content = f"{int(self._clock()) + SESSION_SECONDS}.{secrets.token_urlsafe(_NONCE_BYTES)}"
        return f"{content}.{self._signature(content)}"

    def holds(self, value: str) -> bool:
        """Tell whether ``value`` is a cookie that this service gave and that is still good."""
        content, _, signature = value.rpartition(".")
        end = content.partition(".")[0]
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            return False
        return end.isascii() and end.isdigit() and int(end) > self._clock()

    def _signature(self, content: str) -> str:
        return hmac.new(self._key, content.encode(), "sha256").hexdigest()
