"""Reads mattes drawn as polygons that lie in a JSON file, as panels leave them where a request would grow too long."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from model.settings import PolygonMatte
from service.confined import read_confined
from service.errors import BadInput, PlateMissing
from service.faults import sentence
from service.versions import MOST_DRAWN_BYTES


def read_polygons(path: Path, *, within: Sequence[Path] = ()) -> PolygonMatte:
    """Return the polygons in a file; it is read anew only when it changed.

    ``within``: folders of which one must hold it, links followed; of none, all are fine. Raises PlateMissing where it
    is not there, PlateUnreadable where it leads out, BadInput where it holds no polygons.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise PlateMissing(
            f"The matte {path} cannot be read: {error.strerror or error}.",
            fix="Send the shot again from where its masks are.",
        ) from error
    return _polygons(path, status.st_mtime_ns, status.st_size, tuple(within))


@lru_cache(maxsize=4)
def _polygons(path: Path, _changed: int, _size: int, within: tuple[Path, ...]) -> PolygonMatte:
    content = read_confined(path, within, most_bytes=MOST_DRAWN_BYTES)
    try:
        return PolygonMatte.model_validate_json(content)
    except ValidationError as error:
        where = sentence(error.errors(include_url=False)[:1])
        raise BadInput(
            f"The matte {path} holds no polygons ({where}).",
            fix="Send the shot again; the file is to hold what `mattes` of a request may hold.",
        ) from error
