"""Puts the HTTP application together: gate, routes, problems."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from service.api import problems
from service.api.routes import Checks, Routes
from service.api.security import Gate
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
    """Return the application over ``queue``; ``checks`` answers what `/health/ready` asks."""
    app = FastAPI(
        title="DropKey",
        version=version("dropkey"),
        docs_url=None,  # the pages load scripts from elsewhere; the schema itself is at /openapi.json
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    app.include_router(Routes(queue, store, settings, paths or Paths(settings), checks).router())
    app.add_middleware(Gate, settings=settings, token=token)
    return app
