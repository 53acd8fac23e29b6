"""`POST /shutdown`: ends the service as Ctrl-C in its window does, for services that have no window."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.problems import problem


class Ending:
    """The one route."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """``stop`` asks the process to end and returns at once."""
        self._stop = stop

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(redirect_slashes=False, tags=["machine"])
        router.add_api_route("/shutdown", self.shut_down, methods=["POST"], status_code=202, response_class=Response)
        return router

    def shut_down(self, request: Request) -> Response:
        """End the service once this is answered; jobs go on where they are at its next start."""
        if not request.state.trusted:
            fix = "Call `dropkey stop` on the service's machine."
            return problem(403, "Only the token on the service's machine ends it.", kind="forbidden", fix=fix)
        self._stop()
        return Response(status_code=202)
