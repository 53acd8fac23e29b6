"""Transfer curves that decode display, broadcast and film code values to linear light, as plain float32 numpy.

Every curve takes encoded values where 0 is black and 1 is full white, any shape, and returns a new array. Values above
1 go on along the curve. Negative ones are mirrored (-f(-x)), so that noise around black keeps its mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Curve = Callable[[Floats], Floats]


def srgb(encoded: Floats) -> Floats:
    """Decode sRGB. Source: IEC 61966-2-1:1999, 5.2, with its rounded constants (as OpenColorIO and ICC use them)."""
    size = np.abs(encoded)
    power = np.power((size + 0.055) / 1.055, np.float32(2.4))
    return _signed(np.where(size <= 0.04045, size / np.float32(12.92), power), encoded)


def gamma(exponent: float) -> Curve:
    """Return the curve of a plain power function."""

    def decode(encoded: Floats) -> Floats:
        return _signed(np.power(np.abs(encoded), np.float32(exponent)), encoded)

    return decode


def rec709_camera(encoded: Floats) -> Floats:
    """Undo the camera curve of Rec.709 (scene light). Source: ITU-R BT.709-6, item 1.2, inverted."""
    size = np.abs(encoded)
    power = np.power((size + 0.099) / 1.099, np.float32(1 / 0.45))
    return _signed(np.where(size < 0.081, size / np.float32(4.5), power), encoded)


def hlg(encoded: Floats) -> Floats:
    """Undo the camera curve of HLG (scene light), scaled so that HDR reference white, 75 % signal, becomes 1.

    Source: ITU-R BT.2100-2, table 5 (OETF inverted); reference white: ITU-R BT.2408-7, 2.2.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    white = (np.exp((0.75 - c) / a) + b) / 12
    size = np.abs(encoded)
    upper = (np.exp((size - np.float32(c)) / np.float32(a)) + np.float32(b)) / np.float32(12)
    return _signed(np.where(size <= 0.5, size * size / np.float32(3), upper) / np.float32(white), encoded)


def pq(encoded: Floats) -> Floats:
    """Decode PQ to display light, scaled so that HDR reference white, 203 cd/m², becomes 1.

    Source: ITU-R BT.2100-2, table 4 (EOTF); reference white: ITU-R BT.2408-7, 2.2. Computed in float64: the last step
    divides two small differences.
    """
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.power(np.clip(np.abs(encoded.astype(np.float64)), 0, 1), 1 / m2)
    light = np.power(np.maximum(root - c1, 0) / (c2 - c3 * root), 1 / m1) * 10000 / 203
    return _signed(light.astype(np.float32), encoded)


def cineon(encoded: Floats) -> Floats:
    """Decode Cineon printing density: of 1023, code 95 is black and 685 is 1; 0.002 density a code, film gamma 0.6.

    Source: Kodak, Conversion of 10-bit Log Film Data To 8-bit Linear or Video Data (1995). Codes under 95 go negative.
    """
    black = 10.0 ** ((95 - 685) * 0.002 / 0.6)
    exponent = (encoded * np.float32(1023) - np.float32(685)) * np.float32(0.002 / 0.6)
    light: Floats = (np.power(np.float32(10), exponent) - np.float32(black)) / np.float32(1 - black)
    return light


def log(decades: float) -> Curve:
    """Return the curve of light that is logarithmic over ``decades`` and black below.

    Source: ITU-T H.273 (2021), table 3, rows 9 (two decades) and 10 (two and a half), inverted.
    """

    def decode(encoded: Floats) -> Floats:
        light = np.power(np.float32(10), (encoded - np.float32(1)) * np.float32(decades))
        return np.where(encoded > 0, light, encoded * np.float32(0)).astype(np.float32, copy=False)

    return decode


def cinema(encoded: Floats) -> Floats:
    """Decode digital cinema distribution, where 48 cd/m² of 52.37 is white. Source: SMPTE ST 428-1; H.273, row 17."""
    return _signed(np.power(np.abs(encoded), np.float32(2.6)) * np.float32(52.37 / 48), encoded)


def tabled(tables: tuple[Floats, ...]) -> Curve:
    """Return the curves that ``tables`` sample evenly from 0 to 1: one for all channels, or one for each of three.

    Between the samples it is linear, beyond the ends it goes on as at the end.
    """

    def decode(encoded: Floats) -> Floats:
        if len(tables) == 1:
            return _looked_up(encoded, tables[0])
        return np.stack([_looked_up(encoded[..., k], table) for k, table in enumerate(tables)], axis=-1)

    return decode


def _looked_up(encoded: Floats, table: Floats) -> Floats:
    places = np.linspace(0, 1, len(table), dtype=np.float64)
    light = np.interp(encoded, places, table)
    first, last = ((table[1] - table[0]) * (len(table) - 1), (table[-1] - table[-2]) * (len(table) - 1))
    light = np.where(encoded < 0, table[0] + encoded * first, light)
    light = np.where(encoded > 1, table[-1] + (encoded - 1) * last, light)
    return light.astype(np.float32, copy=False)


def _signed(magnitude: NDArray[Any], encoded: Floats) -> Floats:
    signed: Floats = np.copysign(magnitude, encoded).astype(np.float32, copy=False)
    return signed
