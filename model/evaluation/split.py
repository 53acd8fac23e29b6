"""The two halves of the fixed sets: constants are chosen on *development*, and what counts is reported on *held-out*.

`split.json` names them: pictures of each set, alternating within each kind, a movie or shot whole. Names that it does
not know, such as those of a folder of one's own, are in neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("split.json")
HALVES = ("development", "held-out")

Wanted = Callable[[str], bool]
"""Says of the name of a picture, file or shot whether it belongs to what is asked for."""


def everything(_name: str) -> bool:
    """Every picture is wanted."""
    return True


def half_of(set_name: str, half: str | None) -> Wanted:
    """Return what says whether a picture of the set belongs to ``half``, one of ``HALVES``; None: all do."""
    if half is None:
        return everything
    names = halves()[set_name][half]
    return lambda name: name in names


@cache
def halves() -> dict[str, dict[str, frozenset[str]]]:
    """Return the names by set and half."""
    listed: dict[str, dict[str, list[str]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: {half: frozenset(entry[half]) for half in HALVES} for name, entry in listed.items()}
