"""Writes pictures whose tags are chosen byte by byte: PNG chunks and ICC profiles."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

D50 = (0.9642, 1.0, 0.8249)
# Colorants of sRGB as seen under D50. Source: ICC, sRGB v4 profile.
SRGB_COLORANTS = ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
# Those of Display P3. Source: Apple, Display P3 profile.
P3_COLORANTS = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(path: Path, codes: NDArray[Any], *chunks: bytes) -> Path:
    """Write codes (H, W, 3 or 4), uint8 or uint16, with ``chunks`` before the pixels."""
    height, width, channels = codes.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * codes.itemsize, 6 if channels == 4 else 2, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(codes.dtype.newbyteorder(">")).tobytes() for line in codes)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def cicp(primaries: int, curve: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes((primaries, curve, matrix, full)))


def gama(stored: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", stored))


def iccp(profile: bytes, name: bytes = b"x") -> bytes:
    return chunk(b"iCCP", name + b"\0\0" + zlib.compress(profile))


def fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def parametric(kind: int, *numbers: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*numbers)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
LINEAR_CURVE = b"curv\0\0\0\0" + struct.pack(">I", 0)


def sampled(values: NDArray[Any]) -> bytes:
    codes = np.round(values * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(codes)) + codes.tobytes()


def profile(
    colorants: Sequence[Sequence[float]], *curves: bytes, name: str = "x", space: bytes = b"RGB ", **tags: bytes
) -> bytes:
    """Return a display profile: colorants as CIE XYZ under D50, one curve for all channels or three."""
    content = {b"desc": b"mluc\0\0\0\0" + struct.pack(">IIHHII", 1, 12, 0x656E, 0x5553, 2 * len(name), 28)}
    content[b"desc"] += name.encode("utf-16-be")
    content[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(*D50)
    for letter, place in zip((b"r", b"g", b"b"), range(3), strict=True):
        if colorants:
            content[letter + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*colorants[place])
        if curves:
            content[letter + b"TRC"] = curves[place % len(curves)]
    content |= {tag.encode(): value for tag, value in tags.items()}
    table, body = b"", b""
    start = 128 + 4 + 12 * len(content)
    for tag, value in content.items():
        table += struct.pack(">4sII", tag, start + len(body), len(value))
        body += value + b"\0" * (-len(value) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28 + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(content)) + table + body
