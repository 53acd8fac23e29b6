"""What a version folder holds for people to carry away or to remove: only what DropKey wrote there, never a plate."""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.atomic import write_error
from service.confined import check_written
from service.errors import NotFound, PathRefused
from service.shots import Shot

_VERSION = re.compile(r"v\d{3,9}")
_PARTICULARS = frozenset({"manifest.json", "screen.json"})


def remove_result(output: Path, shot: Shot, *, within: Sequence[Path] = ()) -> None:
    """Remove what a version folder holds of a result, and the folder where nothing else is left in it.

    Raises PathRefused for a folder that is none of a version, or that holds the shot's plates; OutputReadOnly and its
    kin where the disk refuses.
    """
    if not _VERSION.fullmatch(output.name) or shot.folder.is_relative_to(output):
        raise PathRefused(f"{output} is no folder of a result alone.", fix="Remove it by hand.", shot=shot.name)
    check_written(output, within)
    try:
        for file in list(_files(output, shot.name)):
            file.unlink(missing_ok=True)
        folders = [Path(place) for place, _, _ in os.walk(output, topdown=False)]
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()  # what somebody else laid there stays
    except OSError as error:
        raise write_error(error, output) from error


def pack_result(output: Path, shot: Shot, target: Path) -> None:
    """Write what a version folder holds of a result as a zip; EXRs are packed already, so nothing is packed again.

    Raises NotFound where there is nothing, and OutputFull and its kin.
    """
    files = sorted(_files(output, shot.name))
    if not files:
        raise NotFound(f"There is no result in {output}.", fix="Key the shot first.")
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for file in files:
                archive.write(file, Path(output.parent.name, output.name, file.relative_to(output)))
    except OSError as error:
        target.unlink(missing_ok=True)
        raise write_error(error, target) from error


def _files(output: Path, shot: str) -> Iterator[Path]:
    """Yield the files that DropKey writes in a version folder; links are not followed."""
    for place, _, names in os.walk(output):
        for name in names:
            file = Path(place, name)
            passes = name.startswith(f"{shot}_") and name.endswith(".exr")
            preview = file.parent.name == "preview" and name.endswith(".png")
            unfinished = name.startswith(".") and name.endswith(".tmp")
            if (passes or preview or unfinished or name in _PARTICULARS) and not file.is_symlink():
                yield file
