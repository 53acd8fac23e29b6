"""Reads mattes drawn as polygons that lie in a JSON file, as panels leave them where a request would grow too long."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from model.settings import PolygonMatte
from service.errors import BadInput, PlateMissing

MOST_BYTES = 256 * 1024 * 1024


def read_polygons(path: Path) -> PolygonMatte:
    """Return the polygons in a file; it is read anew only when it changed.

    Raises PlateMissing where it is not there, BadInput where it holds no polygons.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise PlateMissing(
            f"The matte {path} cannot be read: {error.strerror or error}.",
            fix="Send the shot again from where its masks are.",
        ) from error
    if status.st_size > MOST_BYTES:
        raise BadInput(f"The matte {path} is larger than {MOST_BYTES >> 20} MiB.", fix="Draw it with fewer corners.")
    return _polygons(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _polygons(path: str, _changed: int, _size: int) -> PolygonMatte:
    try:
        return PolygonMatte.model_validate_json(Path(path).read_bytes())
    except (OSError, ValidationError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        where = ".".join(map(str, first["loc"])) + ": " + first["msg"] if first else str(error)
        raise BadInput(
            f"The matte {path} holds no polygons ({where}).",
            fix="Send the shot again; the file is to hold what `mattes` of a request may hold.",
        ) from error
