"""Reads a request's body away from the loop that answers everybody else, and large ones one after another."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from service.requests import check_extent

SMALL_BYTES = 64 * 1024
"""What any body may have; only requests that can carry mattes drawn as polygons, or many presets, may have more."""

LARGE = frozenset({("POST", "/jobs"), ("POST", "/preview"), ("POST", "/presets")})
"""The requests that can."""


class BodyRoute(APIRoute):
    """A route whose body becomes its model in a thread of its own, without a tree of Python objects in between."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer
        shape: type[BaseModel] = self.body_field.field_info.annotation  # type: ignore[assignment]  # all are models
        alone = anyio.CapacityLimiter(1)

        async def read_and_answer(request: Request) -> Response:
            content = await request.body()
            if not content:
                return await answer(request)
            limiter = alone if len(content) > SMALL_BYTES else None
            read = await anyio.to_thread.run_sync(_read, shape, content, limiter=limiter)
            return await answer(_Read(request, content, read))

        return read_and_answer


class _Read(Request):
    """A request whose body was read already."""

    def __init__(self, request: Request, content: bytes, read: BaseModel) -> None:
        super().__init__(request.scope, request.receive)
        self._content = content
        self._read = read

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return self._read


def _read(shape: type[BaseModel], content: bytes) -> BaseModel:
    check_extent(content)
    try:
        return shape.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None
