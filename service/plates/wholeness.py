"""Whether a movie's file ends where its container says: a copy that broke off, or lost power, cuts it short.

Looks at a few headers only; FFmpeg opens such files and ends early, without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_UNKNOWN = -1
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675  # Matroska's, RFC 9559
_PARTITION = bytes.fromhex("060e2b34020501010d01020101")  # SMPTE ST 377-1: kind and status follow
_PARTITIONS, _FOOTER = (2, 3, 4), 4
_RUN_IN = 65536
_TAIL = 4 * 2**20  # bytes of a transport stream that surely hold several pictures
_MOSTLY = 0.9  # of the pictures


def is_cut_short(path: Path, container: str) -> bool:
    """Tell whether the file has no proper end; ``container`` is FFmpeg's name: mov, matroska, mxf, avi or mpegts.

    A transport stream does not say how long it is: it is cut where its last packet or picture is. OSError where it
    cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return _LOOKS[container](file, size)


def _mov(file: BinaryIO, size: int) -> bool:
    """A box that reaches past the end. Source: ISO/IEC 14496-12, 4.2."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16])
        if length < 8 or not kind.isalnum():
            return False  # it reaches to the end as it is, or is what some cameras put after the last box
        at += length
    return at > size


def _matroska(file: BinaryIO, size: int) -> bool:
    """A segment, or where its size was never entered the last element in it, that reaches past the end."""
    at = 0
    while at < size:
        file.seek(at)
        number = _ebml_number(file, keep_marker=True)
        length = _ebml_number(file)
        if number is None or length is None:
            return True
        at = file.tell()
        if number == _SEGMENT and length != _UNKNOWN:
            return at + length > size
        # Inside of what was written live, elements follow one another without a size around them.
        at += 0 if length == _UNKNOWN and number in (_SEGMENT, _CLUSTER) else max(length, 0)
    return at > size


def _ebml_number(file: BinaryIO, *, keep_marker: bool = False) -> int | None:
    """Read a number of RFC 8794; -1 for a size that is not known, None at the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 9 - first[0].bit_length()
    content = first + file.read(count - 1)
    if len(content) < count:
        return None
    number = int.from_bytes(content)
    if keep_marker:
        return number
    most = (1 << (7 * count)) - 1
    return _UNKNOWN if number & most == most else number & most


def _mxf(file: BinaryIO, size: int) -> bool:
    """No footer where the header says, or none at all where the header was never closed. Source: SMPTE ST 377-1."""
    run_in = file.read(_RUN_IN + 256).find(_PARTITION)
    if run_in < 0:
        return False
    at, closed = run_in, False
    for key, value, following in _klv(file, run_in, size):
        at = following
        if key.startswith(_PARTITION) and key[13] in _PARTITIONS:
            file.seek(value + 24)
            footer = int.from_bytes(file.read(8))
            if footer:
                return run_in + footer >= size
            closed = closed or key[13] == _FOOTER
    return at > size or not closed


def _klv(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each element's key, where its value is, and where the next one begins."""
    while at < size:
        file.seek(at)
        header = file.read(25)
        key, length = header[:16], header[16:17]
        if not length:
            yield key, size, size + 1
            return
        more = length[0] & 0x7F if length[0] & 0x80 else 0
        value = at + 17 + more
        at = value + (int.from_bytes(header[17 : 17 + more]) if more else length[0])
        yield key, value, at


def _avi(file: BinaryIO, size: int) -> bool:
    """A RIFF chunk that reaches past the end, or whose size was never entered; OpenDML has several."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(8)
        if header[:4] != b"RIFF":
            return False
        length = int.from_bytes(header[4:], "little")
        if not length:
            return True
        at += 8 + length
        if at > size:
            return True
        at += length % 2
    return False


def _transport_stream(file: BinaryIO, size: int) -> bool:
    """A last packet, or a last picture, that is begun and not ended. Source: ISO/IEC 13818-1, 2.4.3.

    192: with the time codes of a camera.
    """
    start = file.read(204 * 4)
    for length, sync in ((188, 0), (192, 4), (204, 0)):
        if len(start) >= length * 3 and all(start[at] == 0x47 for at in range(sync, length * 3, length)):
            rest = size % length
            file.seek(size - rest)
            if rest and file.read(rest)[sync : sync + 1] in (b"", b"\x47"):
                return True
            return _ends_inside_a_picture(file, size - rest, length, sync)
    return False


def _ends_inside_a_picture(file: BinaryIO, end: int, length: int, sync: int) -> bool:
    """Tell whether the last packet with a part of a picture is full, where those that end the pictures before are not.

    An end is stuffed, but for one in 184; some recorders fill the picture itself up instead, which tells nothing.
    """
    file.seek(end - min(end, _TAIL // length * length))
    tail = file.read(end - file.tell())
    last: dict[int, bytes] = {}
    stuffed: dict[int, list[bool]] = {}
    for at in range(sync, len(tail), length):
        packet = tail[at : at + 188]
        stream = int.from_bytes(packet[1:3]) & 0x1FFF
        begins, extended = packet[1] & 0x40, packet[3] & 0x20
        body = packet[5 + packet[4] :] if extended else packet[4:]
        if begins and body[:3] == b"\0\0\1" and body[3] >> 4 == 0xE:
            ends = stuffed.setdefault(stream, [])
            if stream in last:
                ends.append(_is_stuffed(last[stream]))
        last[stream] = packet
    return any(
        bool(ends) and sum(ends) >= _MOSTLY * len(ends) and not _is_stuffed(last[stream])
        for stream, ends in stuffed.items()
    )


def _is_stuffed(packet: bytes) -> bool:
    if not packet[3] & 0x20:
        return False
    length, flags = packet[4], packet[5]
    clocks = 1 + 6 * (flags >> 4 & 1) + 6 * (flags >> 3 & 1) + (flags >> 2 & 1)
    return length == 0 or length > clocks


_LOOKS = {"mov": _mov, "matroska": _matroska, "mxf": _mxf, "avi": _avi, "mpegts": _transport_stream}
