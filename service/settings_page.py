"""Writes docs/settings.md from the docstrings of the settings: `python -m service.settings_page`."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from model.corrections import Stroke
from model.keyframes import Keyframes
from model.settings import DeliverySettings, KeySettings, MatteSources, Polygon, PolygonMatte
from service.drop_folder.sidecars import FolderDefaults
from service.jobs import JobRequest
from service.settings import FarmSettings, PrefixMap, Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

_HEAD = """# Settings

This page is written by `python -m service.settings_page` from the docstrings in the code; a test keeps it equal.

Later wins: `dropkey.toml` in the home folder, then `DROPKEY_*` variables, then flags. `DROPKEY_HOME` names the home
folder itself. A list in a variable is JSON: `DROPKEY_DROP_FOLDERS='["/shots/drop"]'`. An inner setting is reached with
two underscores: `DROPKEY_KEY_DEFAULTS__DESPILL=0.8`.

```toml
# dropkey.toml
drop_folders = ["/shots/drop"]
output_root = "/shots/output"

[key_defaults]
encoding = "arri-logc3"

[[prefix_map]]
theirs = 'S:\\shots'
ours = "/shots"
```
"""

_SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("The service", "In `dropkey.toml`, as `DROPKEY_…`, some as flags of `dropkey serve`.", Settings),
    ("One entry of `prefix_map`", "", PrefixMap),
    ("The farm", "Under `[farm]`.", FarmSettings),
    (
        "The key",
        "In a request, a sidecar, `--settings FILE.json`, `--set name=value`, or under `[key_defaults]`.",
        KeySettings,
    ),
    (
        "What is delivered",
        "The `delivery` of the key: `--set delivery.color_space=ACEScg`, or under `[key_defaults.delivery]`.",
        DeliverySettings,
    ),
    ("Values over time", "One entry of the key's `over_time`.", Keyframes),
    ("A request", "The body of `POST /jobs`; what a sidecar holds beside the shot.", JobRequest),
    (
        "Defaults of a drop folder",
        "In a file `.dropkey.json` in it: what counts for its shots where they say nothing of their own.",
        FolderDefaults,
    ),
    ("Mattes and other helpers", "The `mattes` of a request.", MatteSources),
    ("Corrections", 'One stroke of `corrections`, which are `{"frames": {"1001": [strokes]}}`.', Stroke),
    ("A matte of polygons", "", PolygonMatte),
    ("A polygon", "", Polygon),
)


def render() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(line for section in _SECTIONS for line in _section(*section))])


def _section(title: str, where: str, settings: type[BaseModel]) -> Iterator[str]:
    yield f"## {title}\n"
    if where:
        yield f"{where}\n"
    yield "| name | kind | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in settings.model_fields.items():
        yield f"| `{name}` | {_cell(_kind(field.annotation))} | {_default(field)} | {_cell(field.description or '')} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or isinstance(field.default, BaseModel):
        return ""
    value = field.default
    if value is None or value == ():
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(annotation: Any) -> str:
    """Return a type in a reader's words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is typing.Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(argument) for argument in arguments if argument is not type(None))
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_kind(arguments[0])}"
    if origin is tuple:
        return f"{len(arguments)} × {_kind(arguments[0])}"
    if origin is dict:
        return f"{_kind(arguments[0])} → {_kind(arguments[1])}"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


_WORDS = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", Path: "path"}


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
