"""Refused values, each named by what the person at the terminal typed, not by the field that it was to fill."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.faults import reason


def flag(field: str) -> str:
    """Return the flag that fills ``field``."""
    return "--" + field.replace("_", "-")


def refused(error: ValidationError, typed: Mapping[str, str]) -> str:
    """Return `--flag: why` for each value that ``error`` refuses; ``typed`` says where a field's value came from."""
    reasons: dict[str, list[str]] = {}
    for entry in error.errors():
        # What lies deeper are the alternatives of a type, or places in a list: nobody typed those.
        field = str(entry["loc"][0]) if entry["loc"] else ""
        reasons.setdefault(typed.get(field, field), []).append(_reason(entry))
    return "; ".join(f"{name}: {', or '.join(why)}" if name else ", or ".join(why) for name, why in reasons.items())


def _reason(entry: ErrorDetails) -> str:
    if entry["type"] == "string_pattern_mismatch":
        return f"“{entry['input']}” is not written as it should be"
    if entry["type"] == "extra_forbidden":
        return "there is no such choice"
    return reason(entry)
