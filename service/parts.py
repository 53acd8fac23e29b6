"""Lets several machines key parts of one shot: each in a folder of its own, one screen for all, gathered at the end.

A part is a whole result of its own under `<version>/parts/<frames>/`, so that two machines never write one file. The
first part to come surveys the whole shot and lays down what it found; the others take that, so that every frame is
keyed as one machine alone would have keyed it. Where the plates have changed since, it is looked for anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from model.settings import Screen
from service.atomic import flush_folder, replace_file
from service.errors import Transient

PARTS = "parts"
_SCREEN = "screen.json"
_PATIENCE_SECONDS = 10.0


class Agreed(BaseModel):
    """The screen that all parts use, and the plates that it was found in: frame → fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    screen: Screen
    plates: dict[int, str]


def parts_folder(version: Path) -> Path:
    """Return where the parts of a version lie."""
    return version / PARTS


def part_folder(version: Path, frames: tuple[int, ...]) -> Path:
    """Return where the part of these frames is keyed."""
    return parts_folder(version) / f"{frames[0]}_{frames[-1]}_{len(frames)}"


def agreed_screen(version: Path, survey: Callable[[], Agreed], holds: Callable[[Agreed], bool]) -> Screen:
    """Return the screen that all parts use; the first one to come finds it with ``survey``.

    ``holds`` tells whether its plates are still the same. Raises Transient when another machine began to write it and
    did not finish, and as writing does.
    """
    file = version / PARTS / _SCREEN
    known = _read_screen(file)
    if known is not None and holds(known):
        return known.screen
    found = survey()
    file.parent.mkdir(parents=True, exist_ok=True)
    if known is not None:
        # Parts that used the one before are keyed again when all are gathered: their recipe is another one.
        replace_file(file, found.model_dump_json().encode())
        return found.screen
    try:
        # "x" fails where the file is there, on network shares as well: of two machines one wins.
        with file.open("x", encoding="utf-8") as opened:
            opened.write(found.model_dump_json())
    except FileExistsError:
        return _wait_for_screen(file).screen
    return found.screen


def agreed_already(version: Path) -> Agreed | None:
    """Return the screen that the parts in ``version`` used; None where there are none."""
    return _read_screen(version / PARTS / _SCREEN)


def gather(version: Path) -> int:
    """Move the finished frames of all parts to their places in ``version``; returns how many files that were.

    What a part lacks is keyed afterwards, like the missing frames of any unfinished version. What ``version`` has
    already stays: a finished result is never overwritten, whatever lies in a part.
    """
    moved = 0
    for name in ("foreground", "alpha"):
        for file in sorted((version / PARTS).glob(f"*/{name}/[!.]*.exr")):
            target = version / name / file.name
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
            flush_folder(target.parent)
            moved += 1
    return moved


def remove_parts(version: Path) -> None:
    """Take away what is left of gathered parts: manifests, empty folders, the agreed screen."""
    parts = version / PARTS
    for pattern in ("*/manifest.json", _SCREEN):
        for file in parts.glob(pattern):
            file.unlink()
    for folder in (*parts.glob("*/*"), *parts.glob("*"), parts):
        with contextlib.suppress(OSError):
            folder.rmdir()  # a folder that still holds something stays


def clear_parts(version: Path) -> None:
    """Take away everything that still lies in parts, such as frames that were keyed a second time elsewhere."""
    shutil.rmtree(parts_folder(version), ignore_errors=True)


def _read_screen(file: Path) -> Agreed | None:
    try:
        return Agreed.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def _wait_for_screen(file: Path) -> Agreed:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        known = _read_screen(file)
        if known is not None:
            return known
        time.sleep(0.2)
    raise Transient(f"{file} was never finished.", fix="Delete it and run the part again.")
