"""ICC profiles and the color chunks of PNG: read for what they hold, and doubted where they cannot mean it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from model.settings import KeySettings
from service.plates import open_plate
from service.plates.curves import srgb
from service.shots import shot_from_plate
from tests.service.pictures_on_disk import format_of, noise, read, write_exr
from tests.service.tagged_pictures import (
    LINEAR_CURVE,
    P3_COLORANTS,
    SRGB_COLORANTS,
    SRGB_CURVE,
    chunk,
    cicp,
    gama,
    iccp,
    parametric,
    png,
    profile,
    sampled,
)

RAMP = np.linspace(0, 1, 1024)
ADOBE_COLORANTS = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def codes(*rgb: float, kind: str = "uint16") -> NDArray[Any]:
    full = np.iinfo(kind).max
    return np.round(np.full((4, 4, 3), rgb) * full).astype(kind)


@pytest.mark.parametrize(
    ("held", "encoding"),
    [
        (profile(SRGB_COLORANTS, LINEAR_CURVE, name="GIMP built-in Linear sRGB"), "linear"),
        (profile(SRGB_COLORANTS, SRGB_CURVE, name="no name at all"), "srgb"),
        (profile(SRGB_COLORANTS, sampled(srgb(RAMP.astype(np.float32))), name="Adobe RGB"), "srgb"),
        (profile(P3_COLORANTS, SRGB_CURVE, name="sRGB"), "display-p3"),
        (profile(ADOBE_COLORANTS, b"curv\0\0\0\0\0\0\0\1\2\x33", name="x"), "adobe-rgb"),
        (profile(P3_COLORANTS, parametric(0, 2.6)), "gamma2.6 p3"),
        (profile(SRGB_COLORANTS, parametric(0, 1.8)), "gamma1.8"),
        (profile(SRGB_COLORANTS, SRGB_CURVE, cicp=b"cicp\0\0\0\0\x09\x10\0\1"), "pq"),
        (profile((), space=b"GRAY", kTRC=parametric(0, 2.2)), "gamma22"),
    ],
)
def test_a_profile_means_what_it_holds_whatever_its_name(tmp_path: Path, held: bytes, encoding: str) -> None:
    path = png(tmp_path / "a.png", codes(0.5, 0.4, 0.3), iccp(held))
    assert format_of(path).encoding == encoding
    assert "ICC profile" in format_of(path).encoding_reason
    assert not format_of(path).warnings


def test_a_linear_picture_whose_profile_is_named_after_srgb_is_left_as_it_is(tmp_path: Path) -> None:
    held = profile(SRGB_COLORANTS, LINEAR_CURVE, name="GIMP built-in Linear sRGB")
    picture = png(tmp_path / "a.png", codes(0.102, 0.578, 0.021), iccp(held))
    assert read(picture).color[0, 0] == pytest.approx((0.102, 0.578, 0.021), abs=2e-5)


def test_primaries_of_no_name_are_converted(tmp_path: Path) -> None:
    """Red, green and blue exchanged: nobody has a name for that, and the matrix is plain."""
    turned = (SRGB_COLORANTS[1], SRGB_COLORANTS[2], SRGB_COLORANTS[0])
    picture = png(tmp_path / "a.png", codes(0.2, 0.5, 0.8), iccp(profile(turned, LINEAR_CURVE)))
    assert read(picture).color[0, 0] == pytest.approx((0.8, 0.2, 0.5), abs=2e-3)


def test_a_profile_of_a_screen_whose_white_was_never_adapted_keeps_white_white(tmp_path: Path) -> None:
    unadapted = ((0.4124, 0.2126, 0.0193), (0.3576, 0.7152, 0.1192), (0.1805, 0.0722, 0.9505))
    picture = png(tmp_path / "a.png", codes(0.2, 0.5, 0.8), iccp(profile(unadapted, LINEAR_CURVE)))
    assert read(picture).color[0, 0] == pytest.approx((0.2, 0.5, 0.8), abs=1e-3)


def test_a_curve_of_no_name_is_followed_and_so_is_one_for_each_channel(tmp_path: Path) -> None:
    bent = RAMP**1.5 * 0.5 + RAMP * 0.5
    one = png(tmp_path / "a.png", codes(0.25, 0.5, 0.75), iccp(profile(SRGB_COLORANTS, sampled(bent))))
    expected = np.interp((0.25, 0.5, 0.75), RAMP, bent)
    assert read(one).color[0, 0] == pytest.approx(expected, abs=1e-3)
    curves = (sampled(bent), LINEAR_CURVE, parametric(0, 2.0))
    three = png(tmp_path / "b.png", codes(0.25, 0.5, 0.75), iccp(profile(SRGB_COLORANTS, *curves)))
    assert read(three).color[0, 0] == pytest.approx((expected[0], 0.5, 0.5625), abs=1e-3)
    eight = png(tmp_path / "c.png", codes(0.2, 0.4, 0.6, kind="uint8"), iccp(profile(SRGB_COLORANTS, *curves)))
    assert read(eight).color[0, 0] == pytest.approx((np.interp(0.2, RAMP, bent), 0.4, 0.36), abs=1e-3)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (profile((), SRGB_CURVE), "tables instead of primaries"),
        (profile(SRGB_COLORANTS, SRGB_CURVE, space=b"CMYK"), "it is for CMYK pictures"),
        (profile(SRGB_COLORANTS, SRGB_CURVE)[:200], "it holds tables|it is damaged"),
        (b"nonsense" * 40, "it is damaged"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told_as_a_warning(tmp_path: Path, held: bytes, why: str) -> None:
    found = format_of(png(tmp_path / "a.png", codes(0.5, 0.5, 0.5), iccp(held)))
    assert found.encoding == "srgb"
    assert len(found.warnings) == 1
    assert any(word in found.warnings[0] for word in why.split("|"))


def test_a_profile_in_a_jpeg_or_tiff_is_read_as_well(tmp_path: Path) -> None:
    held = np.frombuffer(profile(P3_COLORANTS, SRGB_CURVE), np.uint8)
    for name in ("a.tif", "a.jpg"):
        spec = oiio.ImageSpec(8, 8, 3, "uint8")
        spec.attribute("ICCProfile", oiio.TypeDesc(f"uint8[{len(held)}]"), held)
        file = oiio.ImageOutput.create(str(tmp_path / name))
        assert file.open(str(tmp_path / name), spec)
        file.write_image(np.full((8, 8, 3), 128, np.uint8))
        file.close()
        assert format_of(tmp_path / name).encoding == "display-p3", name


# ---- which chunk of a PNG has the say


def test_cicp_outranks_a_profile_a_profile_srgb_and_srgb_gamma(tmp_path: Path) -> None:
    chunks = [gama(100_000), chunk(b"sRGB", b"\0"), iccp(profile(P3_COLORANTS, SRGB_CURVE)), cicp(9, 14)]
    expected = ["linear", "srgb", "display-p3", "rec2020"]
    for count, encoding in enumerate(expected, 1):
        path = png(tmp_path / f"{count}.png", codes(0.5, 0.5, 0.5), *chunks[:count])
        assert format_of(path).encoding == encoding


def test_gamma_and_chromaticities_of_a_png_are_honored(tmp_path: Path) -> None:
    white_and_colors = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    p3 = chunk(b"cHRM", struct.pack(">8I", *(round(number * 1e5) for number in white_and_colors)))
    assert format_of(png(tmp_path / "a.png", codes(1, 0, 0), gama(55_556))).encoding == "gamma1.8"
    assert format_of(png(tmp_path / "b.png", codes(1, 0, 0), gama(45_455), p3)).encoding == "display-p3"
    assert format_of(png(tmp_path / "c.png", codes(1, 0, 0), gama(45_455))).encoding == "srgb"


@pytest.mark.parametrize("stored", [0, 1, 4_000_000_000])
def test_a_gamma_that_makes_no_sense_is_ignored_and_told(tmp_path: Path, stored: int) -> None:
    found = format_of(png(tmp_path / "a.png", codes(0.5, 0.5, 0.5), gama(stored)))
    assert found.encoding == "srgb"
    assert "makes no sense" in found.warnings[0]


def test_linear_light_in_eight_bits_is_honored_and_doubted_in_sixteen_it_is_not(tmp_path: Path) -> None:
    for number, tag in enumerate((gama(100_000), cicp(1, 8), iccp(profile(SRGB_COLORANTS, LINEAR_CURVE)))):
        eight = png(tmp_path / f"{'abc'[number]}.png", codes(0.353, 0.353, 0.353, kind="uint8"), tag)
        assert read(eight).color[0, 0] == pytest.approx([0.353] * 3, abs=0.002)
        assert "too coarse" in format_of(eight).warnings[0]
        assert not format_of(png(tmp_path / f"{'abc'[number]}b.png", codes(0.5, 0.5, 0.5), tag)).warnings
        assert not format_of(eight, encoding="linear").warnings


def test_pq_in_eight_bits_and_a_matrix_in_a_png_are_doubted(tmp_path: Path) -> None:
    assert "PQ" in format_of(png(tmp_path / "a.png", codes(0.5, 0.5, 0.5, kind="uint8"), cicp(9, 16))).warnings[0]
    assert "matrix 1" in format_of(png(tmp_path / "b.png", codes(0.5, 0.5, 0.5), cicp(1, 13, matrix=1))).warnings[0]
    reserved = format_of(png(tmp_path / "c.png", codes(0.5, 0.5, 0.5), cicp(99, 0)))
    assert reserved.encoding == "srgb"
    assert "without a meaning" in reserved.warnings[0]


def test_limited_range_of_a_png_is_undone_and_can_be_insisted_on(tmp_path: Path) -> None:
    levels = np.array([[[16] * 3, [235] * 3, [0] * 3, [255] * 3]], np.uint8)
    path = png(tmp_path / "a.png", levels, cicp(1, 8, full=0))
    light = read(path).color[0, :, 0]
    assert light == pytest.approx((0, 1, -16 / 219, 239 / 219), abs=1e-6)
    assert read(path, range="full").color[0, 0, 0] == pytest.approx(16 / 255, abs=1e-6)
    plain = png(tmp_path / "b.png", levels.astype(np.uint16) * 256)
    assert read(plain, encoding="linear", range="limited").color[0, :2, 0] == pytest.approx((0, 1), abs=1e-5)


def test_one_frame_tagged_otherwise_than_its_shot_is_told_and_does_not_decide(tmp_path: Path) -> None:
    for frame in range(1, 6):
        tags = (cicp(9, 14),) if frame == 1 else ()
        png(tmp_path / f"s.{frame:04d}.png", codes(0.5, 0.4, 0.3), *tags)
    with open_plate(shot_from_plate(tmp_path), KeySettings()) as plate:
        assert plate.format.encoding == "srgb"
        assert "BT.2020" in plate.read(1).notes[0]
        assert not plate.read(2).notes
    with open_plate(shot_from_plate(tmp_path), KeySettings(encoding="srgb")) as plate:
        assert not plate.read(1).notes


def test_an_animated_png_says_that_its_other_pictures_are_left_out(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", codes(0.5, 0.5, 0.5), chunk(b"acTL", struct.pack(">II", 3, 0)))
    assert "3 pictures" in format_of(path).warnings[0]


# ---- levels that contradict the tags


def test_an_exr_whose_values_are_all_whole_255ths_is_doubted_and_stays_linear(tmp_path: Path) -> None:
    steps = np.random.default_rng(2).integers(0, 256, (12, 16, 3)).astype(np.float32) / np.float32(255)
    doubted = {
        "display as half": steps.astype(np.float16),
        "display as float": steps,
        "light": noise(),
        "brighter than white": steps * 2,
        "black": np.zeros_like(steps),
    }
    told = {}
    for number, (name, pixels) in enumerate(doubted.items()):
        path = write_exr(tmp_path / f"{number}.exr", {"RGB": pixels})
        with open_plate(shot_from_plate(path), KeySettings()) as plate:
            plate.watch(plate.format.frames)
            assert plate.format.encoding == "linear"
            told[name] = bool(plate.doubts())
    assert [name for name, doubt in told.items() if doubt] == ["display as half", "display as float"]
