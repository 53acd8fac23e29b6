"""The color tags that movies and PNG share, by number: ITU-T H.273 (2021), tables 2 and 3."""

from __future__ import annotations

from service.plates import primaries
from service.plates.encodings import LINEAR, encoding_of

UNSPECIFIED = 2
BT709, BT601_PAL, BT601_NTSC, SMPTE240 = 1, 5, 6, 7  # of matrices
LINEAR_LIGHT, LOG100, LOG316, PQ, HLG = 8, 9, 10, 16, 18  # of curves

PRIMARIES: dict[int, tuple[str, primaries.Primaries]] = {
    1: ("BT.709", primaries.REC709),
    4: ("BT.470 M", primaries.NTSC_1953),
    5: ("BT.470 B/G", primaries.EBU),
    6: ("SMPTE 170M", primaries.SMPTE_C),
    7: ("SMPTE 240M", primaries.SMPTE_C),
    8: ("film", primaries.FILM),
    9: ("BT.2020", primaries.REC2020),
    10: ("XYZ", primaries.XYZ),
    11: ("P3 DCI", primaries.P3_DCI),
    12: ("P3 D65", primaries.P3_D65),
    22: ("EBU 3213", primaries.EBU_3213),
}
"""Name and primaries by number."""

_VIDEO = "gamma2.4"  # what a display makes of it; the camera's own curve is `rec709-camera`

CURVES: dict[int, tuple[str, str]] = {
    1: ("BT.709", _VIDEO),
    4: ("gamma 2.2", "gamma2.2"),
    5: ("gamma 2.8", "gamma2.8"),
    6: ("BT.601", _VIDEO),
    7: ("SMPTE 240M", _VIDEO),
    8: ("linear", LINEAR),
    9: ("logarithmic, 100 to 1", "log100"),
    10: ("logarithmic, 316 to 1", "log316"),
    11: ("xvYCC", _VIDEO),
    12: ("BT.1361", _VIDEO),
    13: ("sRGB", "srgb"),
    14: ("BT.2020, 10 bits", _VIDEO),
    15: ("BT.2020, 12 bits", _VIDEO),
    16: ("PQ", "pq"),
    17: ("SMPTE 428", "cinema"),
    18: ("HLG", "hlg"),
}
"""Name and curve of ours by number."""


def encoding_by_codes(tagged_primaries: int, curve: int, default_curve: str) -> tuple[str, str]:
    """Return the encoding that both numbers mean, and the tags in words; the same for movies and stills.

    What is not specified, or reserved, is ``default_curve`` and Rec.709; with PQ and HLG it is Rec.2020.
    """
    named = PRIMARIES.get(tagged_primaries)
    known = CURVES.get(curve)
    found = named[1] if named else primaries.REC2020 if curve in (PQ, HLG) else primaries.REC709
    words = [
        f"primaries {tagged_primaries} ({named[0]})" if named else "",
        f"curve {curve} ({known[0]})" if known else "",
    ]
    return encoding_of(known[1] if known else default_curve, found), ", ".join(word for word in words if word)


def is_reserved(tagged_primaries: int, curve: int) -> bool:
    """Tell whether a number has no meaning, now or yet; 0 is what writers leave who know none."""
    silent = (0, UNSPECIFIED)
    return (tagged_primaries not in PRIMARIES and tagged_primaries not in silent) or (
        curve not in CURVES and curve not in silent
    )
