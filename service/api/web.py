"""The page: files of `service/web` under `/`, and the one-time link that lets a browser in."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from service.api.problems import problem
from service.api.schemas import BrowserLink
from service.api.security import names_loopback
from service.api.sessions import SESSION_SECONDS, Sessions
from service.errors import NotFound

# The system's own table may say otherwise (Windows keeps it in the registry), and `nosniff` then stops the script.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
INDEX = "index.html"


def web_folder() -> Path:
    """Return the folder of the page's files."""
    return Path(str(files("service"))) / "web"


class Web:
    """The page's files, known by name from the start: nothing else of the disk can be asked for."""

    def __init__(self, sessions: Sessions, folder: Path | None = None, *, secure: bool = False) -> None:
        self._sessions = sessions
        self._secure = secure
        folder = folder or web_folder()
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in _TYPES and not path.is_symlink()
        }

    def has(self, path: str) -> bool:
        """Tell whether ``path`` is one of the page's files, which hold no secret, or the door itself."""
        return path == "/" or path in self._files

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False)
        router.add_api_route(
            "/browser-links", self.link, methods=["POST"], status_code=201, response_model=BrowserLink, tags=["browser"]
        )
        router.add_api_route("/", self.door, methods=["GET"], include_in_schema=False)
        for path, file in self._files.items():
            router.add_api_route(path, self._showing(file), methods=["GET"], include_in_schema=False)
        return router

    def link(self, request: Request) -> Response:
        """Make a link that lets a browser in, once, within the next hour."""
        if not request.state.by_token:
            return problem(403, "A browser cannot let another one in.", kind="forbidden", fix="Ask with the token.")
        scheme = "https" if self._encrypted(request) else "http"
        made = BrowserLink(url=f"{scheme}://{request.headers['host']}/?t={self._sessions.new_link()}")
        return Response(made.model_dump_json(), status_code=201, media_type="application/json")

    def door(self, request: Request, t: str | None = None) -> Response:
        """Show the page; with a one-time link, let the browser in first."""
        if t is None:
            return self._index()
        value = self._sessions.redeem(t)
        # Away from the address in any case: it must not stay in the history.
        reply = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        if value is not None:
            reply.set_cookie(
                self._sessions.cookie,
                value,
                max_age=SESSION_SECONDS,
                path="/",
                httponly=True,
                samesite="strict",
                secure=self._encrypted(request),
            )
        return reply

    def _encrypted(self, request: Request) -> bool:
        return self._secure and not names_loopback(request.headers["host"])

    def _index(self) -> Response:
        index = self._files.get(f"/{INDEX}")
        if index is None:
            raise NotFound("This installation has no page.", fix="Install DropKey again.")
        return FileResponse(index, media_type="text/html")

    def _showing(self, file: Path) -> Callable[[], Response]:
        return lambda: FileResponse(file, media_type=_TYPES[file.suffix])
