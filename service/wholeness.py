"""Whether a picture's file ends before its end, told from a few bytes: a copy that stalled leaves such files.

Decodes nothing, and judges only what begins as its format does; what cannot be told so counts as whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_TAIL = 64 * 1024
_MOST_HEADER = 1024 * 1024
_TIFF_PLACES = (273, 279, 324, 325)  # offsets and lengths of strips, of tiles
_TILED_DEEP_OR_PARTS = 0x200 | 0x800 | 0x1000
# Lines in one chunk by number of the compression, https://openexr.com/en/latest/OpenEXRFileLayout.html.
_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)


def ends_early(path: Path) -> bool:
    """Tell whether the file surely lacks its end; False where it cannot be read, which the worker says better."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(4)
            look = next((look for magic, look in _LOOKS.items() if start.startswith(magic)), None)
            return look is not None and look(file, size)
    except (OSError, struct.error, ValueError):
        return False


def _png(file: BinaryIO, size: int) -> bool:
    """No last chunk. Source: PNG (Third Edition), 11.2.5."""
    return b"IEND" not in _tail(file, size)


def _jpeg(file: BinaryIO, size: int) -> bool:
    """No end-of-image marker. Source: ITU-T T.81, B.1.1.3."""
    return b"\xff\xd9" not in _tail(file, size)


def _tiff(file: BinaryIO, size: int) -> bool:
    """A first directory, or a strip or tile of it, that reaches behind the end. Source: TIFF 6.0, sections 2, 8, 15."""
    file.seek(0)
    header = file.read(8)
    order = "<" if header[:2] == b"II" else ">"
    (at,) = struct.unpack(f"{order}I", header[4:8])
    file.seek(at)
    (entries,) = struct.unpack(f"{order}H", file.read(2).ljust(2, b"\0"))
    directory = file.read(12 * entries)
    if not entries or len(directory) < 12 * entries:
        return True
    numbers: dict[int, tuple[int, ...]] = {}
    for tag, kind, count, _ in struct.iter_unpack(f"{order}HHII", directory):
        if tag in _TIFF_PLACES and kind in (3, 4):
            letter, width = ("H", 2) if kind == 3 else ("I", 4)
            entry = directory.index(struct.pack(f"{order}HHI", tag, kind, count))
            file.seek(at + 2 + entry + 8)
            if count * width > 4:
                file.seek(struct.unpack(f"{order}I", file.read(4))[0])
            content = file.read(count * width)
            if len(content) < count * width:
                return True
            numbers[tag] = struct.unpack(f"{order}{count}{letter}", content)
    return any(
        start + length > size
        for starts, lengths in ((273, 279), (324, 325))
        for start, length in zip(numbers.get(starts, ()), numbers.get(lengths, ()), strict=False)
    )


def _exr(file: BinaryIO, size: int) -> bool:
    """A chunk that was never written, or that reaches behind the end; of one part in scanlines."""
    (flags,) = struct.unpack("<I", file.read(4))
    if flags & _TILED_DEEP_OR_PARTS:
        return False
    header = file.read(min(size, _MOST_HEADER))
    try:
        at, lines, chunk_lines = _exr_header(header)
    except (ValueError, IndexError, struct.error):
        return size < _MOST_HEADER  # the header itself is cut
    if lines < 1 or not chunk_lines:
        return False
    count = -(-lines // chunk_lines)
    file.seek(8 + at + 1)
    table = file.read(8 * count)
    if len(table) < 8 * count:
        return True
    offsets = struct.unpack(f"<{count}Q", table)
    if not all(offsets):
        return True
    file.seek(max(offsets))
    leader = file.read(8)
    length = struct.unpack("<i", leader[4:])[0] if len(leader) == 8 else 0
    return length <= 0 or max(offsets) + 8 + length > size


def _exr_header(header: bytes) -> tuple[int, int, int]:
    """Return where the header ends, how many lines the picture has, and how many are in one chunk (0: unknown)."""
    at, lines, chunk_lines = 0, 0, 1
    while header[at]:
        name_end = header.index(b"\0", at)
        kind_end = header.index(b"\0", name_end + 1)
        (length,) = struct.unpack_from("<i", header, kind_end + 1)
        value = kind_end + 5
        if header[at:name_end] == b"dataWindow":
            _, top, _, bottom = struct.unpack_from("<4i", header, value)
            lines = bottom - top + 1
        elif header[at:name_end] == b"compression":
            chunk_lines = _LINES[header[value]] if header[value] < len(_LINES) else 0
        at = value + length
    return at, lines, chunk_lines


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _TAIL))
    return file.read(_TAIL)


_LOOKS: dict[bytes, Callable[[BinaryIO, int], bool]] = {
    b"\x89PNG": _png,
    b"\xff\xd8\xff": _jpeg,
    b"II*\x00": _tiff,
    b"MM\x00*": _tiff,
    b"\x76\x2f\x31\x01": _exr,
}
