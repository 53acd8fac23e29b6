"""Encodings by name: every one decodes to scene-linear Rec.709, D65. docs/color.md is the page about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import PyOpenColorIO as ocio
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


@dataclass(frozen=True)
class OwnEncoding:
    """An encoding as its standard defines it: a curve per channel, then primaries."""

    about: str
    curve: Curve | None
    primaries: primaries.Primaries = primaries.REC709


OWN: dict[str, OwnEncoding] = {
    LINEAR: OwnEncoding("scene-linear Rec.709; taken as it is, bit for bit", None),
    "srgb": OwnEncoding("sRGB, piecewise curve", curves.srgb),
    "rec709": OwnEncoding("Rec.709 video as displays show it, gamma 2.4", curves.gamma(2.4)),
    "rec709-camera": OwnEncoding("Rec.709 video, the camera's curve undone", curves.rec709_camera),
    "gamma22": OwnEncoding("Rec.709 primaries, gamma 2.2", curves.gamma(2.2)),
    "display-p3": OwnEncoding("P3 primaries, sRGB curve", curves.srgb, primaries.P3_D65),
    "adobe-rgb": OwnEncoding("Adobe RGB (1998)", curves.gamma(563 / 256), primaries.ADOBE_RGB),
    "rec2020": OwnEncoding("Rec.2020 video as displays show it, gamma 2.4", curves.gamma(2.4), primaries.REC2020),
    "hlg": OwnEncoding("Rec.2100 HLG, the camera's curve undone, 75 % = 1", curves.hlg, primaries.REC2020),
    "pq": OwnEncoding("Rec.2100 PQ, display light, 203 cd/m² = 1", curves.pq, primaries.REC2020),
    "cineon": OwnEncoding("Cineon and log DPX: printing density, 95 to 685", curves.cineon),
    "acescg": OwnEncoding("ACEScg: linear, AP1 primaries, ACES white", None, primaries.ACES_AP1),
    "aces": OwnEncoding("ACES2065-1: linear, AP0 primaries, ACES white", None, primaries.ACES_AP0),
    "linear-p3": OwnEncoding("linear, P3 primaries, D65", None, primaries.P3_D65),
    "linear-rec2020": OwnEncoding("linear, Rec.2020 primaries", None, primaries.REC2020),
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

ALIASES: tuple[str, ...] = (*OWN, *CAMERAS)


def resolve_encoding(name: str) -> str:
    """Return the alias, or the config's own name, that ``name`` means; case does not matter.

    Linear light in other primaries is `linear` and x, y of red, green, blue and white: `linear 0.64 0.33 0.3 …`.
    Raises BadInput, with the aliases, when neither knows it.
    """
    folded = name.strip().casefold().replace("_", "-")
    if folded in OWN or folded in CAMERAS:
        return folded
    if folded.startswith("linear ") and _primaries_in(folded) is not None:
        return folded
    space = config().getColorSpace(name.strip())
    if space is None:
        raise BadInput(
            f"There is no encoding “{name[:100]}”.",
            fix=f"Known are auto, {', '.join(ALIASES)}, and the color space names of {CONFIG}.",
        )
    found = str(space.getName())
    return LINEAR if found == _TARGET else found


def linear_in(tagged: primaries.Primaries) -> str:
    """Return the encoding of linear light in these primaries; a name of ours where there is one."""
    for name, own in OWN.items():
        if own.curve is None and primaries.is_same(own.primaries, tagged):
            return name
    return "linear " + " ".join(f"{number:.7g}" for number in tagged)


@lru_cache(maxsize=32)
def decoder(encoding: str) -> Decode | None:
    """Return what turns (H, W, 3) pixels in ``encoding``, a resolved name, into scene-linear Rec.709 float32.

    It takes float32 (which it may overwrite) or integers (0 to full scale) and keeps NaN, infinities, negatives and
    values above 1. None when nothing has to be done.
    """
    tagged = _primaries_in(encoding)
    own = OWN.get(encoding) if tagged is None else OwnEncoding("", None, tagged)
    if own is None:
        return _decode_by_config(encoding)
    matrix = primaries.matrix_to_rec709(own.primaries)
    if own.curve is None:
        return None if matrix is None else _after(as_float, matrix)
    by_table = _decode_by_curve(own.curve)
    return by_table if matrix is None else _after(by_table, matrix)


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


def _primaries_in(encoding: str) -> primaries.Primaries | None:
    """Read the primaries of `linear x y …`; None when it is another encoding or they make no sense."""
    words = encoding.split()
    if len(words) != 9 or words[0] != LINEAR:
        return None
    try:
        xr, yr, xg, yg, xb, yb, xw, yw = map(float, words[1:])
        primaries.matrix_to_rec709((xr, yr, xg, yg, xb, yb, xw, yw))
    except ValueError:
        return None
    return xr, yr, xg, yg, xb, yb, xw, yw


def _after(first: Decode, matrix: primaries.Matrix) -> Decode:
    return lambda pixels: apply_matrix(first(pixels), matrix)


def _decode_by_curve(curve: Curve) -> Decode:
    @cache
    def table(kind: str) -> Floats:
        return curve(as_float(np.arange(np.iinfo(kind).max + 1, dtype=kind)))

    def decode(pixels: Pixels) -> Floats:
        if pixels.dtype == np.float32:
            return curve(pixels)
        # All codes of an integer picture fit into a table: exact, and faster than computing powers.
        linear: Floats = np.take(table(pixels.dtype.name), pixels)
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
