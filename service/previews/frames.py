"""Reads frames of a job as floats, and keeps the latest: plate, alpha, foreground, and composites made of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import PlateMissing, PlateUnreadable
from service.exr import read_exr
from service.plates import Plate, open_plate
from service.plates.working_space import LINEAR, working_space
from service.previews.messages import Over, Pass, Source
from service.settings import Settings

_PLAIN = {Over.GREY: 0.18, Over.BLACK: 0.0, Over.WHITE: 1.0}  # scene-linear; middle grey
_CHECKER = (0.08, 0.24)
CHECKER_PIXELS = 16
_THREADS = 2

Kind = TypeVar("Kind")
Plane = NDArray[np.float32]


class Lately(Generic[Kind]):
    """The things used last, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._things: OrderedDict[object, tuple[int, Kind]] = OrderedDict()

    def get(self, key: object) -> Kind | None:
        """Return what was kept under ``key``."""
        if key not in self._things:
            return None
        self._things.move_to_end(key)
        return self._things[key][1]

    def keep(self, key: object, size: int, thing: Kind) -> None:
        """Keep ``thing``, and let go of what was used longest ago."""
        if size > self._most_bytes or key in self._things:
            return
        self._things[key] = (size, thing)
        self._bytes += size
        while self._bytes > self._most_bytes:
            _, (freed, _) = self._things.popitem(last=False)
            self._bytes -= freed


@dataclass(frozen=True)
class Frame:
    """The floats of one frame; what is there depends on the pass."""

    color: Plane | None
    """(H, W, 3), scene-linear Rec.709."""

    alpha: Plane | None
    """(H, W)."""

    premultiplied: bool = True
    """Whether color is multiplied by alpha."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        one = self.color if self.color is not None else self.alpha
        assert one is not None
        return one.shape[0], one.shape[1]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(plane.nbytes for plane in (self.color, self.alpha) if plane is not None)

    def associated(self) -> Plane:
        """Return color multiplied by alpha."""
        assert self.color is not None
        return self.color if self.premultiplied or self.alpha is None else self.color * self.alpha[..., None]


class Frames:
    """Frames by what they are read from; one thread uses it."""

    def __init__(self, settings: Settings, most_bytes: int) -> None:
        self._settings = settings
        self._kept: Lately[Frame] = Lately(most_bytes)
        self._movie: tuple[object, Plate] | None = None

    def read(self, source: Source) -> Frame:
        """Return the frame; a composite's is its foreground. Raises PlateMissing, PlateUnreadable, BadInput."""
        key = stamp(source)
        frame = self._kept.get(key)
        if frame is None:
            frame = self._plate(source) if source.name is Pass.PLATE else self._result(source)
            self._kept.keep(key, frame.size, frame)
        return frame

    def _plate(self, source: Source) -> Frame:
        plate = self._opened(source)
        try:
            picture = plate.read(source.frame)
        finally:
            if self._movie is None:
                plate.close()
        return Frame(picture.color, picture.alpha, premultiplied=False)

    def _opened(self, source: Source) -> Plate:
        """Open the plate; a movie stays open, because its pictures have to be counted each time."""
        key = (source.shot.model_dump_json(), source.settings.model_dump_json(), _stamp_of(source))
        if self._movie is not None:
            if self._movie[0] == key:
                return self._movie[1]
            self._movie[1].close()
            self._movie = None
        plate = open_plate(
            source.shot,
            source.settings,
            maximum_side_pixels=self._settings.maximum_side_pixels,
            maximum_picture_mib=self._settings.maximum_picture_mib,
            threads=_THREADS,
        )
        if source.shot.kind == "movie":
            self._movie = (key, plate)
        return plate

    def _result(self, source: Source) -> Frame:
        path = _file(source)
        if _stamp_of(source)[1] > self._settings.maximum_picture_mib * 2**20:
            raise PlateUnreadable(f"{path.name} is too large to be a result.", fix="Key the frame again.")
        planes, header = read_exr(path, within=source.shot.confined_to)
        if not {"R", "G", "B", "A"} <= planes.keys():
            raise PlateUnreadable(f"{path.name} does not have the channels of a result.", fix="Key the frame again.")
        if source.name is Pass.ALPHA:
            return Frame(None, planes["A"])
        color = np.stack([planes[name] for name in "RGB"], axis=-1)
        color = working_space(str(header.get("dropkey/color_space", LINEAR))).to_linear(color)
        return Frame(color, planes["A"], header.get("dropkey/association") != "straight")


def stamp(source: Source) -> tuple[object, ...]:
    """Identify the floats behind ``source``: another file, time or encoding is another frame.

    What was read for one caller is not handed to another one who is held to fewer folders.
    """
    path = _file(source)
    file = (path, *_stamp_of(source), source.shot.confined_to)
    if source.name is not Pass.PLATE:
        return (source.name is Pass.ALPHA, *file)
    chosen = source.settings.model_dump_json(include={"encoding", "layer", "plate_alpha"})
    return ("plate", *file, source.frame, source.shot.first_frame, source.shot.encoded_like, chosen)


def ground(over: Over, height: int, width: int) -> Plane:
    """Return what a composite lies on: (H, W, 1), scene-linear."""
    if over is Over.CHECKER:
        rows, columns = np.arange(height)[:, None] // CHECKER_PIXELS, np.arange(width)[None] // CHECKER_PIXELS
        return np.asarray(np.where((rows + columns) % 2, *_CHECKER), np.float32)[..., None]
    return np.full((height, width, 1), _PLAIN[over], np.float32)


def composite(color: Plane, alpha: Plane, over: Over) -> Plane:
    """Return associated ``color`` (H, W, 3) over the ground; Porter and Duff 1984."""
    return np.asarray(color + (1.0 - alpha[..., None]) * ground(over, *alpha.shape), np.float32)


def _file(source: Source) -> Path:
    if source.name is Pass.PLATE:
        return source.shot.frame_path(source.frame)
    folder = "alpha" if source.name is Pass.ALPHA else "foreground"
    return source.output / folder / f"{source.shot.name}_{folder}.{source.shot.frame_number(source.frame)}.exr"


def _stamp_of(source: Source) -> tuple[int, int]:
    path = _file(source)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        back = f"moved, renamed or deleted: put it back into '{path.parent}'"
        if source.name is Pass.PLATE:
            fix = f"It was {back}, or see to its disk or share."
        else:
            fix = f"It is not keyed yet, or was {back}, or key the shot again."
        raise PlateMissing(f"{path.name} is not there.", fix=fix) from None
    except OSError as error:
        raise PlateUnreadable(
            f"{path.name} cannot be opened: {error.strerror}.",
            fix=f"Let the service's user read '{path.parent}', or see to its disk or share.",
        ) from None
    return status.st_mtime_ns, status.st_size
