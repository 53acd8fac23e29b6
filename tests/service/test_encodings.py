"""Encodings: every alias turns published values into the right light, and docs/color.md names them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import BadInput
from service.plates import curves, encodings
from service.plates.encodings import ALIASES, CAMERAS, OWN, decoder, resolve_encoding
from service.plates.primaries import ACES_AP0, ACES_AP1, REC709, Primaries, matrix_to_rec709, rgb_to_xyz

DOCS = Path(__file__).parents[2] / "docs" / "color.md"


def decode(encoding: str, *rgb: float) -> NDArray[np.float32]:
    work = decoder(encoding)
    pixels = np.array([[rgb if len(rgb) == 3 else rgb * 3]], dtype=np.float32)
    return pixels[0, 0] if work is None else np.asarray(work(pixels))[0, 0]


# Code value of an 18 % grey card, as each maker publishes it, and how exactly.
GREY: dict[str, tuple[float, float, str]] = {
    "arri-logc3": (400 / 1023, 2e-3, "ARRI, ALEXA Log C Curve: EI 800, code 400"),
    "arri-logc4": (0.278396, 1e-4, "ARRI, LogC4 Specification: table of relative exposure"),
    "sony-slog3": (420 / 1023, 1e-4, "Sony, Technical Summary for S-Log3: code 420"),
    "sony-slog3-sgamut3": (420 / 1023, 1e-4, "the same"),
    "sony-slog3-venice": (420 / 1023, 1e-4, "the same"),
    "sony-slog3-venice-sgamut3": (420 / 1023, 1e-4, "the same"),
    "red-log3g10": (1 / 3, 1e-4, "RED, REDWideGamutRGB and Log3G10: 0.18 is 1/3"),
    "canon-log2": (0.398255, 1e-3, "Canon, Canon Log Gamma Curves: code 407 of 1023"),
    "canon-log3": (0.343389, 1e-3, "Canon, Canon Log Gamma Curves: code 351 of 1023"),
    "panasonic-vlog": (433 / 1023, 1e-3, "Panasonic, V-Log/V-Gamut Reference Manual: code 433"),
    "bmd-film-gen5": (0.383561, 1e-3, "Blackmagic Design, Generation 5 Color Science: 0.38"),
    "davinci-intermediate": (0.336043, 1e-4, "Blackmagic Design, DaVinci Wide Gamut Intermediate: 0.336043"),
    "apple-log": (0.488272, 1e-3, "Apple, Apple Log Profile White Paper: 0.18 at 0.4883"),
    "dji-dlog": (0.398765, 2e-3, "DJI, White Paper on D-Log and D-Gamut: 0.3988"),
    "acescct": (0.413588, 1e-4, "S-2016-001, ACEScct: 0.18 at 0.4135884"),
    "acescc": (0.413588, 1e-4, "S-2014-003, ACEScc: 0.18 at 0.4135884"),
}


@pytest.mark.parametrize("alias", sorted(GREY))
def test_a_grey_card_becomes_its_reflectance(alias: str) -> None:
    code, tolerance, _source = GREY[alias]
    assert decode(alias, code) == pytest.approx([0.18] * 3, abs=tolerance)


# Published primaries of the cameras' gamuts: x, y of red, green, blue, white.
GAMUTS: dict[str, Primaries] = {
    "arri-logc3": (0.6840, 0.3130, 0.2210, 0.8480, 0.0861, -0.1020, 0.3127, 0.3290),
    "arri-logc4": (0.7347, 0.2653, 0.1424, 0.8576, 0.0991, -0.0308, 0.3127, 0.3290),
    "sony-slog3": (0.766, 0.275, 0.225, 0.800, 0.089, -0.087, 0.3127, 0.3290),
    "sony-slog3-sgamut3": (0.730, 0.280, 0.140, 0.855, 0.100, -0.050, 0.3127, 0.3290),
    "sony-slog3-venice": (0.775902, 0.274502, 0.188682, 0.828685, 0.101337, -0.089188, 0.3127, 0.3290),
    "sony-slog3-venice-sgamut3": (0.740464, 0.279364, 0.089241, 0.893810, 0.110488, -0.052579, 0.3127, 0.3290),
    "red-log3g10": (0.780308, 0.304253, 0.121595, 1.493994, 0.095612, -0.084589, 0.3127, 0.3290),
    "panasonic-vlog": (0.730, 0.280, 0.165, 0.840, 0.100, -0.030, 0.3127, 0.3290),
    "bmd-film-gen5": (0.7177215, 0.3171181, 0.2280410, 0.8615690, 0.1005841, -0.0820452, 0.3127170, 0.3290312),
    "davinci-intermediate": (0.8000, 0.3130, 0.1682, 0.9877, 0.0790, -0.1155, 0.3127, 0.3290),
    "apple-log": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "dji-dlog": (0.71, 0.31, 0.21, 0.88, 0.09, -0.08, 0.3127, 0.3290),
    "acescct": ACES_AP1,
    "acescg": ACES_AP1,
    "aces": ACES_AP0,
}


@pytest.mark.parametrize("alias", sorted(GAMUTS))
def test_a_saturated_color_lands_where_the_published_primaries_say(alias: str) -> None:
    """Chromaticities of what comes out are compared: neither exposure nor the curve matters then."""
    levels = (0.60, 0.45, 0.35)
    channels = np.array([decode(f"{alias}", level) for level in levels]).mean(axis=1)  # the curve alone, on greys
    found = rgb_to_xyz(REC709) @ decode(alias, *levels).astype(np.float64)
    matrix = matrix_to_rec709(GAMUTS[alias])
    assert matrix is not None
    expected = rgb_to_xyz(REC709) @ matrix @ channels
    assert found[:2] / found.sum() == pytest.approx(expected[:2] / expected.sum(), abs=3e-3)
    assert found == pytest.approx(expected, abs=2e-3 * expected.max())


def test_every_camera_alias_is_proven_by_one_of_the_tables() -> None:
    assert set(CAMERAS) <= set(GREY) | set(GAMUTS)


NEUTRAL = [
    ("srgb", 0.5, 0.21404114),
    ("srgb", 0.04, 0.04 / 12.92),
    ("rec709", 0.5, 0.5**2.4),
    ("rec709-camera", 0.409, 0.18),  # BT.709: 1.099 · 0.18^0.45 − 0.099 = 0.409
    ("rec709-camera", 0.0405, 0.009),
    ("gamma22", 0.5, 0.5**2.2),
    ("display-p3", 0.5, 0.21404114),
    ("adobe-rgb", 0.5, 0.5 ** (563 / 256)),
    ("rec2020", 0.5, 0.5**2.4),
    ("hlg", 0.75, 1.0),
    ("hlg", 0.5, 1 / 12 / 0.26496),  # BT.2100: half signal is 1/12; BT.2408: 75 % is 0.265
    ("pq", 0.5806889, 1.0),  # BT.2100: 203 cd/m² is 58 % PQ
    ("cineon", 685 / 1023, 1.0),
    ("cineon", 95 / 1023, 0.0),
    ("linear-p3", 0.25, 0.25),
    ("linear-rec2020", 0.25, 0.25),
    ("acescg", 0.18, 0.18),
    ("aces", 0.18, 0.18),
]
"""Encoding, code value, light."""


@pytest.mark.parametrize(("alias", "encoded", "light"), NEUTRAL)
def test_neutral_values_become_the_light_that_the_standard_says(alias: str, encoded: float, light: float) -> None:
    assert decode(alias, encoded) == pytest.approx([light] * 3, rel=3e-3, abs=2e-6)


def test_every_own_encoding_is_proven_above() -> None:
    assert set(OWN) - {"linear"} <= {alias for alias, _, _ in NEUTRAL}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("srgb", "sRGB - Texture"),
        ("rec709", "Gamma 2.4 Encoded Rec.709"),
        ("rec709-camera", "Camera Rec.709"),
        ("gamma22", "Gamma 2.2 Encoded Rec.709"),
        ("display-p3", "sRGB Encoded P3-D65"),
        ("adobe-rgb", "Gamma 2.2 Encoded AdobeRGB"),
        ("acescg", "ACEScg"),
        ("aces", "ACES2065-1"),
        ("linear-p3", "Linear P3-D65"),
        ("linear-rec2020", "Linear Rec.2020"),
    ],
)
def test_our_curves_and_matrices_agree_with_the_config(ours: str, theirs: str) -> None:
    pixels = np.random.default_rng(3).random((20, 20, 3), dtype=np.float32) * 1.2
    config_decodes, we_decode = decoder(resolve_encoding(theirs)), decoder(ours)
    assert config_decodes is not None
    assert we_decode is not None
    np.testing.assert_allclose(we_decode(pixels.copy()), config_decodes(pixels.copy()), atol=6e-5)


def test_linear_is_not_touched() -> None:
    assert decoder("linear") is None
    assert resolve_encoding("Linear Rec.709 (sRGB)") == "linear"
    assert matrix_to_rec709(REC709) is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("alias", ["srgb", "rec709", "display-p3"])
def test_integers_decode_as_the_same_value_in_float_does(alias: str, kind: type[np.integer]) -> None:
    full = int(np.iinfo(kind).max)
    codes = np.linspace(0, full, 300).astype(kind).reshape(10, 10, 3)
    work = decoder(alias)
    assert work is not None
    as_float = (codes / np.float32(full)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(work(codes)), np.asarray(work(as_float)))


@pytest.mark.parametrize("alias", ["srgb", "rec709", "rec709-camera", "hlg", "gamma22"])
def test_values_below_black_and_above_white_survive(alias: str) -> None:
    below, above = decode(alias, -0.02), decode(alias, 1.1)
    assert np.all(below < 0)
    assert below == pytest.approx(-decode(alias, 0.02))
    assert np.all(above > 1)


def test_not_a_number_and_infinity_pass_through() -> None:
    for alias in ("srgb", "rec709", "arri-logc3", "acescg", "hlg"):
        work = decoder(alias)
        assert work is not None
        pixels = np.full((1, 2, 3), 0.5, np.float32)
        pixels[0, 0] = np.nan
        assert np.all(np.isnan(np.asarray(work(pixels))[0, 0]))


def test_every_alias_decodes_and_any_name_of_the_config_does() -> None:
    for name in (*ALIASES, "lin_ap1", "Utility - Linear - sRGB", "arri_logc4"):
        decoder(resolve_encoding(name))


def test_an_unknown_encoding_is_refused_with_the_aliases() -> None:
    with pytest.raises(BadInput, match="no encoding “nonsense”") as refused:
        resolve_encoding("nonsense")
    assert all(alias in str(refused.value) for alias in ALIASES)


def test_case_and_underscores_do_not_matter() -> None:
    assert resolve_encoding("ARRI_LogC3") == "arri-logc3"


def test_bradford_takes_white_to_white() -> None:
    for primaries in (ACES_AP0, ACES_AP1):
        matrix = matrix_to_rec709(primaries)
        assert matrix is not None
        assert matrix @ np.ones(3) == pytest.approx(np.ones(3), abs=1e-12)


def test_curves_keep_single_precision() -> None:
    pixels = np.linspace(0, 1, 30, dtype=np.float32)
    for curve in (curves.srgb, curves.rec709_camera, curves.hlg, curves.pq, curves.cineon, curves.gamma(2.4)):
        assert curve(pixels).dtype == np.float32


def test_the_page_about_color_names_every_alias_and_the_config() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for alias in ALIASES:
        assert f"| `{alias}` |" in page, alias
    for name in CAMERAS.values():
        assert name in page, name
    assert encodings.CONFIG in page
