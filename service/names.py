"""Names of shots: from file names to names that are safe as folders on every system, and unique under one root."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Collection
from itertools import islice
from pathlib import Path

RENAME = "Rename them in UTF-8 (convmv does it for many), then drop the shot again."

MAXIMUM_LENGTH = 80
"""Longer names are cut: version, pass and frame number are still to be added, and Windows counts 260 in all."""

_MAXIMUM_BYTES = 180
"""In UTF-8, where a letter may take four: file systems of Linux and macOS hold 255 of them in one name."""

_HOSTILE = frozenset('<>:"/\\|?*#@%$')  # refused by Windows, or read as a place for the frame number
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Unicode general categories
_SEPARATORS = " ._-"
_PORTS = [f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"]
_RESERVED = frozenset(["con", "prn", "aux", "nul", "conin$", "conout$", *_PORTS])


def safe_name(text: str) -> str:
    """Return ``text`` fit to be a folder name on Windows, macOS and Linux; never empty.

    Unicode is composed (NFC); control and invisible characters go; hostile ones, leading dots, and dots and spaces at
    the end become `_`; names that Windows reserves get a `_` in front; long ones are cut and told apart by a hash.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(
        "_" if letter in _HOSTILE else letter for letter in composed if unicodedata.category(letter) not in _INVISIBLE
    ).strip(" ")
    if len(kept) > MAXIMUM_LENGTH or len(kept.encode("utf-8", "replace")) > _MAXIMUM_BYTES:
        short = kept[: MAXIMUM_LENGTH - 9].encode("utf-8", "replace")[: _MAXIMUM_BYTES - 9].decode("utf-8", "ignore")
        kept = f"{short}_{hashlib.sha256(composed.encode('utf-8', 'replace')).hexdigest()[:8]}"
    bare = kept.rstrip(". ").lstrip(".~")
    if not bare:
        return "shot"
    if kept.startswith((".", "~")):
        bare = f"_{bare}"
    return f"_{bare}" if bare.split(".")[0].strip().casefold() in _RESERVED else bare


def shot_name(stem: str, parent: str) -> str:
    """Name a shot by its file's stem without separators at the end; by its folder where only numbers name the files."""
    return safe_name(stem.rstrip(_SEPARATORS) or parent or "shot")


def unique_name(name: str, parent: str, taken: Collection[str]) -> str:
    """Return ``name``, or one made from it and its parent folder's name, that is not in ``taken``.

    Names are compared as Windows and macOS compare files: without regard to case and to how accents are composed.
    """
    used = {_folded(other) for other in taken}
    candidates = [name, safe_name(f"{parent}_{name}")]
    for candidate in candidates:
        if _folded(candidate) not in used:
            return candidate
    number = 2
    while _folded(f"{candidates[-1]}_{number}") in used:
        number += 1
    return f"{candidates[-1]}_{number}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_unreadable(name: str) -> bool:
    """Tell whether a name is not UTF-8, as old archives unpack them: it can be neither stored, sent nor shown."""
    return any("\udc80" <= letter <= "\udcff" for letter in name)


def unreadable_in(folder: Path, most: int = 10_000) -> list[str]:
    """Return such names in ``folder``, their odd bytes spelled as `\\xe9`; of the first ``most`` entries."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, most)]
    except OSError:
        return []
    return sorted(os.fsencode(name).decode("utf-8", "backslashreplace") for name in names if is_unreadable(name))
