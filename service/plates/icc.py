"""Reads ICC profiles: primaries, white and curves of matrix and grey profiles. Their names decide nothing.

Source: ICC.1:2022, clauses 7 to 10.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.plates import primaries
from service.plates.curves import rec709_camera, srgb
from service.plates.encodings import LINEAR, encoding_of, gamma_curve, remember_curve
from service.plates.h273 import CURVES, PRIMARIES, encoding_by_codes

Floats = NDArray[np.float32]

_SAMPLES = 4096  # of a curve that has no name
_SAME_CURVE = 1e-3  # of full light: a profile's table is rounded, and thinner than this in the darks
_SAME_MATRIX = 2e-3
_MOST_TAGS = 200


class ProfileUnread(Exception):
    """The profile says its colors in a way that is not read; the text says which."""


@lru_cache(maxsize=16)
def encoding_of_profile(profile: bytes) -> str:
    """Return the encoding that an ICC profile means, by what it holds. Raises ProfileUnread."""
    try:
        tags, space = _tags(profile)
        if b"cicp" in tags and tags[b"cicp"][8] in PRIMARIES and tags[b"cicp"][9] in CURVES:
            return encoding_by_codes(tags[b"cicp"][8], tags[b"cicp"][9], "srgb")[0]
        if space == b"GRAY" and b"kTRC" in tags:
            return encoding_of(_named(_curve(tags[b"kTRC"])), primaries.REC709)
        if space != b"RGB ":
            raise ProfileUnread(f"it is for {space.decode('ascii', 'replace').strip() or 'nothing'} pictures, not RGB")
        missing = [tag.decode() for tag in _NEEDED if tag not in tags]
        if missing:
            raise ProfileUnread("it holds tables instead of primaries and curves")
        curve = _named(*(_curve(tags[tag]) for tag in _NEEDED[3:]))
        return encoding_of(curve, _primaries(np.array([_xyz(tags[tag]) for tag in _NEEDED[:3]]).T))
    except (struct.error, ValueError, IndexError, np.linalg.LinAlgError) as error:
        raise ProfileUnread("it is damaged") from error


_NEEDED = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")


def _tags(profile: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """Return the content of each tag, and the color space."""
    if profile[36:40] != b"acsp":
        raise ValueError("no profile")
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for number in range(min(count, _MOST_TAGS)):
        name, start, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        tags[name] = profile[start : start + length]
    return tags, profile[16:20]


def _xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return tuple(number / 65536 for number in struct.unpack_from(">3i", tag, 8))


def _primaries(colorants: NDArray[np.float64]) -> primaries.Primaries:
    """Return the primaries seen under D65; ``colorants`` (3, 3) are CIE XYZ under the profile's own white, their sum.

    That white is D50 by the standard. Old profiles, which were never adapted, have their screen's: the sum knows.
    """
    white = colorants.sum(axis=1)
    if min(white) <= 0 or not 0.5 < white[1] < 2:
        raise ValueError("no white")
    x, y = (float(number) for number in white[:2] / white.sum())
    matrix = primaries.adapted(colorants / white[1], (x, y))
    for known in primaries.NAMED.values():
        ours = primaries.matrix_to_rec709(known)
        if np.allclose(matrix, np.eye(3) if ours is None else ours, rtol=0, atol=_SAME_MATRIX):
            return known
    return primaries.primaries_of(matrix)


def _curve(tag: bytes) -> Floats:
    """Return a curve as _SAMPLES samples."""
    at = np.linspace(0, 1, _SAMPLES)
    if tag[:4] == b"para":
        return np.asarray(_parametric(at, int.from_bytes(tag[8:10]), tag), np.float32)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return at.astype(np.float32)
    values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
    if count == 1:
        return np.asarray(np.power(at, values[0] / 256), np.float32)
    return np.asarray(np.interp(at, np.linspace(0, 1, count), values / 65535), np.float32)


_PARAMETERS = (1, 3, 4, 5, 7)  # of the five kinds of parametric curve


def _parametric(x: NDArray[np.float64], kind: int, tag: bytes) -> NDArray[np.float64]:
    """Return a parametric curve at ``x``. Source: ICC.1:2022, table 68."""
    numbers = [number / 65536 for number in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = (*numbers, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:7] if kind == 0 else _filled(kind, numbers)
    if not 0 < g < 10:
        raise ValueError("no exponent")
    power = np.power(np.maximum(a * x + b, 0), g) + e
    return np.where(x >= d, power, c * x + f)


def _filled(kind: int, numbers: Sequence[float]) -> tuple[float, ...]:
    """Return g, a, b, c, d, e, f of kinds 1 to 4, so that one formula holds for all."""
    g, a, b, *rest = numbers
    if kind == 1:
        return g, a, b, 0.0, -b / a, 0.0, 0.0
    if kind == 2:
        return g, a, b, 0.0, -b / a, rest[0], rest[0]
    c, d, *offsets = rest
    return (g, a, b, c, d, *offsets) if kind == 4 else (g, a, b, c, d, 0.0, 0.0)


def _named(*samples: Floats) -> str:
    """Return the name of the curve that all ``samples`` follow; theirs, where none of ours does."""
    first = samples[0]
    if all(_is_same(first, other) for other in samples[1:]):
        at = np.linspace(0, 1, len(first), dtype=np.float32)
        for name, light in ((LINEAR, at), ("srgb", srgb(at)), ("rec709-camera", rec709_camera(at))):
            if _is_same(first, light):
                return name
        exponent = float(np.log(max(first[len(first) // 2], 1e-6)) / np.log(at[len(first) // 2]))
        usual = min(_USUAL, key=lambda known: abs(known - exponent))
        exponent = usual if abs(usual - exponent) < 0.005 else round(exponent, 4)
        if 0.2 <= exponent <= 5 and _is_same(first, np.power(at, np.float32(exponent))):
            return gamma_curve(exponent)
        samples = samples[:1]
    return remember_curve(tuple(samples))


_USUAL = (1.8, 563 / 256, 2.2, 2.4, 2.6)


def _is_same(one: Floats, other: Floats) -> bool:
    return bool(np.all(np.abs(one - other) < _SAME_CURVE))
