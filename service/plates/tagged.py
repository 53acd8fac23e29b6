"""What `auto` means: the encoding that a file's type and tags ask for, and why. docs/color.md has the table."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import BadInput
from service.plates.encodings import LINEAR, linear_in, resolve_encoding
from service.plates.stills import StillHeader


@dataclass(frozen=True)
class ChosenEncoding:
    """How the pixels of a plate are decoded."""

    encoding: str
    """A resolved name, never `auto`."""

    reason: str
    """Asked for, a tag in the file, or the default of the file type."""


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
_BY_PROFILE = {
    "display p3": "display-p3",
    "adobe rgb": "adobe-rgb",
    "srgb": "srgb",
    "rec.709 gamma 2.4": "rec709",
    "hdtv (rec. 709)": "rec709",
    "rec. 709": "rec709",
    "rec. 2020": "rec2020",
    "rec. itu-r bt.2020": "rec2020",
}


def choose_still_encoding(asked: str, header: StillHeader) -> ChosenEncoding:
    """Resolve the encoding of a picture. Raises BadInput for a name that nobody knows."""
    if asked.strip().casefold() != "auto":
        return ChosenEncoding(resolve_encoding(asked), "asked for")
    if header.file_type == "openexr":
        return _exr(header)
    if header.file_type in ("dpx", "cineon"):
        return _film(header)
    if header.is_float:
        return ChosenEncoding(LINEAR, f"floating-point {header.file_type} is taken as scene-linear")
    return _display(header)


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
    xr, yr, xg, yg, xb, yb, xw, yw = map(float, found)
    try:
        encoding = resolve_encoding(linear_in((xr, yr, xg, yg, xb, yb, xw, yw)))
    except BadInput:
        return ChosenEncoding(LINEAR, "EXR is scene-linear; its chromaticities make no sense and were ignored")
    return ChosenEncoding(encoding, "EXR is scene-linear, in its chromaticities")


def _film(header: StillHeader) -> ChosenEncoding:
    kind = header.file_type.upper()
    transfer = str(header.tags.get("dpx:Transfer", "")).strip()
    if header.file_type == "cineon" or transfer in ("Printing density", "Logarithmic"):
        return ChosenEncoding("cineon", f"{kind} with transfer “{transfer or 'printing density'}”")
    if header.is_float:
        return ChosenEncoding(LINEAR, f"floating-point {kind} is taken as scene-linear")
    # Integers are too coarse for linear light, and FFmpeg tags every DPX as linear: video is what it holds.
    return ChosenEncoding("rec709", f"{kind} with transfer “{transfer or 'none'}” is taken as Rec.709 video")


def _display(header: StillHeader) -> ChosenEncoding:
    kind = header.file_type.upper()
    profile = str(header.tags.get("ICCProfile:profile_description", "")).strip()
    if profile:
        for part, encoding in _BY_PROFILE.items():
            if part in profile.casefold():
                return ChosenEncoding(encoding, f"ICC profile “{profile[:80]}”")
        return ChosenEncoding("srgb", f"ICC profile “{profile[:80]}” is not known; taken as sRGB")
    tag = str(header.tags.get("oiio:ColorSpace", ""))
    if tag in ("", "srgb_rec709_scene", "sRGB"):
        return ChosenEncoding("srgb", f"{kind} is sRGB unless tagged")
    if tag == "g22_rec709_scene":
        # PNG writers add gAMA 1/2.2 to sRGB pictures for old readers (PNG, 11.3.3.5); nobody means a pure power.
        return ChosenEncoding("srgb", f"{kind} with gamma 2.2, which stands for sRGB")
    try:
        return ChosenEncoding(_BY_TAG.get(tag) or resolve_encoding(tag), f"the {kind}'s tag {tag}")
    except BadInput:
        return ChosenEncoding("srgb", f"the {kind}'s tag {tag} is not known; taken as sRGB")


def choose_movie_encoding(asked: str, transfer: int, primaries: int) -> ChosenEncoding:
    """Resolve the encoding of a movie from its tags (numbers of ITU-T H.273); matrix and range are always its own."""
    if asked.strip().casefold() != "auto":
        return ChosenEncoding(resolve_encoding(asked), "asked for")
    wide, p3 = primaries == 9, primaries in (11, 12)
    if transfer == 16:
        return ChosenEncoding("pq", "the movie's tag: PQ")
    if transfer == 18:
        return ChosenEncoding("hlg", "the movie's tag: HLG")
    if transfer == 8:
        return ChosenEncoding("linear-rec2020" if wide else "linear-p3" if p3 else LINEAR, "the movie's tag: linear")
    if transfer == 13:
        return ChosenEncoding("display-p3" if p3 else "srgb", "the movie's tag: sRGB curve")
    if transfer == 4:
        return ChosenEncoding("gamma22", "the movie's tag: gamma 2.2")
    if wide:
        return ChosenEncoding("rec2020", "the movie's tag: Rec.2020 primaries")
    if transfer in (1, 6, 14, 15):
        return ChosenEncoding("rec709", "the movie's tag: Rec.709 curve")
    return ChosenEncoding("rec709", "movies are Rec.709 unless tagged")
