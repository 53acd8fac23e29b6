"""Every error as RFC 9457 `application/problem+json`, whatever raised it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service import errors
from service.api.hardening import HARDENING
from service.faults import reasons
from service.installation import fitting

STATUS: dict[type[errors.DropKeyError], int] = {
    errors.NotFound: 404,
    errors.WrongState: 409,
    errors.PathRefused: 403,
    errors.BadInput: 422,
    errors.OutputFull: 507,
    errors.Transient: 503,
}
"""HTTP status by error class; the nearest ancestor counts, anything else is 500."""

log = structlog.get_logger("api")


class ProblemResponse(JSONResponse):
    """A reply with the media type of RFC 9457."""

    media_type = "application/problem+json"
    kind = "error"
    """A word of service.errors or of this page."""

    def render(self, content: Any) -> bytes:
        """Return JSON in ASCII: what a request said is told back even where it is no text (a lone surrogate)."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def problem(
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> ProblemResponse:
    """Return a problem; ``kind`` is a word of service.errors or of this page, ``more`` are extension members."""
    content = {
        "type": f"urn:dropkey:problem:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": fitting(detail, anywhere=True),
        **{name: value for name, value in more.items() if value not in (None, "")},
    }
    if "fix" in content:
        content["fix"] = fitting(content["fix"], anywhere=True)
    response = ProblemResponse(content, status_code=status, headers=dict(headers or {}))
    response.kind = kind or response.kind
    return response


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` as a problem."""
    app.add_exception_handler(errors.DropKeyError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unknown)


def _known(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, errors.DropKeyError)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if status >= 500:
        log.error("request failed", problem=str(error))
    return problem(status, error.message, kind=error.kind, fix=error.fix, shot=error.shot, frame=error.frame)


def _http(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


def _invalid(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    told = listed(error.errors())
    wrong = "; ".join(f"{one['where'].removeprefix('body.')} {one['message']}" for one in told[:5])
    return problem(422, f"The request does not fit: {wrong}.", kind="invalid_request", errors=told)


def listed(found: Sequence[Any]) -> list[dict[str, str]]:
    """Return pydantic's findings as (where, message); values stay out, they may be huge or private."""
    return [{"where": where, "message": why} for where, why in list(reasons(found))[:50]]


def _unknown(_request: Request, error: Exception) -> ProblemResponse:
    log.error("request crashed", exc_info=error)
    reply = problem(500, "The service failed on this request; its log says why.", kind="error")
    reply.raw_headers.extend(HARDENING)  # Starlette answers crashes outside of all middleware
    return reply
