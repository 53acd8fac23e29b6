"""When two requests are the same job, and where the next version of a shot goes, claimed by making its folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import xxhash

from model.settings import MatteSources, is_drawn
from service.atomic import flush_folder, make_folder
from service.confined import read_confined
from service.errors import BadInput, PlateMissing
from service.jobs import FrameResult, JobRequest, Problem
from service.shots import Shot, file_fingerprint, format_frames, parse_frames, shot_fingerprint

MOST_DRAWN_BYTES = 256 * 1024 * 1024
"""Of a file of polygons."""

_VERSION = re.compile(r"v(\d{3,9})")


class Wish:
    """A request with what follows from it and from the files; made without the queue's lock, because it reads them."""

    def __init__(self, request: JobRequest, shot: Shot, root: Path, mattes: MatteSources | None = None) -> None:
        self.request = request
        self.shot = shot
        self.root = root
        self.mattes = mattes if mattes is not None else request.mattes
        self.frames, missing = wanted_frames(request, shot)
        self.gap = gap_problem(request, missing)
        self.key = shot_key(shot)
        self.recipe = recipe_of(request, self.mattes)
        self.content = content_of(shot, self.frames)
        self.identity = identity_of(root, shot, self.frames, self.recipe, self.content)

    def check(self) -> None:
        """Raise BadInput when there is nothing to key."""
        if self.shot.kind != "movie" and not self.frames:
            raise BadInput("None of the frames asked for is there.", fix="Check the frame range.", shot=self.shot.name)


def shot_key(shot: Shot) -> str:
    """Return where the plate lies: the same for the same shot, whatever its content."""
    return (shot.folder / shot.pattern).as_posix()


def recipe_of(request: JobRequest, mattes: MatteSources) -> str:
    """Hash everything that decides what a frame looks like, but the plate: settings, mattes and their files, rate."""
    content: dict[str, Any] = {
        "settings": request.settings.model_dump(mode="json"),
        "mattes": {
            # Polygons are what their file holds, wherever a panel laid it; pictures keep their place.
            name: "polygons" if isinstance(source, str) and is_drawn(source) else source
            for name, source in mattes.model_dump(
                mode="json", exclude=None if mattes.corrections else {"corrections"}
            ).items()
        },
        "files": [
            _content(source) for name in MatteSources.model_fields if isinstance(source := getattr(mattes, name), str)
        ],
        "fps": request.fps,
    }
    if request.pixel_aspect is not None:
        content["pixel_aspect"] = request.pixel_aspect
    if request.encoded_like:
        content["encoded_like"] = list(request.encoded_like)
    return _hash(content)


def content_of(shot: Shot, frames: Iterable[int], look: Callable[[Path], str] = file_fingerprint) -> str:
    """Identify the plates of a job, whichever frames of a movie: a worker holds them to it.

    ``look`` identifies a file, or raises PlateMissing; that of a movie goes through.
    """
    return shot_fingerprint(shot, () if shot.kind == "movie" else frames, look)


def identity_of(root: Path, shot: Shot, frames: tuple[int, ...], recipe: str, content: str) -> str:
    """Hash what makes a job the same job: shot, ``content`` of its plates, frames, recipe and output root.

    Raises PlateMissing when a movie is not there.
    """
    seen = shot_fingerprint(shot, frames) if shot.kind == "movie" else content
    return _hash([str(root), shot_key(shot), seen, list(frames), recipe])


def wanted_frames(request: JobRequest, shot: Shot) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the frames to key that are there, and those that are missing in between; both empty for a whole movie."""
    if shot.kind == "movie":
        return (parse_frames(request.frames) if request.frames else ()), ()
    if shot.kind == "still" or not request.frames:
        return shot.frames, shot.missing
    wanted = parse_frames(request.frames)
    present = set(shot.frames)
    there = tuple(frame for frame in wanted if frame in present)
    return there, tuple(frame for frame in wanted if frame not in present)


def _frames_are(count: int) -> str:
    return "1 frame is" if count == 1 else f"{count} frames are"


def gap_problem(request: JobRequest, missing: tuple[int, ...]) -> Problem | None:
    """Say what is missing, unless that was accepted."""
    if not missing or request.accept_gaps:
        return None
    return Problem(
        kind=PlateMissing.kind,
        message=f"{_frames_are(len(missing))} missing: {format_frames(missing)}.",
        fix="Render them and drop the shot again or retry, or accept to key what is there.",
        frame=missing[0],
    )


def next_version(place: Path, known: Iterable[int]) -> int:
    """Return the version after all that the queue knows and all that lie in the folder ``place``."""
    try:
        names = os.listdir(place)
    except OSError:
        names = []
    on_disk = [int(found[1]) for name in names if (found := _VERSION.fullmatch(name))]
    return max([0, *on_disk, *known]) + 1


def version_folder(place: Path, version: int) -> Path:
    """Return `<place>/v001`."""
    return place / f"v{version:03d}"


def claim_version(place: Path, *, first: int | None = None, known: Collection[int] = ()) -> tuple[Path, int]:
    """Make the folder of a version that nobody has, in the folder ``place``, and return it with its number.

    That is ``first`` where it is free, else the next after all that are ``known`` and all that lie there. Making it is
    the claim: of two processes, on whatever machines, one makes it and the other goes on. Raises OSError.
    """
    make_folder(place)
    number = first if first is not None else next_version(place, known)
    while True:
        folder = version_folder(place, number)
        try:
            folder.mkdir()
        except FileExistsError:
            # Counted on as well: the name that is taken may not be listed (`V001`, a folder that cannot be read).
            number = max(number + 1, next_version(place, known))
            continue
        flush_folder(place)
        return folder, number


@contextlib.contextmanager
def claimed_version(place: Path, *, first: int, known: Collection[int]) -> Iterator[tuple[Path, int]]:
    """Claim a version as `claim_version` does; it is given back, if empty, when what stands inside fails."""
    folder, number = claim_version(place, first=first, known=known)
    try:
        yield folder, number
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


def any_unchanged(shot: Shot, results: Iterable[FrameResult]) -> bool:
    """Tell whether at least one frame of an earlier version was keyed from the plate file that is there now."""
    for result in results:
        try:
            if result.plate_fingerprint and result.plate_fingerprint == file_fingerprint(shot.frame_path(result.frame)):
                return True
        except PlateMissing:
            continue
    return False


def _content(source: str) -> str:
    """Identify the files behind a matte: a picture by itself, a sequence by its folder, polygons by what they are."""
    path = Path(source)
    try:
        if is_drawn(source):
            return xxhash.xxh3_128_hexdigest(read_confined(path, (), most_bytes=MOST_DRAWN_BYTES))
        if path.is_file():
            return file_fingerprint(path)
        folder = path if path.is_dir() else path.parent
        with os.scandir(folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
    except (OSError, BadInput):
        return "absent"
    return _hash(sorted((name, status.st_size, status.st_mtime_ns) for name, status in files))


def _hash(content: Any) -> str:
    return xxhash.xxh3_128(
        json.dumps(content, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    ).hexdigest()
