"""What does not fit a schema, in words that a person understands who has never heard of pydantic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

# A place in a type that has alternatives: `literal['auto']`, `str`, `PolygonMatte`. Our own names are in small letters.
_ALTERNATIVE = re.compile(r"[\[A-Z]|^(str|int|float|bool)$")
_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "is not written as it should be",
    "path_type": "must be a path",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number, not infinite",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object in braces",
    "model_type": "must be an object in braces",
    "model_attributes_type": "must be an object in braces",
    "none_required": "must be null",
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def reason(entry: Any) -> str:
    """Return what is wrong with one value, to be read after its name."""
    kind, context = entry["type"], entry.get("ctx") or {}
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _BOUNDS:
        try:
            return _BOUNDS[kind].format(**{name: _plain(value) for name, value in context.items()})
        except KeyError:
            pass
    if kind in ("json_invalid", "json_type"):
        return f"is not JSON: {context.get('error', entry['msg'])}"
    return str(entry["msg"]).removeprefix("Value error, ")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def reasons(entries: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Return (where, what is wrong) of each value once; where a type has alternatives, the first one speaks."""
    told: set[str] = set()
    for entry in entries:
        where = ".".join(str(part) for part in entry["loc"] if not _ALTERNATIVE.search(str(part)))
        if where not in told:
            told.add(where)
            yield where, reason(entry)


def sentence(entries: Iterable[Any]) -> str:
    """Return all of it in one line: `settings.despill must be at most 1; fps is not written as it should be`."""
    found = [f"{where} {why}".strip() for where, why in list(reasons(entries))[:10]]
    return "; ".join(found)
