"""What the API is, for programs: OpenAPI 3.1, served as /openapi.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "An error (RFC 9457): what failed, and what to do about it.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:dropkey:problem:<kind>`, or about:blank."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What failed and why."},
        "fix": {"type": "string", "description": "What to do about it."},
        "shot": {"type": "string", "description": "Name of the shot it happened on."},
        "frame": {"type": "integer", "description": "The frame it happened on."},
        "errors": {
            "type": "array",
            "description": "Where a request does not fit its schema.",
            "items": {
                "type": "object",
                "required": ["where", "message"],
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
TOKEN_ONLY = ("/browser-links", "/shutdown")
"""What a browser is never let in for."""

_REFUSED = {
    "description": "An error.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem-Details"}}},
}
_ABOUT = (
    "Keys green-screen shots. Send `Authorization: Bearer <token>`; `service.json` in the home folder names the file "
    "that holds the token. docs/api.md tells the rest."
)
_WAYS_IN: dict[str, Any] = {
    "token": {"type": "http", "scheme": "bearer"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "dropkey_xxxxxxxx",
        "description": "What a one-time link gives a browser. Eight hex digits of each service's own end its name. "
        "Whatever changes something must also carry `X-DropKey: 1`, and come from the page itself.",
    },
}


def describing(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what is to stand in for `app.openapi`: every error is a problem, and who is let in is told."""

    def description() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    return description


def _described(app: FastAPI) -> dict[str, Any]:
    told = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    parts = told.setdefault("components", {})
    shapes = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        shapes.pop(unused, None)
    shapes["Problem-Details"] = PROBLEM
    parts["securitySchemes"] = _WAYS_IN
    for path, operations in told["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _REFUSED
            operation["security"] = _security(path)
    return told


def _security(path: str) -> list[dict[str, list[str]]]:
    if path.startswith("/health/"):
        return []
    token: dict[str, list[str]] = {"token": []}
    return [token] if path in TOKEN_ONLY else [token, {"cookie": []}]
