"""Writes small movies whose every number is known: frames that encode their number, and flat colors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from model.settings import KeySettings
from service.plates import Plate, PlateFormat, open_plate
from service.shots import shot_from_plate

LOSSLESS = {
    "libx264": {"crf": "0", "preset": "ultrafast"},
    # Of fewer pictures than it holds back for B-frames, x265 gives decoding times that it never set.
    "libx265": {"x265-params": "lossless=1:bframes=0:log-level=none"},
}

Planes = Sequence[NDArray[Any]]


def numbered(number: int, width: int, height: int, depth: int = 8) -> NDArray[Any]:
    """Luma that encodes its frame number as eight vertical bars, black or white, least significant bit first."""
    bits = [(number >> k) & 1 for k in range(8)]
    levels = np.array([200 if bit else 40 for bit in bits], np.uint16) << (depth - 8)
    bars = np.repeat(levels, width // 8)[None, :].repeat(height, 0)
    return bars.astype(np.uint8 if depth == 8 else np.uint16)


def number_in(color: NDArray[np.float32]) -> int:
    """Read the bars of `numbered` back."""
    height, width = color.shape[:2]
    middles = color[height // 2, width // 16 :: width // 8, 1]
    return sum(1 << k for k, level in enumerate(middles) if level > 0.1)


def video_frame(planes: Planes, pixel_format: str) -> av.VideoFrame:
    """Build a frame from its planes, line by line: no conversion touches the numbers."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, values in zip(frame.planes, planes, strict=True):
        lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        lines[:, : values.shape[1]] = values
        plane.update(lines.tobytes())
    return frame


def write_movie(
    path: Path,
    pictures: Sequence[Planes],
    codec: str,
    pixel_format: str,
    *,
    rate: Fraction = Fraction(24000, 1001),
    options: dict[str, str] | None = None,
    tag: Callable[[Any], None] | None = None,
    first_pts: int = 0,
    container: dict[str, str] | None = None,
) -> Path:
    kind = "mpegts" if path.suffix == ".mts" else None
    with av.open(str(path), "w", format=kind, options=container or {}) as file:
        stream = file.add_stream(codec, rate=rate, options=options or LOSSLESS.get(codec, {}))
        stream.height, stream.width = pictures[0][0].shape
        stream.pix_fmt = pixel_format
        if tag is not None:
            tag(stream.codec_context)
        for number, planes in enumerate(pictures):
            frame = video_frame(planes, pixel_format)
            frame.pts, frame.time_base = first_pts + number, 1 / rate
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def grey(width: int, height: int, depth: int = 8, chroma: tuple[int, int] = (2, 2)) -> list[NDArray[Any]]:
    kind = np.uint8 if depth == 8 else np.uint16
    return [np.full((height // chroma[1], width // chroma[0]), 128 << (depth - 8), kind) for _ in range(2)]


def counting_movie(path: Path, codec: str, pixel_format: str, count: int = 40, **more: Any) -> Path:
    depth = 10 if "10" in pixel_format else 8
    chroma = (2, 2) if "420" in pixel_format else (2, 1)
    width, height = 128, 96
    if codec == "dnxhd":
        width, height = 1280, 720
    pictures = [
        [numbered(number, width, height, depth), *grey(width, height, depth, chroma)] for number in range(count)
    ]
    return write_movie(path, pictures, codec, pixel_format, **more)


def opened(path: Path, first_frame: int | None = None, **settings: Any) -> Plate:
    return open_plate(shot_from_plate(path, first_frame=first_frame), KeySettings(**settings))


def format_of(path: Path, **settings: Any) -> PlateFormat:
    with opened(path, **settings) as plate:
        return plate.format
