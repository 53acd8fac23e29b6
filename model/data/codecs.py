"""Real encoders through FFmpeg: JPEG and H.264 round trips, PNG and JPEG for sheets."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Frames = Sequence[NDArray[np.uint8]]


def round_trip(frames: Frames, codec: str, quality: float) -> list[NDArray[np.uint8]]:
    """Return display-encoded frames (H, W, 3) after a real encoder; height and width must be even.

    ``codec`` is ``jpeg`` or ``h264``, ``quality`` 0–1 (1 best). One thread, so that the bits repeat.
    """
    height, width = frames[0].shape[:2]
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as output:
        name = "mjpeg" if codec == "jpeg" else "libx264"
        options: dict[str, str] = {"threads": "1"}
        if codec == "jpeg":
            scale = str(round(31 - 29 * quality))
            options |= {"qmin": scale, "qmax": scale}
        else:
            options |= {"crf": str(round(36 - 24 * quality)), "preset": "veryfast"}
        stream: Any = output.add_stream(name, rate=24, options=options)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "jpeg" else "yuv420p"
        stream.time_base = Fraction(1, 24)
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory, "r") as source:
        return [np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8) for frame in source.decode(video=0)]


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3), display-encoded, as PNG, under a temporary name first."""
    _write(path, picture, av.CodecContext.create("png", "w"), "rgb24")


def write_jpeg(path: Path, picture: NDArray[np.uint8], quality: float) -> None:
    """Write a picture (H, W, 3), display-encoded, as JPEG of ``quality`` 0–1, under a temporary name first."""
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    scale = str(round(31 - 29 * quality))
    encoder.options = {"qmin": scale, "qmax": scale}
    _write(path, picture, encoder, "yuvj420p")


def _write(path: Path, picture: NDArray[np.uint8], encoder: Any, layout: str) -> None:
    encoder.width, encoder.height, encoder.pix_fmt = picture.shape[1], picture.shape[0], layout
    encoder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    packets = [*encoder.encode(frame.reformat(format=layout)), *encoder.encode(None)]
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(b"".join(bytes(packet) for packet in packets))
    temporary.replace(path)
