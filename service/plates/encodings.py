"""Encodings by name: every one decodes to scene-linear Rec.709, D65. docs/color.md is the page about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import PyOpenColorIO as ocio
import xxhash
from numpy.typing import NDArray

from service.errors import BadInput
from service.plates import curves, primaries
from service.plates.curves import Curve, Floats

CONFIG = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
"""The built-in OpenColorIO config; pinned, so that a newer library converts as this one does."""

LINEAR = "linear"
_TARGET = "Linear Rec.709 (sRGB)"

Pixels = NDArray[Any]
"""uint8, uint16 (0 to full scale) or float32."""

Decode = Callable[[Pixels], Floats]


CURVES: dict[str, Curve | None] = {
    LINEAR: None,
    "srgb": curves.srgb,
    "rec709-camera": curves.rec709_camera,
    "hlg": curves.hlg,
    "pq": curves.pq,
    "log100": curves.log(2.0),
    "log316": curves.log(2.5),
    "cinema": curves.cinema,
    "cineon": curves.cineon,
}
"""Curves by name; `gamma2.2` and any other number are powers, `icc-…` those of a profile that was read."""


@dataclass(frozen=True)
class OwnEncoding:
    """An encoding as its standard defines it: a curve per channel, then primaries."""

    about: str
    curve: str
    """Of CURVES, or `gamma` and a number."""

    primaries: primaries.Primaries = primaries.REC709


OWN: dict[str, OwnEncoding] = {
    LINEAR: OwnEncoding("scene-linear Rec.709; taken as it is, bit for bit", LINEAR),
    "srgb": OwnEncoding("sRGB, piecewise curve", "srgb"),
    "rec709": OwnEncoding("Rec.709 video as displays show it, gamma 2.4", "gamma2.4"),
    "rec709-camera": OwnEncoding("Rec.709 video, the camera's curve undone", "rec709-camera"),
    "gamma22": OwnEncoding("Rec.709 primaries, gamma 2.2", "gamma2.2"),
    "display-p3": OwnEncoding("P3 primaries, sRGB curve", "srgb", primaries.P3_D65),
    "adobe-rgb": OwnEncoding("Adobe RGB (1998)", "gamma2.19921875", primaries.ADOBE_RGB),
    "rec2020": OwnEncoding("Rec.2020 video as displays show it, gamma 2.4", "gamma2.4", primaries.REC2020),
    "hlg": OwnEncoding("Rec.2100 HLG, the camera's curve undone, 75 % = 1", "hlg", primaries.REC2020),
    "pq": OwnEncoding("Rec.2100 PQ, display light, 203 cd/m² = 1", "pq", primaries.REC2020),
    "cineon": OwnEncoding("Cineon and log DPX: printing density, 95 to 685", "cineon"),
    "acescg": OwnEncoding("ACEScg: linear, AP1 primaries, ACES white", LINEAR, primaries.ACES_AP1),
    "aces": OwnEncoding("ACES2065-1: linear, AP0 primaries, ACES white", LINEAR, primaries.ACES_AP0),
    "linear-p3": OwnEncoding("linear, P3 primaries, D65", LINEAR, primaries.P3_D65),
    "linear-rec2020": OwnEncoding("linear, Rec.2020 primaries", LINEAR, primaries.REC2020),
}

CAMERAS: dict[str, str] = {
    "acescct": "ACEScct",
    "acescc": "ACEScc",
    "arri-logc3": "ARRI LogC3 (EI800)",
    "arri-logc4": "ARRI LogC4",
    "sony-slog3": "S-Log3 S-Gamut3.Cine",
    "sony-slog3-sgamut3": "S-Log3 S-Gamut3",
    "sony-slog3-venice": "S-Log3 Venice S-Gamut3.Cine",
    "sony-slog3-venice-sgamut3": "S-Log3 Venice S-Gamut3",
    "red-log3g10": "Log3G10 REDWideGamutRGB",
    "canon-log2": "CanonLog2 CinemaGamut D55",
    "canon-log3": "CanonLog3 CinemaGamut D55",
    "panasonic-vlog": "V-Log V-Gamut",
    "bmd-film-gen5": "BMDFilm WideGamut Gen5",
    "davinci-intermediate": "DaVinci Intermediate WideGamut",
    "apple-log": "Apple Log",
    "dji-dlog": "D-Log D-Gamut",
}
"""Our aliases → names in the OpenColorIO config."""

_GAMMA = re.compile(r"gamma(\d{1,2}(?:\.\d{1,12})?)")
_LEAST_GAMMA, _MOST_GAMMA = 0.2, 5.0
_APART = "icc-rgb-"  # begins the names of curves that differ from channel to channel
_REMEMBERED: dict[str, Curve] = {}

ALIASES: tuple[str, ...] = (*OWN, *CAMERAS)


def resolve_encoding(name: str) -> str:
    """Return the alias, or the config's own name, that ``name`` means; case does not matter.

    Any curve in other primaries is its name and theirs (`gamma2.6 p3-dci`), or x, y of red, green, blue and white:
    `linear 0.64 0.33 0.3 …`. Raises BadInput, with the aliases, when neither knows it.
    """
    folded = " ".join(name.strip().casefold().replace("_", "-").split())
    if folded in OWN or folded in CAMERAS:
        return folded
    parts = _parts(folded)
    if parts is not None:
        return encoding_of(*parts)
    space = config().getColorSpace(name.strip())
    if space is None:
        raise BadInput(
            f"There is no encoding “{name[:100]}”.",
            fix=f"Known are auto, {', '.join(ALIASES)}, a curve and its primaries (gamma2.6 p3-dci), and the color "
            f"space names of {CONFIG}.",
        )
    found = str(space.getName())
    return LINEAR if found == _TARGET else found


def encoding_of(curve: str, tagged: primaries.Primaries) -> str:
    """Return the encoding of a curve, by name, in these primaries; a name of ours where there is one."""
    for name, own in OWN.items():
        if own.curve == curve and primaries.is_same(own.primaries, tagged):
            return name
    for name, known in primaries.NAMED.items():
        if primaries.is_same(known, tagged):
            return curve if known == primaries.REC709 and curve not in OWN else f"{curve} {name}"
    return f"{curve} " + " ".join(f"{number:.7g}" for number in tagged)


def gamma_curve(exponent: float) -> str:
    """Return the name of a power curve."""
    return LINEAR if abs(exponent - 1) < 1e-6 else f"gamma{exponent:.9g}"


@lru_cache(maxsize=32)
def decoder(encoding: str) -> Decode | None:
    """Return what turns (H, W, 3) pixels in ``encoding``, a resolved name, into scene-linear Rec.709 float32.

    It takes float32 (which it may overwrite) or integers (0 to full scale) and keeps NaN, infinities, negatives and
    values above 1. None when nothing has to be done.
    """
    own = OWN.get(encoding)
    parts = (own.curve, own.primaries) if own is not None else _parts(encoding)
    if parts is None:
        return _decode_by_config(encoding)
    matrix, curve = primaries.matrix_to_rec709(parts[1]), _curve(parts[0])
    if curve is None:
        return None if matrix is None else _after(as_float, matrix)
    by_table = _decode_by_curve(curve, apart=parts[0].startswith(_APART))
    return by_table if matrix is None else _after(by_table, matrix)


def remember_curve(tables: tuple[Floats, ...]) -> str:
    """Name curves that only a file holds, so that encodings of this process can speak of them.

    One table for all channels or three, each sampled evenly from 0 to 1.
    """
    name = ("icc-" if len(tables) == 1 else _APART) + xxhash.xxh3_64(
        b"".join(table.tobytes() for table in tables)
    ).hexdigest()
    _REMEMBERED[name] = curves.tabled(tables)
    return name


def apply_matrix(pixels: Floats, matrix: primaries.Matrix) -> Floats:
    """Multiply every pixel (…, 3) with the matrix (3, 3); float32, error under 3e-7 of the largest channel."""
    turned: Floats = pixels @ matrix.T.astype(np.float32)
    return turned


def as_float(pixels: Pixels) -> Floats:
    """Return integers as 0 to 1 of their full scale, and float32 as it is."""
    if pixels.dtype == np.float32:
        return pixels
    full = np.float32(np.iinfo(pixels.dtype).max)
    scaled: Floats = np.divide(pixels, full, dtype=np.float32, casting="unsafe")
    return scaled


@cache
def config() -> ocio.Config:
    """Return the pinned config."""
    return ocio.Config.CreateFromBuiltinConfig(CONFIG)


def _parts(encoding: str) -> tuple[str, primaries.Primaries] | None:
    """Read `curve`, `curve primaries` or `curve x y …`; None when it is none of these, or makes no sense."""
    curve, *words = encoding.split() or [""]
    if curve in OWN and OWN[curve].primaries == primaries.REC709:
        curve = OWN[curve].curve
    try:
        _curve(curve)
        if not words:
            return curve, primaries.REC2020 if curve in ("pq", "hlg") else primaries.REC709
        if len(words) == 1:
            return curve, primaries.NAMED[words[0]]
        xr, yr, xg, yg, xb, yb, xw, yw = map(float, words)
        primaries.matrix_to_rec709((xr, yr, xg, yg, xb, yb, xw, yw))
    except (KeyError, ValueError):
        return None
    return curve, (xr, yr, xg, yg, xb, yb, xw, yw)


def _curve(name: str) -> Curve | None:
    """Return the curve; None for linear light. Raises KeyError where nobody knows it."""
    found = _GAMMA.fullmatch(name)
    if found is not None and _LEAST_GAMMA <= float(found[1]) <= _MOST_GAMMA:
        return curves.gamma(float(found[1]))
    return _REMEMBERED[name] if name in _REMEMBERED else CURVES[name]


def _after(first: Decode, matrix: primaries.Matrix) -> Decode:
    return lambda pixels: apply_matrix(first(pixels), matrix)


def _decode_by_curve(curve: Curve, *, apart: bool) -> Decode:
    """Return what applies ``curve``; ``apart``: it treats each channel in its own way."""

    @cache
    def table(kind: str) -> Floats:
        codes = as_float(np.arange(np.iinfo(kind).max + 1, dtype=kind))
        return curve(np.repeat(codes[:, None], 3, axis=1) if apart else codes)

    def decode(pixels: Pixels) -> Floats:
        if pixels.dtype == np.float32:
            return curve(pixels)
        # All codes of an integer picture fit into a table: exact, and faster than computing powers.
        found = table(pixels.dtype.name)
        linear: Floats = found[pixels, np.arange(3)] if apart else np.take(found, pixels)
        return linear

    return decode


def _decode_by_config(encoding: str) -> Decode:
    # Without this flag OpenColorIO takes approximations of log and pow that are off by 1e-5 and save no time.
    processor = (
        config()
        .getProcessor(CAMERAS.get(encoding, encoding), _TARGET)
        .getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
    )

    def decode(pixels: Pixels) -> Floats:
        linear = np.ascontiguousarray(as_float(pixels))
        if not linear.flags.writeable:
            linear = linear.copy()
        processor.applyRGB(linear)
        return linear

    return decode
