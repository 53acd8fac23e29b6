"""Puts the HTTP application together: gate, routes, problems."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from service.api import problems
from service.api.events import Events
from service.api.routes import Checks, Routes
from service.api.security import Gate
from service.api.sessions import Sessions
from service.api.web import Web
from service.paths import Paths
from service.queue import JobQueue
from service.settings import Settings
from service.store import JobStore


def create_app(
    queue: JobQueue,
    store: JobStore,
    settings: Settings,
    token: str,
    *,
    paths: Paths | None = None,
    checks: Checks = dict,
) -> FastAPI:
    """Return the application over ``queue``; ``checks`` answers what `/health/ready` asks.

    Its `state` holds `events`, to be closed before the server stops, and `sessions`, which makes links for browsers.
    """
    paths = paths or Paths(settings)
    sessions = Sessions(token)
    web = Web(sessions, secure=settings.behind_proxy)
    events = Events(queue, store, paths)
    app = FastAPI(
        title="DropKey",
        version=version("dropkey"),
        docs_url=None,  # the pages load scripts from elsewhere; the schema itself is at /openapi.json
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    app.state.sessions, app.state.events = sessions, events
    app.include_router(Routes(queue, store, settings, paths, checks).router())
    app.include_router(events.router())
    app.include_router(web.router())
    app.add_middleware(Gate, settings=settings, token=token, sessions=sessions, is_open=web.has)
    return app
