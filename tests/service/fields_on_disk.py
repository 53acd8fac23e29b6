"""Writes H.264 of field pictures (PAFF), as AVCHD cameras record it: I_PCM, so that every number is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_MACROBLOCK = 16


class _Writer:
    """Bits of one NAL unit. Source: ITU-T H.264 (2021), 7.2 and 9.1."""

    def __init__(self) -> None:
        self.bits = ""

    def put(self, number: int, count: int) -> None:
        self.bits += f"{number:0{count}b}"

    def golomb(self, *numbers: int) -> None:
        for number in numbers:
            self.bits += "0" * ((number + 1).bit_length() - 1) + f"{number + 1:b}"

    def unit(self, head: int) -> bytes:
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        content, zeros = bytearray((head,)), 0
        for byte in int(bits, 2).to_bytes(len(bits) // 8):
            if zeros >= 2 and byte <= 3:
                content.append(3)
                zeros = 0
            content.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes(content)


def _parameters(wide: int, high: int) -> bytes:
    sequence = _Writer()
    sequence.put(77, 8)  # main profile
    sequence.put(0, 8)
    sequence.put(40, 8)
    sequence.golomb(0, 0, 2, 1)  # id, 4 bits of frame number, order as decoded, one reference
    sequence.put(0, 1)
    sequence.golomb(wide - 1, high // 2 - 1)
    sequence.put(0b01, 2)  # fields may be coded one by one; not macroblock by macroblock … direct_8x8 follows
    sequence.put(1, 1)
    sequence.put(0b00, 2)  # no cropping, no VUI
    picture = _Writer()
    picture.golomb(0, 0)
    picture.put(0, 2)
    picture.golomb(0, 0, 0)
    picture.put(0, 3)
    picture.golomb(0, 0, 0)
    picture.put(0, 3)
    return sequence.unit(0x67) + picture.unit(0x68)


def field(luma: int, frame: int, wide: int, high: int, *, bottom: bool) -> bytes:
    """One field of one level, ``wide`` × ``high`` macroblocks; each begins anew with its frame, bottom follows top."""
    slice_ = _Writer()
    slice_.golomb(0, 7, 0)
    slice_.put(0, 4)
    slice_.put(1, 1)
    slice_.put(bottom, 1)
    if not bottom:
        slice_.golomb(frame % 2)
        slice_.put(0, 2)
    else:
        slice_.put(0, 1)
    slice_.golomb(0)
    for _ in range(wide * high):
        slice_.golomb(25)
        slice_.bits += "0" * (-len(slice_.bits) % 8)
        slice_.bits += f"{luma:08b}" * 256 + f"{128:08b}" * 128
    return slice_.unit(0x61 if bottom else 0x65)


def write_fields(
    path: Path, lumas: Sequence[int], *, together: bool, width: int = 64, height: int = 64, lonely: bool = False
) -> Path:
    """Write a frame for each level of ``lumas``, fields in one packet or two; ``lonely``: the last has one."""
    wide, high = width // _MACROBLOCK, height // _MACROBLOCK // 2
    parameters = _parameters(wide, 2 * high)
    pictures = [[field(luma, n, wide, high, bottom=bottom) for bottom in (False, True)] for n, luma in enumerate(lumas)]
    if lonely:
        pictures[-1].pop()
    raw = path.with_suffix(".h264")
    raw.write_bytes(parameters + b"".join(part for picture in pictures for part in picture))
    rate = Fraction(25)
    with (
        av.open(str(raw), format="h264") as source,
        av.open(str(path), "w", format="mpegts" if path.suffix in (".mts", ".m2ts") else None) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, picture in enumerate(pictures):
            parts = [b"".join(picture)] if together else picture
            for half, part in enumerate(parts):
                packet = av.Packet(parameters + part if not half else part)
                packet.stream, packet.time_base = stream, 1 / (2 * rate)
                packet.pts = packet.dts = 2 * number + half
                packet.duration = 2 // len(parts)
                packet.is_keyframe = not half
                target.mux(packet)
    raw.unlink()
    return path


def level(luma: int) -> float:
    return float(np.float32((luma - 16) / 219) ** np.float32(2.4))
