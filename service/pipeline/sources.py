"""What a shot is keyed from, as it was when its attempt began: no version mixes plates or mattes of two moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import xxhash

from model.settings import MatteSources, is_drawn
from service.errors import BadInput, PlateChanged, PlateMissing
from service.pipeline.polygons import read_polygons
from service.plates import matte_path
from service.shots import Shot, file_fingerprint
from service.versions import content_of


class Sources:
    """The files of one shot. Each is looked at once, and held to that look; any thread may ask."""

    def __init__(self, shot: Shot, mattes: MatteSources | None = None, plates: Mapping[int, str] | None = None) -> None:
        """``plates`` are fingerprints that somebody else's look at the shot found: frame → fingerprint."""
        self._shot = shot
        sources = [] if mattes is None else [getattr(mattes, name) for name in MatteSources.model_fields]
        self._mattes = [source for source in sources if isinstance(source, str)]
        self._seen: dict[str, str | None] = {
            str(_File(shot.frame_path(frame))): fingerprint for frame, fingerprint in (plates or {}).items()
        }

    def look(self, frames: Iterable[int]) -> None:
        """Look at all plates and mattes of ``frames`` now."""
        for frame in frames:
            self.plate(frame)
            self.mattes(frame)

    def seen(self, frames: Iterable[int]) -> dict[int, str]:
        """Return the fingerprints of the plates of those ``frames`` that are there."""
        found = {frame: self.plate(frame) for frame in frames}
        return {frame: fingerprint for frame, fingerprint in found.items() if fingerprint is not None}

    def plate(self, frame: int) -> str | None:
        """Identify the plate of ``frame`` as it was at the first look; None while it is not there."""
        return self._first_seen(_File(self._shot.frame_path(frame)))

    def mattes(self, frame: int) -> str | None:
        """Identify what the matte files of ``frame`` held; None where there are none.

        Polygons in a request are no file; of those in one, only the frame's own count.
        """
        if not self._mattes:
            return None
        mark = xxhash.xxh3_128()
        for source in self._mattes:
            file = _matte(source, frame)
            mark.update(((file and self._first_seen(file)) or "absent").encode())
        return mark.hexdigest()

    def check(self, frame: int) -> None:
        """Raise PlateChanged where plate or matte of ``frame`` are not what they were; to be asked after reading them.

        What came only after the first look is no change.
        """
        self._check(_File(self._shot.frame_path(frame)), "plate")
        for source in self._mattes:
            if file := _matte(source, frame):
                self._check(file, "matte")

    def content(self, frames: Iterable[int]) -> str:
        """Identify the plates of ``frames`` together as they were at the first look, as `content_of` does."""

        def look(path: Path) -> str:
            seen = self._first_seen(_File(path))
            if seen is None:
                raise PlateMissing(f"{path.name} is not there.", fix="See whether it is there.")
            return seen

        return content_of(self._shot, frames, look)

    def are(self, known: Mapping[int, str]) -> bool:
        """Tell whether the plates of all ``known`` frames are those that they are said to be."""
        return all(self.plate(frame) == fingerprint for frame, fingerprint in known.items())

    def _check(self, file: _File, what: str) -> None:
        seen, now = self._first_seen(file), file.fingerprint()
        if seen is not None and now is None:
            raise PlateMissing(
                f"Its {what} {file.path.name} went away while it was read.", fix="Put it back, then retry."
            )
        if seen != now:
            raise PlateChanged(
                f"Its {what} {file.path.name} was changed while the shot was keyed: this version is made of what was "
                "there when it began.",
                fix="Retry once nothing writes there any more; what lies in a drop folder is keyed anew by itself, as "
                "the next version.",
            )

    def _first_seen(self, file: _File) -> str | None:
        key = str(file)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = file.fingerprint()
        return seen


@dataclass(frozen=True)
class _File:
    """A file, or what one that holds polygons has for one frame."""

    path: Path
    frame: int | None = None

    def fingerprint(self) -> str | None:
        """Identify what it holds now; None where it is not there, or no such file."""
        try:
            if self.frame is None:
                return file_fingerprint(self.path)
            shapes = read_polygons(self.path).at(self.frame)
        except BadInput:
            return None
        return xxhash.xxh3_128_hexdigest("".join(shape.model_dump_json() for shape in shapes).encode())


def _matte(source: str, frame: int) -> _File | None:
    """Return the file of a matte for ``frame``; None where there is none, which reading it says."""
    try:
        return _File(Path(source), frame) if is_drawn(source) else _File(matte_path(Path(source), frame))
    except BadInput:
        return None
