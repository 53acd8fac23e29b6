"""Puts the HTTP application together: gate, routes, problems."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from fastapi import FastAPI

from service.api import problems
from service.api.ending import Ending
from service.api.events import Events
from service.api.machine import Machine
from service.api.metrics import Metrics
from service.api.openapi import describing
from service.api.pictures import Pictures
from service.api.presets import PresetRoutes
from service.api.reach import Reach
from service.api.results import Results
from service.api.roots import Roots
from service.api.routes import Checks, Routes
from service.api.security import Gate
from service.api.sessions import Sessions
from service.api.trying import Trying
from service.api.web import Web
from service.api.welcome import Welcome
from service.drop_folder import DropFolders
from service.paths import Paths
from service.presets import Presets
from service.previews.reader import Reader, environment_of
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
    folders: DropFolders | None = None,
    checks: Checks = dict,
    reader: Reader | None = None,
    stop: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Return the application over ``queue``; ``checks`` answers what `/health/ready` asks.

    ``folders`` are measured, and tell how the roots that they watch are. ``reader`` makes the pictures; unset: one of
    its own. ``stop`` ends the service. The application's `state` holds `events`, to be closed before the server stops,
    `reader`, to be closed after it, and `sessions`, which makes links for browsers.
    """
    paths = paths or Paths(settings)
    sessions = Sessions(token)
    web = Web(sessions, secure=settings.behind_proxy)
    events = Events(queue, store, paths)
    reach = Reach(queue, paths)
    roots = Roots(paths, folders)
    reader = reader or Reader(environment_of(settings))
    app = FastAPI(
        title="DropKey",
        version=version("dropkey"),
        docs_url=None,  # the pages load scripts from elsewhere; the schema itself is at /openapi.json
        redoc_url=None,
        redirect_slashes=False,
    )
    app.openapi = describing(app)  # type: ignore[method-assign]  # as FastAPI's documentation does it
    problems.install(app)
    app.state.sessions, app.state.events, app.state.reader = sessions, events, reader
    app.include_router(Routes(queue, store, settings, paths, reach, checks).router())
    app.include_router(events.router())
    app.include_router(Machine(queue, paths, roots, Metrics(queue, store, paths, events, roots, folders)).router())
    app.include_router(Pictures(reach, reader).router())
    app.include_router(Trying(queue, settings, paths, reach, reader).router())
    app.include_router(Results(queue, reach, settings).router())
    app.include_router(PresetRoutes(Presets.of(settings)).router())
    app.include_router(Ending(stop).router())
    app.include_router(Welcome(settings).router())
    app.include_router(web.router())
    app.add_middleware(Gate, settings=settings, token=token, sessions=sessions, is_open=web.has)
    return app
