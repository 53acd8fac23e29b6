"""What the chunks of a PNG say of its colors and pictures: cICP, iCCP, sRGB, gAMA, cHRM, acTL.

Source: W3C, PNG, third edition, 11.3.2 and 11.3.6.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WANTED = {b"cICP": 4, b"iCCP": 3, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"acTL": 8}  # and how long each is at least
_MOST_BYTES = 16 * 2**20  # of a profile; more is an attack
_MOST_CHUNKS = 1000


@dataclass(frozen=True)
class PngTags:
    """The chunks that there are."""

    cicp: tuple[int, int, int, int] | None = None
    """Primaries, curve and matrix by number, and 1 for full range."""

    profile: bytes | None = None
    is_srgb: bool = False
    gamma: float | None = None
    """What a decoder raises its values to; 0 and infinity are written, too."""

    chromaticities: tuple[float, ...] | None = None
    """x, y of red, green, blue and white."""

    pictures: int = 1
    """More than one in an animated PNG."""


def read_png_tags(path: Path) -> PngTags:
    """Read the chunks before the pixels; what is damaged counts as absent. OSError where the file cannot be read."""
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        if file.read(8) != _SIGNATURE:
            return PngTags()
        for _ in range(_MOST_CHUNKS):
            header = file.read(8)
            if len(header) < 8 or header[4:] in (b"IDAT", b"IEND"):
                break
            length = int.from_bytes(header[:4])
            if header[4:] in _WANTED and header[4:] not in found and _WANTED[header[4:]] <= length <= _MOST_BYTES:
                content = file.read(length)
                if len(content) < length or zlib.crc32(header[4:] + content) != int.from_bytes(file.read(4)):
                    continue
                found[header[4:]] = content
            else:
                file.seek(length + 4, 1)
    return PngTags(
        cicp=_four(found[b"cICP"]) if b"cICP" in found else None,
        profile=_profile(found[b"iCCP"]) if b"iCCP" in found else None,
        is_srgb=b"sRGB" in found,
        gamma=_gamma(found[b"gAMA"]) if b"gAMA" in found else None,
        chromaticities=_chromaticities(found[b"cHRM"]) if b"cHRM" in found else None,
        pictures=int.from_bytes(found.get(b"acTL", b"\0\0\0\1")[:4]),
    )


def _four(content: bytes) -> tuple[int, int, int, int]:
    return content[0], content[1], content[2], content[3]


def _gamma(content: bytes) -> float:
    stored = int.from_bytes(content[:4])
    return 100_000 / stored if stored else float("inf")


def _chromaticities(content: bytes) -> tuple[float, ...]:
    xw, yw, *colors = (number / 100_000 for number in struct.unpack_from(">8I", content))
    return (*colors, xw, yw)


def _profile(content: bytes) -> bytes:
    """Return the profile behind its name and the kind of compression; empty where it is damaged."""
    try:
        return zlib.decompressobj().decompress(content[content.index(b"\0") + 2 :], _MOST_BYTES)
    except (ValueError, zlib.error):
        return b""
