"""Opens a plate of any kind and adds shot and frame to what goes wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.settings import KeySettings
from service.errors import BadInput, DropKeyError, OutOfMemory, PlateMissing
from service.plates.alike import encoding_like
from service.plates.levels import Levels, doubts_of
from service.plates.movies import MoviePlate
from service.plates.pictures import Picture, PlateFormat
from service.plates.sequences import SequencePlate
from service.plates.stills import Limits, use_reader_threads
from service.shots import Shot, format_frames, shot_from_plate


class _Source(Protocol):
    format: PlateFormat

    def read(self, frame: int, *, look: bool = False) -> Picture: ...

    def close(self) -> None: ...


class Plate:
    """An open plate; one thread at a time may read it. Use it as a context manager."""

    def __init__(self, shot: Shot, source: _Source) -> None:
        self._shot = shot
        self._source = source
        self._known = frozenset(source.format.frames)
        self._lost = frozenset(source.format.lost_frames)
        self._watched: frozenset[int] = frozenset()
        self._looked: dict[int, Levels | None] = {}
        self._empty: dict[int, float] = {}

    @property
    def format(self) -> PlateFormat:
        """What all frames share."""
        return self._source.format

    def read(self, frame: int) -> Picture:
        """Read one frame, in any order; movies are fast in ascending order.

        Raises PlateMissing, PlateUnreadable or PlateMismatch, with shot and frame.
        """
        if frame in self._lost:
            raise PlateMissing(
                "The movie is cut short: it ends before this picture.",
                fix="Copy or export it again; or accept what is there.",
                shot=self._shot.name,
                frame=frame,
            )
        if frame not in self._known:
            raise PlateMissing(
                "The plate has no such frame.",
                fix=f"It has {format_frames(self._source.format.frames)}.",
                shot=self._shot.name,
                frame=frame,
            )
        try:
            picture = self._source.read(frame, look=frame in self._watched)
            if frame in self._watched:
                self._looked[frame] = picture.levels
                if picture.empty is not None:
                    self._empty[frame] = picture.empty
            return picture
        except DropKeyError as error:
            raise error.located(shot=self._shot.name, frame=frame) from error.__cause__
        except MemoryError as error:
            raise OutOfMemory(
                "There is not enough memory to read it.", fix="Close other programs.", shot=self._shot.name, frame=frame
            ) from error

    def watch(self, frames: Iterable[int]) -> None:
        """Have ``frames`` looked at closely when they are read, for `doubts`."""
        self._watched = frozenset(frames)

    def doubts(self) -> list[str]:
        """Say in sentences where the levels of the watched frames contradict the tags; of one, if none was read yet."""
        for frame in sorted(self._watched):
            if self._looked:
                break
            with contextlib.suppress(BadInput):
                self.read(frame)
        return doubts_of([levels for levels in self._looked.values() if levels is not None])

    def empty_share(self) -> float | None:
        """Return how much of the watched frames that were read has an alpha of 0; None where they have no alpha."""
        return sum(self._empty.values()) / len(self._empty) if self._empty else None

    def close(self) -> None:
        """Let go of the files."""
        self._source.close()

    def __enter__(self) -> Plate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_plate(
    shot: Shot,
    settings: KeySettings,
    *,
    maximum_side_pixels: int = 32768,
    maximum_picture_mib: int = 4096,
    threads: int = 0,
) -> Plate:
    """Open the plate of ``shot`` as ``settings`` (encoding, layer, plate_alpha) ask.

    ``threads`` decode one picture (0: all cores); for picture files this holds for the whole process.
    Raises BadInput (unknown encoding or layer), PlateMissing, PlateUnreadable; a sequence opens as long as one of a
    few frames has a header that can be read, and has the size of most of these.
    """
    limits = Limits(maximum_side_pixels, maximum_picture_mib)
    use_reader_threads(threads)
    try:
        like = encoding_like(shot, settings, limits)
        chosen = settings if like is None else settings.model_copy(update={"encoding": like.encoding})
        source: _Source = (
            MoviePlate(shot, chosen, limits, threads) if shot.kind == "movie" else SequencePlate(shot, chosen, limits)
        )
    except DropKeyError as error:
        raise error.located(shot=shot.name) from error.__cause__
    if like is not None:
        told = (*source.format.warnings, *like.warnings)
        source.format = replace(source.format, encoding_reason=like.reason, warnings=told)
    return Plate(shot, source)


def read_picture(path: Path, *, encoding: str = "auto", frame: int = 0) -> NDArray[np.float32]:
    """Read one picture, or picture number ``frame`` (from 0) of a movie, as scene-linear float32 (H, W, 3).

    ``encoding`` is a name of docs/color.md; `linear` returns the stored values, 0 to 1 for integers.
    """
    shot = shot_from_plate(path, first_frame=0)
    with open_plate(shot, KeySettings(encoding=encoding)) as plate:
        return plate.read(frame if shot.kind == "movie" else 0).color
