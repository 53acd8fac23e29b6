"""Turns floats into 8-bit pictures: exposure in the light, then the display's curve, then PNG."""

from __future__ import annotations

import functools
import struct
import zlib

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from service.previews.frames import Frame, Plane, composite
from service.previews.messages import Channels, Look, Over, Pass

Bytes = NDArray[np.uint8]
_FASTEST = 1
_STATUS = np.array([(16, 16, 16), (255, 140, 0), (235, 235, 235)], np.uint8)  # no hue alone tells them apart


def picture(frame: Frame, name: Pass, over: Over, look: Look) -> bytes:
    """Return the PNG that shows ``frame`` so."""
    if look.channels is Channels.STATUS:
        return png(_status(_sized(_alpha(frame), look.size)[..., 0]))
    if name is Pass.ALPHA or look.channels is Channels.A:
        return png(table(look.exposure, look.gamma, False)[_half(_sized(_alpha(frame), look.size)[..., 0])])
    curve = table(look.exposure, look.gamma, True)
    if name is Pass.COMPOSITE and frame.alpha is not None:
        # Only associated colors may be averaged.
        sized = _sized(np.concatenate([frame.associated(), frame.alpha[..., None]], axis=-1), look.size)
        color = composite(sized[..., :3], sized[..., 3], over)
    else:
        assert frame.color is not None
        color = _sized(frame.color, look.size)
    if look.channels is not Channels.RGB:
        color = color[..., "rgb".index(look.channels)]
    return png(curve[_half(color)])


@functools.lru_cache(maxsize=32)
def table(exposure: float, gamma: float, light: bool) -> Bytes:
    """Return the 8-bit value of each of the 65,536 half floats, by its bits.

    ``light`` is encoded for the display (IEC 61966-2-1, sRGB); coverage is shown as it is, as After Effects does.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64) * 2.0**exposure
        value = np.clip(np.nan_to_num(value, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    if light:
        value = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255.0 * value ** (1.0 / gamma)), np.uint8)


def png(pixels: Bytes) -> bytes:
    """Return (H, W) or (H, W, 3) as PNG; rows as differences to the row above, which packs fast and well.

    ISO/IEC 15948: color types 0 and 2, filter type 2.
    """
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), _FASTEST)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _alpha(frame: Frame) -> Plane:
    """Return (H, W, 1); a plate without alpha is opaque."""
    return np.ones((*frame.shape, 1), np.float32) if frame.alpha is None else frame.alpha[..., None]


def _status(alpha: Plane) -> Bytes:
    """Return which pixels (H, W, 3) are surely outside, surely inside, or between, however little."""
    return np.asarray(_STATUS[np.where(alpha <= 0.0, 0, np.where(alpha >= 1.0, 2, 1))], np.uint8)


def _half(values: Plane) -> NDArray[np.uint16]:
    with np.errstate(over="ignore", under="ignore"):
        return np.ascontiguousarray(values, np.float16).view(np.uint16)


def _sized(pixels: Plane, size: int | None) -> Plane:
    """Return (H, W, C) so small that its longest side is ``size``; never larger than it was."""
    height, width = pixels.shape[:2]
    if size is None or max(height, width) <= size:
        return pixels
    scale = size / max(height, width)
    wanted = oiio.ROI(0, max(1, round(width * scale)), 0, max(1, round(height * scale)), 0, 1, 0, pixels.shape[2])
    # One NaN would spread over all that is averaged with it.
    finite = np.nan_to_num(np.ascontiguousarray(pixels), nan=0.0, posinf=65504.0, neginf=-65504.0)
    small = oiio.ImageBufAlgo.resize(oiio.ImageBuf(finite), filtername="box", roi=wanted, nthreads=2)
    return np.asarray(small.get_pixels(oiio.FLOAT), np.float32)
