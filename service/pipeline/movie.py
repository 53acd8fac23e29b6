"""Makes a movie to show of a shot's finished frames, in order, while the rest is still being keyed."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from model.settings import KeySettings
from service.atomic import sweep_temporaries, write_error
from service.confined import check_written
from service.errors import BadInput
from service.exr import read_exr
from service.pipeline.delivery import Delivery
from service.plates.working_space import working_space

Floats = NDArray[np.float32]

FOLDER = "movie"
_GREY = (0.18, 0.18, 0.18)  # linear
_GAMMA = 2.4  # ITU-R BT.1886, which is how DropKey reads movies with these tags, too
_H273_REC709 = 1  # ITU-T H.273: primaries, transfer and matrix of Rec.709
_CODECS: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "prores4444": (
        "mov",
        "mov",
        "prores_ks",
        "yuva444p10le",
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
    ),
    "h264": ("mp4", "mp4", "libx264", "yuv420p", {"crf": "16", "preset": "fast"}),
}


class ShotMovie:
    """A movie in the making; one thread uses it. Frames that failed show what was before them."""

    def __init__(
        self, delivery: Delivery, settings: KeySettings, frames: Sequence[int], rate: Fraction, pixel_aspect: float
    ) -> None:
        self._delivery = delivery
        self._settings = settings
        self._waiting = list(frames)
        self._rate = rate
        self._aspect = Fraction(pixel_aspect).limit_denominator(1000)
        self._ending, self._container, self._codec, self._pixels, self._options = _CODECS[settings.delivery.movie]
        self._first = self._waiting[0] if self._waiting else 0
        self._count = 0
        self._last: NDArray[np.uint16] | None = None
        self._opened: Any = None
        self._stream: Any = None

    @property
    def path(self) -> Path:
        """Where the movie comes to lie."""
        return self._delivery.folder / FOLDER / f"{self._delivery.shot.name}.{self._ending}"

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")

    def advance(self, done: Collection[int], failed: Collection[int] = ()) -> None:
        """Add the next frames as far as they are finished."""
        while self._waiting and (self._waiting[0] in done or self._waiting[0] in failed):
            frame = self._waiting.pop(0)
            if frame in done:
                self._last = self._picture(frame)
            if self._last is not None:
                self._add(self._last)

    def finish(self) -> Path | None:
        """Put the movie in its place; returns where, None where no frame came out."""
        if self._opened is None:
            return None
        try:
            for packet in self._stream.encode():
                self._opened.mux(packet)
            self._opened.close()
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise write_error(error, self.path) from error
        finally:
            self._opened = None
        return self.path

    def abandon(self) -> None:
        """Take away what was made, if anything."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        self._temporary.unlink(missing_ok=True)

    def _picture(self, frame: int) -> NDArray[np.uint16] | None:
        """Return what is shown of a frame, 16 bits, (H, W, 4)."""
        try:
            planes, _ = read_exr(self._delivery.file("foreground", frame))
        except BadInput:
            return self._last
        alpha = planes["A"][..., None]
        color = working_space(self._settings.delivery.color_space).to_linear(
            np.stack([planes[name] for name in "RGB"], axis=-1)
        )
        if self._settings.association == "premultiplied":
            light, straight = color, np.divide(color, alpha, out=np.zeros_like(color), where=alpha > 0)
        else:
            light, straight = color * alpha, color
        if self._settings.delivery.movie == "prores4444":
            return _coded(straight, alpha)
        background = self._settings.delivery.movie_background
        behind = np.array(_GREY if background == "grey" else background, np.float32)
        return _coded(light + (1.0 - alpha) * behind, np.ones_like(alpha))

    def _add(self, picture: NDArray[np.uint16]) -> None:
        height, width = (side + side % 2 for side in picture.shape[:2])
        if self._opened is None:
            self._open(width, height)
        even = np.pad(picture, ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgba64le")
        frame = frame.reformat(
            format=self._pixels,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        # ProRes takes its tags from the frames.
        frame.color_primaries = frame.color_trc = frame.colorspace = _H273_REC709
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        for packet in self._stream.encode(frame):
            self._opened.mux(packet)

    def _open(self, width: int, height: int) -> None:
        check_written(self.path.parent, self._delivery.within)
        try:
            self.path.parent.mkdir(exist_ok=True)
            sweep_temporaries(self.path.parent)
            self._opened = av.open(str(self._temporary), "w", format=self._container)
        except OSError as error:
            raise write_error(error, self.path.parent) from error
        self._opened.metadata["timecode"] = timecode(self._first, self._rate)
        stream: Any = self._opened.add_stream(self._codec, rate=self._rate, options=self._options)
        stream.width, stream.height, stream.pix_fmt = width, height, self._pixels
        context = stream.codec_context
        context.time_base = 1 / self._rate
        context.color_primaries = context.color_trc = context.colorspace = _H273_REC709
        context.color_range = ColorRange.MPEG
        context.sample_aspect_ratio = self._aspect
        self._stream = stream


def timecode(frame: int, rate: Fraction) -> str:
    """Return the timecode of a frame number, as editors count: hours, minutes, seconds, frames, none dropped."""
    base = max(1, round(rate))
    seconds, rest = divmod(max(frame, 0), base)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}"


def _coded(color: Floats, alpha: Floats) -> NDArray[np.uint16]:
    """Return linear light as Rec.709 displays show it, with alpha, in 16 bits."""
    shown = np.concatenate((np.clip(color, 0.0, 1.0) ** np.float32(1.0 / _GAMMA), np.clip(alpha, 0.0, 1.0)), axis=-1)
    coded: NDArray[np.uint16] = (shown * 65535.0 + 0.5).astype(np.uint16)
    return coded
