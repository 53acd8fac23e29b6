"""A plate of picture files: a sequence or a still."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.settings import KeySettings, Range
from service.errors import BadInput, DropKeyError, PlateMismatch, PlateMissing
from service.plates.doubts import doubt
from service.plates.encodings import as_float, decoder
from service.plates.levels import steps_seen
from service.plates.pictures import Picture, PlateFormat
from service.plates.stills import Limits, StillHeader, StoredStill, read_header, read_still
from service.plates.tagged import ChosenEncoding, choose_still_encoding
from service.shots import Shot

_FRAMES_TO_TRY = 10


class SequencePlate:
    """Reads the pictures of a shot, any frame at any time; made by `open_plate`."""

    def __init__(self, shot: Shot, settings: KeySettings, limits: Limits) -> None:
        self._shot = shot
        self._layer = settings.layer
        self._limits = limits
        self._with_alpha = settings.plate_alpha != "ignore"
        self._fault: DropKeyError | None = None
        self._range = settings.range
        header, self._chosen = self._shared_header(settings.encoding)
        self._by_tags = settings.encoding.strip().casefold() == "auto"
        self.format = PlateFormat(
            width=header.width,
            height=header.height,
            fps=header.fps,
            pixel_aspect_ratio=header.pixel_aspect_ratio,
            encoding=self._chosen.encoding,
            encoding_reason=self._chosen.reason,
            frames=shot.frames,
            warnings=(*header.warnings, *self._chosen.warnings),
        )

    def read(self, frame: int, *, look: bool = False) -> Picture:
        """Read one frame; ``look`` at its levels, too."""
        stored = read_still(
            self._shot.frame_path(frame),
            self._layer,
            self._limits,
            with_alpha=self._with_alpha or look,
            within=self._shot.confined_to,
        )
        size = (stored.header.width, stored.header.height)
        if size != (self.format.width, self.format.height):
            raise PlateMismatch(
                f"It is {size[0]} × {size[1]} pixels; the shot is {self.format.width} × {self.format.height}.",
                fix="Render the frame in the shot's size.",
            )
        alpha = None if stored.alpha is None else np.ascontiguousarray(as_float(stored.alpha))
        empty = float((alpha <= 0).mean()) if look and alpha is not None else None
        notes = self._otherwise(stored.header)
        telling = look and self._by_tags and stored.header.file_type == "openexr"
        levels = steps_seen(as_float(stored.color)) if telling else None
        color = linear_color(stored, self._chosen, self._range)
        return Picture(color, alpha if self._with_alpha else None, notes, levels, empty)

    def close(self) -> None:
        """Nothing stays open between frames, so that other programs can replace them."""

    def _otherwise(self, header: StillHeader) -> tuple[str, ...]:
        """Say that a frame's own tags ask for another encoding than its shot has."""
        if not self._by_tags:
            return ()
        own = choose_still_encoding("auto", header)
        if own.encoding == self._chosen.encoding:
            return ()
        return (doubt("frame-otherwise", reason=own.reason, encoding=self._chosen.encoding),)

    def _shared_header(self, asked: str) -> tuple[StillHeader, ChosenEncoding]:
        """Return the first header of the size that most have, of a few frames: no slate or broken frame decides alone.

        Of sizes that come equally often it is the later one: a slate comes first. Of those with that size it is one
        whose tags say what most say.
        """
        headers = self._headers(_spread(self._shot.frames)) or self._headers(self._shot.frames[:_FRAMES_TO_TRY])
        if not headers:
            raise self._fault or PlateMissing(
                "The shot has no frames.", fix="Check the frame range.", shot=self._shot.name
            )
        sizes = [(header.width, header.height) for header in headers]
        usual = max(reversed(sizes), key=sizes.count)
        alike = [header for header, size in zip(headers, sizes, strict=True) if size == usual]
        chosen = [choose_still_encoding(asked, header) for header in alike]
        names = [choice.encoding for choice in chosen]
        at = names.index(max(names, key=names.count))
        return alike[at], chosen[at]

    def _headers(self, frames: Iterable[int]) -> list[StillHeader]:
        """Return those headers that can be read; the first fault is kept."""
        headers = []
        for frame in frames:
            try:
                path = self._shot.frame_path(frame)
                headers.append(read_header(path, self._layer, self._limits, within=self._shot.confined_to))
            except BadInput as error:
                self._fault = self._fault or error.located(shot=self._shot.name, frame=frame)
        return headers


def _spread(frames: Sequence[int]) -> list[int]:
    """Return the first frame, the second, and a few more from there to the end."""
    last = len(frames) - 1
    return [frames[index] for index in sorted({0, min(1, last), last // 3, 2 * last // 3, last})] if frames else []


def linear_color(stored: StoredStill, chosen: ChosenEncoding, asked_range: Range = "auto") -> NDArray[np.float32]:
    """Decode stored pixels (H, W, 3) to scene-linear Rec.709, contiguous; the same bits where they are that already."""
    pixels, header = stored.color, stored.header
    if not header.is_float and (asked_range == "limited" or (asked_range == "auto" and header.is_limited)):
        pixels = _full(pixels, header.bits)
    return to_light(pixels, chosen)


def to_light(pixels: NDArray[np.generic], chosen: ChosenEncoding) -> NDArray[np.float32]:
    """Decode encoded values (H, W, 3), 0 black and 1 or full scale white, to scene-linear Rec.709, contiguous."""
    decode = decoder(chosen.encoding)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinities are the keyer's to repair and count
        color = as_float(pixels) if decode is None else decode(pixels)
    return np.ascontiguousarray(color)


def _full(pixels: NDArray[np.generic], bits: int) -> NDArray[np.float32]:
    """Return limited range as 0 to 1. Source: ITU-T H.273 (2021), equations 20 to 22."""
    step = 1 << (min(max(bits, 8), 16) - 8)
    codes = as_float(pixels) * np.float32((step << 8) - 1)
    return (codes - np.float32(16 * step)) / np.float32(219 * step)
