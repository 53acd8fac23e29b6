"""Files that an artist or a panel lays beside a shot: `<shot>.dropkey.json`, `<shot>.ready`, `<name>.job.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from model.settings import KeySettings
from service.confined import read_confined
from service.errors import BadInput, PlateMissing
from service.faults import sentence
from service.jobs import JobRequest
from service.paths import Paths, is_absolute
from service.presets import PresetName, Presets, said_over
from service.requests import Order, check_extent, ordered
from service.sequences import same_letters
from service.settings import Settings
from service.shots import Shot

SIDECAR = ".dropkey.json"
SENTINEL = ".ready"
JOB_FILE = ".job.json"
_CLIENT = "drop folder"
_NUMBER_AT_END = re.compile(r"[ ._-]*-?\d+$")


def beside(shot: Shot, root: Path, ending: str, names_in: Callable[[Path], Mapping[str, str]]) -> Path | None:
    """Return the file with ``ending`` that belongs to ``shot``, or None.

    ``names_in`` lists a folder: each name as `same_letters` has it, and as it is.

    It is called as the shot, its file names' stem or its folder, and lies in the shot's folder or beside that.
    """
    stem = PurePath(shot.prefix).stem if shot.kind != "sequence" else shot.prefix.rstrip(" ._-")
    stems = [shot.name, stem, _NUMBER_AT_END.sub("", stem)]
    places = [(shot.folder, stems)]
    if shot.folder != root:
        places[0][1].append(shot.folder.name)
        places.append((shot.folder.parent, [shot.folder.name]))
    for folder, wanted in places:
        present = names_in(folder)
        for name in wanted:
            found = present.get(same_letters(f"{name}{ending}")) if name else None
            if found is not None:
                return folder / found
    return None


def dropped(shot: Shot, paths: Paths, settings: Settings) -> Order:
    """Return the order for a shot that was dropped without a word."""
    located = paths.locate(shot.folder / shot.pattern)
    root, plate = located if located is not None else (None, str(shot.folder / shot.pattern))
    request = JobRequest(root=root, plate=plate, settings=settings.key_defaults, client=_CLIENT)
    return Order(request, request.mattes, None)


class FolderDefaults(BaseModel):
    """What `.dropkey.json` in a drop folder says: choices for all shots in it that make none of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    preset: PresetName | None = None
    """Name of a preset."""

    settings: KeySettings = KeySettings()
    """Choices about the key; they count before the preset's."""


def with_folder_defaults(root: Path, paths: Paths, settings: Settings) -> Settings:
    """Return ``settings`` with the defaults that a drop folder has of its own.

    Raises BadInput with every wrong entry named.
    """
    file = root / SIDECAR
    try:
        content = _read_object(file, paths, settings)
    except PlateMissing:
        return settings
    try:
        said = FolderDefaults.model_validate(content)
    except ValidationError as error:
        wrong = sentence(error.errors())
        raise BadInput(f"{file} does not fit: {wrong}.", fix="Fix it; the folder is then looked at again.") from None
    defaults = said_over(Presets.of(settings).over(said.preset, settings.key_defaults), said.settings)
    return settings.model_copy(update={"key_defaults": defaults})


def read_sidecar(file: Path, shot: Shot, paths: Paths, settings: Settings) -> Order:
    """Return the order for ``shot`` with what its sidecar says; paths in it are relative to it.

    Raises BadInput with every wrong entry named, PathRefused for a path outside the roots.
    """
    content = _read_object(file, paths, settings)
    base = dropped(shot, paths, settings).request.model_dump(include={"root", "plate", "client"})
    for name in ("plate", "root"):
        if name in content:
            raise BadInput(
                f"{file.name} names a {name}, but it lies beside its plate.",
                fix=f"Take '{name}' out, or call the file '<name>{JOB_FILE}' to order another plate.",
            )
    request = _checked(file, {**base, **content})
    return ordered(request, settings, lambda text: paths.resolve_beside(file.parent, text))


def read_job_file(file: Path, paths: Paths, settings: Settings) -> tuple[Order, Path]:
    """Return the full order in ``file`` and where its plate lies.

    Raises BadInput with every wrong entry named, PathRefused for a path outside the roots.
    """
    request = _checked(file, {"client": file.name, **_read_object(file, paths, settings)})

    def resolve(text: str) -> Path:
        if request.root is not None and not is_absolute(text):
            return paths.resolve(text, trusted=False, root=request.root)
        return paths.resolve_beside(file.parent, text)

    return ordered(request, settings, resolve), resolve(request.plate)


def _read_object(file: Path, paths: Paths, settings: Settings) -> dict[str, Any]:
    folders = paths.confinement(trusted=False)
    written = read_confined(file, folders, most_bytes=settings.maximum_request_mib * 2**20)
    check_extent(written)
    try:
        content = json.loads(written.decode("utf-8-sig"))  # Notepad writes a byte order mark
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file.name} is not JSON: {error}.", fix="Fix it; the shot is then taken up again.") from error
    if not isinstance(content, dict):
        raise BadInput(f"{file.name} must hold a JSON object.", fix='Write for example {"frames": "1001-1100"}.')
    return content


def _checked(file: Path, content: dict[str, Any]) -> JobRequest:
    try:
        request = JobRequest.model_validate(content)
    except ValidationError as error:
        wrong = sentence(error.errors())
        raise BadInput(f"{file.name} does not fit: {wrong}.", fix="Fix it; the shot is then taken up again.") from None
    if request.key_again:
        raise BadInput(
            f"{file.name} asks to key again, and would at every start of the service.",
            fix="Change a setting instead, or order it through the command line or HTTP.",
        )
    return request
