"""Tells which packets of an H.264 movie hold the second field of a frame, where fields are coded one by one (PAFF).

Source: ITU-T H.264 (2021), 7.3.2.1 (sequence parameters), 7.3.3 (slice header), 3.30 (complementary field pairs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SLICE, _IDR_SLICE, _SEQUENCE, _PICTURE = 1, 5, 7, 8  # kinds of NAL units
_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})  # profiles
_HEAD = 64  # bytes of a slice: its header begins there


@dataclass(frozen=True)
class _Sequence:
    frame_number_bits: int
    separate_planes: bool
    frames_only: bool


@dataclass(frozen=True)
class _Field:
    frame_number: int
    bottom: bool
    starts_anew: bool


class FieldPairs:
    """Looks at the packets of one stream in the order in which they lie."""

    def __init__(self, extradata: bytes | None) -> None:
        extradata = extradata or b""
        self._length_size = 0
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, int] = {}
        self._open: _Field | None = None
        try:
            if extradata[:1] == b"\1":  # ISO/IEC 14496-15, 5.3.3.1: units have lengths instead of start codes
                self._length_size = (extradata[4] & 3) + 1
                units: Iterator[bytes] = _units_in_record(extradata)
            else:
                units = _units_by_start_codes(extradata)
            for unit in units:
                self._learn(unit)
        except (IndexError, ValueError):
            self._sequences.clear()

    def is_second(self, packet: bytes) -> bool:
        """Tell whether ``packet`` is the second field of the frame that the packet before it began."""
        if self._sequences and all(sequence.frames_only for sequence in self._sequences.values()):
            return False
        units = _units_by_length(packet, self._length_size) if self._length_size else _units_by_start_codes(packet)
        fields: list[_Field] = []
        try:
            for unit in units:
                if unit[0] & 31 in (_SLICE, _IDR_SLICE):
                    found = self._field(unit)
                    if found is None:
                        break
                    if not fields or fields[-1].bottom != found.bottom:
                        fields.append(found)
                else:
                    self._learn(unit)
        except (IndexError, ValueError):
            pass  # damaged; what was seen before it counts
        if len(fields) != 1:
            self._open = None
            return False
        first, field = self._open, fields[0]
        if (
            first is not None
            and first.bottom != field.bottom
            and first.frame_number == field.frame_number
            and not field.starts_anew
        ):
            self._open = None
            return True
        self._open = field
        return False

    def _learn(self, unit: bytes) -> None:
        kind = unit[0] & 31
        if kind == _SEQUENCE:
            number, sequence = _read_sequence(_Bits(unit[1:]))
            self._sequences[number] = sequence
        elif kind == _PICTURE:
            bits = _Bits(unit[1:])
            number = bits.exp_golomb()
            self._pictures[number] = bits.exp_golomb()

    def _field(self, unit: bytes) -> _Field | None:
        """Read a slice's header; None for a slice of a whole frame, or of an unknown sequence."""
        bits = _Bits(unit[1:_HEAD])
        bits.exp_golomb()
        bits.exp_golomb()
        sequence = self._sequences.get(self._pictures.get(bits.exp_golomb(), -1))
        if sequence is None or sequence.frames_only:
            return None
        if sequence.separate_planes:
            bits.take(2)
        frame_number = bits.take(sequence.frame_number_bits)
        if not bits.take(1):
            return None
        return _Field(frame_number, bool(bits.take(1)), unit[0] & 31 == _IDR_SLICE)


class _Bits:
    """Reads bits of a unit, the bytes against false start codes taken out."""

    def __init__(self, content: bytes) -> None:
        content = content.replace(b"\0\0\3", b"\0\0")
        self._number, self._left = int.from_bytes(content), 8 * len(content)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the unit ends early")
        self._left -= count
        return (self._number >> self._left) & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("no number")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        number = self.exp_golomb()
        return (number + 1) // 2 if number % 2 else -number // 2


def _read_sequence(bits: _Bits) -> tuple[int, _Sequence]:
    profile = bits.take(8)
    bits.take(16)
    number = bits.exp_golomb()
    separate = False
    if profile in _WITH_CHROMA:
        chroma = bits.exp_golomb()
        separate = chroma == 3 and bool(bits.take(1))
        bits.exp_golomb()
        bits.exp_golomb()
        bits.take(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    frame_number_bits = bits.exp_golomb() + 4
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.exp_golomb(), 255)):
            bits.signed()
    bits.exp_golomb()
    bits.take(1)
    bits.exp_golomb()
    bits.exp_golomb()
    return number, _Sequence(frame_number_bits, separate, bool(bits.take(1)))


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for place in range(count):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if place < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _units_by_start_codes(content: bytes) -> Iterator[bytes]:
    at = content.find(b"\0\0\1")
    while at >= 0:
        following = content.find(b"\0\0\1", at + 3)
        unit = content[at + 3 : following if following >= 0 else None]
        if unit:
            yield unit
        at = following


def _units_by_length(content: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at + size < len(content):
        length = int.from_bytes(content[at : at + size])
        if length:
            yield content[at + size : at + size + length]
        at += size + length


def _units_in_record(record: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (31, 255):  # sequences, then pictures
        count = record[at] & mask
        at += 1
        for _ in range(count):
            length = int.from_bytes(record[at : at + 2])
            yield record[at + 2 : at + 2 + length]
            at += 2 + length
