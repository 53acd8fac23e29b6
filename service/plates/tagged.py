"""What `auto` means: the encoding that a file's type and tags ask for, and why. docs/color.md has the table."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import BadInput
from service.plates.doubts import doubt
from service.plates.encodings import LINEAR, encoding_of, gamma_curve, resolve_encoding
from service.plates.h273 import CURVES, LINEAR_LIGHT, LOG100, LOG316, PQ, encoding_by_codes, is_reserved
from service.plates.icc import ProfileUnread, encoding_of_profile
from service.plates.png import PngTags
from service.plates.primaries import REC709, Primaries, is_same, matrix_to_rec709
from service.plates.stills import StillHeader


@dataclass(frozen=True)
class ChosenEncoding:
    """How the pixels of a plate are decoded."""

    encoding: str
    """A resolved name, never `auto`."""

    reason: str
    """Asked for, a tag in the file, or the default of the file type."""

    warnings: tuple[str, ...] = ()
    """What is doubtful about the tags."""


@dataclass(frozen=True)
class MovieTags:
    """What a movie says of its colors, by the numbers of ITU-T H.273, and how its pixels are stored."""

    primaries: int
    curve: int
    matrix: int
    bits: int
    is_rgb: bool


# Names that OpenImageIO gives after tags of the file (color interop IDs) → ours.
_BY_TAG = {
    "srgb_rec709_scene": "srgb",
    "srgb_rec709_display": "srgb",
    "lin_rec709_scene": LINEAR,
    "lin_srgb": LINEAR,
    "lin_ap1_scene": "acescg",
    "lin_ap0_scene": "aces",
    "lin_rec2020_scene": "linear-rec2020",
    "lin_p3d65_scene": "linear-p3",
    "g24_rec709_scene": "rec709",
    "g24_rec709_display": "rec709",
    "g22_rec709_scene": "gamma22",
    "g22_rec709_display": "gamma22",
    "srgb_p3d65_scene": "display-p3",
    "srgb_p3d65_display": "display-p3",
    "g22_adobergb_scene": "adobe-rgb",
    "g24_rec2020_display": "rec2020",
    "pq_rec2020_display": "pq",
    "hlg_rec2020_display": "hlg",
}
_TOO_COARSE = (LINEAR_LIGHT, LOG100, LOG316)  # for 8 bits
_NOT_PQ = {1: "the matrix of Rec.709", 5: "the matrix of Rec.601", 6: "the matrix of Rec.601"}
_MEANS_SRGB = 0.03  # around gamma 2.2: what PNG writers add to sRGB pictures for old readers (PNG, 11.3.2.2)
_LEAST_GAMMA, _MOST_GAMMA = 0.2, 5.0


def choose_still_encoding(asked: str, header: StillHeader) -> ChosenEncoding:
    """Resolve the encoding of a picture. Raises BadInput for a name that nobody knows."""
    if asked.strip().casefold() != "auto":
        return ChosenEncoding(resolve_encoding(asked), "asked for")
    if header.file_type == "openexr":
        return _exr(header)
    if header.file_type in ("dpx", "cineon"):
        return _film(header)
    if header.png is not None:
        return _png(header, header.png)
    if header.profile is not None:
        return _profiled(header, header.profile)
    if header.is_float:
        return ChosenEncoding(LINEAR, f"floating-point {header.file_type} is taken as scene-linear")
    return ChosenEncoding("srgb", f"{header.file_type.upper()} is sRGB unless tagged")


def _exr(header: StillHeader) -> ChosenEncoding:
    tag = str(header.tags.get("colorInteropID", ""))
    if tag:
        try:
            return ChosenEncoding(_BY_TAG.get(tag) or resolve_encoding(tag), f"the EXR's colorInteropID {tag}")
        except BadInput:
            pass
    found = header.tags.get("chromaticities")
    if not isinstance(found, tuple) or len(found) != 8:
        return ChosenEncoding(LINEAR, "EXR is scene-linear; without chromaticities its primaries are Rec.709")
    tagged = _sensible(found)
    if tagged is None:
        reason = "EXR is scene-linear; its chromaticities make no sense and were ignored"
        return ChosenEncoding(LINEAR, reason, (doubt("chromaticities-senseless"),))
    return ChosenEncoding(encoding_of(LINEAR, tagged), "EXR is scene-linear, in its chromaticities")


def _sensible(found: tuple[float, ...] | None) -> Primaries | None:
    """Return chromaticities that span colors; None for others."""
    if found is None:
        return None
    xr, yr, xg, yg, xb, yb, xw, yw = map(float, found)
    try:
        matrix_to_rec709((xr, yr, xg, yg, xb, yb, xw, yw))
    except ValueError:
        return None
    return xr, yr, xg, yg, xb, yb, xw, yw


def _film(header: StillHeader) -> ChosenEncoding:
    kind = header.file_type.upper()
    transfer = str(header.tags.get("dpx:Transfer", "")).strip()
    if header.file_type == "cineon" or transfer in ("Printing density", "Logarithmic"):
        return ChosenEncoding("cineon", f"{kind} with transfer “{transfer or 'printing density'}”")
    if header.is_float:
        return ChosenEncoding(LINEAR, f"floating-point {kind} is taken as scene-linear")
    # Integers are too coarse for linear light, and FFmpeg tags every DPX as linear: video is what it holds.
    return ChosenEncoding("rec709", f"{kind} with transfer “{transfer or 'none'}” is taken as Rec.709 video")


def _profiled(header: StillHeader, profile: bytes) -> ChosenEncoding:
    name = str(header.tags.get("ICCProfile:profile_description", "")).strip()[:80] or "without a name"
    try:
        encoding = encoding_of_profile(profile)
    except ProfileUnread as error:
        unread = doubt("profile-unread", profile=name, why=error)
        return ChosenEncoding("srgb", f"ICC profile “{name}” cannot be used; taken as sRGB", (unread,))
    coarse = header.bits == 8 and encoding.split()[0].startswith(LINEAR)
    what = f"The ICC profile “{name}”"
    warnings = (doubt("linear-8-bit", what=what, curve="linear"),) if coarse else ()
    return ChosenEncoding(encoding, f"ICC profile “{name}”: {encoding}", warnings)


def _png(header: StillHeader, tags: PngTags) -> ChosenEncoding:
    """By the chunks, in the order in which the standard lets one outrank the next."""
    if tags.cicp is not None:
        return _cicp(header, tags.cicp)
    if tags.profile is not None:
        return _profiled(header, tags.profile)
    if tags.is_srgb:
        return ChosenEncoding("srgb", "the PNG's sRGB chunk")
    found = _sensible(tags.chromaticities) or REC709
    words = "" if is_same(found, REC709) else ", in the primaries of its cHRM chunk"
    if tags.gamma is None:
        return ChosenEncoding(encoding_of("srgb", found), f"PNG is sRGB unless tagged{words}")
    if not _LEAST_GAMMA <= tags.gamma <= _MOST_GAMMA:
        why = doubt("gamma-senseless", gamma="0" if tags.gamma == float("inf") else f"gamma {tags.gamma:.4g}")
        return ChosenEncoding(encoding_of("srgb", found), f"the PNG's gAMA chunk makes no sense{words}", (why,))
    if abs(tags.gamma - 2.2) < _MEANS_SRGB:
        return ChosenEncoding(
            encoding_of("srgb", found), f"the PNG's gAMA chunk: gamma 2.2, which stands for sRGB{words}"
        )
    curve = LINEAR if abs(tags.gamma - 1) < 1e-3 else gamma_curve(round(tags.gamma, 3))
    coarse = curve == LINEAR and header.bits == 8
    warnings = (doubt("linear-8-bit", what="The PNG's gAMA chunk", curve="linear"),) if coarse else ()
    return ChosenEncoding(encoding_of(curve, found), f"the PNG's gAMA chunk: gamma {tags.gamma:.3g}{words}", warnings)


def _cicp(header: StillHeader, cicp: tuple[int, int, int, int]) -> ChosenEncoding:
    primaries, curve, matrix, full = cicp
    encoding, words = encoding_by_codes(primaries, curve, "srgb")
    warnings = _reserved("The PNG's cICP chunk", primaries, curve)
    if matrix != 0:
        warnings += (doubt("cicp-matrix", number=matrix),)
    warnings += _coarse("The PNG's cICP chunk", curve, header.bits)
    limited = "" if full else ", limited range"
    return ChosenEncoding(encoding, f"the PNG's cICP chunk: {words or 'nothing specified'}{limited}", warnings)


def choose_movie_encoding(asked: str, tags: MovieTags) -> ChosenEncoding:
    """Resolve the encoding of a movie from its tags; matrix and range are a matter of their own."""
    if asked.strip().casefold() != "auto":
        return ChosenEncoding(resolve_encoding(asked), "asked for")
    encoding, words = encoding_by_codes(tags.primaries, tags.curve, "gamma2.4")
    if not words:
        reserved = _reserved("The movie", tags.primaries, tags.curve)
        return ChosenEncoding("rec709", "movies are Rec.709 unless tagged", reserved)
    reason = f"the movie's tags: {words}"
    warnings = _reserved("The movie", tags.primaries, tags.curve)
    if tags.curve in _TOO_COARSE and tags.bits <= 8 and not tags.is_rgb:
        why = doubt("linear-video", curve=CURVES[tags.curve][0], insist=encoding)
        video = encoding_by_codes(tags.primaries, 1, "gamma2.4")[0]
        return ChosenEncoding(video, f"{reason}; which 8 bits of YUV cannot hold", (*warnings, why))
    if tags.curve == PQ and not tags.is_rgb and (tags.bits <= 8 or tags.matrix in _NOT_PQ):
        reasons = ["8 bits" if tags.bits <= 8 else "", _NOT_PQ.get(tags.matrix, "")]
        warnings += (doubt("pq-contradicted", why=" and ".join(filter(None, reasons))),)
    elif tags.is_rgb:
        warnings += _coarse("The movie", tags.curve, tags.bits)
    return ChosenEncoding(encoding, reason, warnings)


def _reserved(what: str, primaries: int, curve: int) -> tuple[str, ...]:
    if not is_reserved(primaries, curve):
        return ()
    return (doubt("code-reserved", what=what, primaries=primaries, curve=curve),)


def _coarse(what: str, curve: int, bits: int) -> tuple[str, ...]:
    """Doubt what 8 bits of RGB are too coarse for; it is decoded as the tag says."""
    if bits > 8:
        return ()
    if curve in _TOO_COARSE:
        return (doubt("linear-8-bit", what=what, curve=CURVES[curve][0]),)
    return (doubt("pq-8-bit", what=what),) if curve == PQ else ()
