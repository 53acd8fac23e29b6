"""Plates of picture files: depth, alpha, windows, layers and encodings."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest

from service.errors import BadInput
from service.plates import read_picture
from service.plates.curves import srgb
from tests.service.pictures_on_disk import format_of, noise, read, write, write_exr

# ---- depth


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_sixteen_bit_pictures_keep_all_sixteen_bits(tmp_path: Path, extension: str) -> None:
    codes = np.arange(30000, 30000 + 192, dtype=np.uint16).reshape(8, 8, 3)
    color = read(write(tmp_path / f"a.{extension}", codes, "uint16")).color
    assert len(np.unique(color)) == codes.size
    np.testing.assert_array_equal(color, srgb((codes / np.float32(65535)).astype(np.float32)))


def test_eight_bit_pictures_decode_exactly(tmp_path: Path) -> None:
    codes = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    color = read(write(tmp_path / "a.png", codes, "uint8")).color
    np.testing.assert_array_equal(color, srgb((codes / np.float32(255)).astype(np.float32)))


def test_ten_bit_dpx_keeps_ten_bits(tmp_path: Path) -> None:
    codes = np.arange(1023 - 192, 1023, dtype=np.float32).reshape(8, 8, 3) / 1023
    path = write(tmp_path / "a.dpx", codes, "uint16", oiio__BitsPerSample=10)
    color = read(path, encoding="linear").color
    assert len(np.unique(color)) == codes.size
    np.testing.assert_allclose(color, codes, atol=2e-5)


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
def test_lossless_float_exr_comes_back_bit_for_bit_with_values_beyond_one(tmp_path: Path, name: str) -> None:
    pixels = noise(peak=50.0) - 1
    path = write_exr(tmp_path / "a.exr", {"RGB": pixels}, compression=getattr(OpenEXR, f"{name}_COMPRESSION"))
    picture = read(path)
    assert picture.color.tobytes() == pixels.tobytes()
    assert picture.alpha is None


@pytest.mark.parametrize("name", ["PXR24", "B44", "B44A", "DWAA", "DWAB", "HTJ2K32", "HTJ2K256", "LJ2K", "ZSTD"])
def test_every_other_exr_compression_reads(tmp_path: Path, name: str) -> None:
    if not hasattr(OpenEXR, f"{name}_COMPRESSION"):
        pytest.skip(f"this OpenEXR does not write {name}")
    smooth = np.linspace(0.2, 0.8, 64, dtype=np.float16).reshape(1, 64, 1).repeat(48, 0).repeat(3, 2)
    path = write_exr(
        tmp_path / "a.exr", {"RGB": np.ascontiguousarray(smooth)}, compression=getattr(OpenEXR, f"{name}_COMPRESSION")
    )
    np.testing.assert_allclose(read(path).color, smooth.astype(np.float32), atol=0.02)


def test_not_a_number_and_infinity_reach_the_keyer(tmp_path: Path) -> None:
    pixels = noise()
    pixels[2, 3], pixels[4, 5, 0] = np.nan, np.inf
    color = read(write_exr(tmp_path / "a.exr", {"RGB": pixels})).color
    assert np.isnan(color[2, 3]).all()
    assert np.isinf(color[4, 5, 0])
    assert np.isfinite(color).sum() == color.size - 4


@pytest.mark.parametrize("encoding", ["acescg", "srgb", "arri-logc3", "pq", "hlg", "rec2020", "cineon"])
def test_not_a_number_and_infinity_stay_where_they_are_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    pixels = noise()
    pixels[2, 3], pixels[4, 5], pixels[6, 6] = np.nan, np.inf, -np.inf
    color = read(write_exr(tmp_path / "a.exr", {"RGB": pixels}), encoding=encoding).color
    assert np.isnan(color[2, 3]).all()
    bad = ~np.isfinite(color).all(axis=2)
    assert bad.sum() <= 3


def test_float_tiff_is_linear_and_exact(tmp_path: Path) -> None:
    pixels = noise(peak=4.0)
    path = write(tmp_path / "a.tif", pixels, "float")
    assert format_of(path).encoding == "linear"
    assert read(path).color.tobytes() == pixels.tobytes()


def test_a_jpeg_is_srgb(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", np.full((16, 16, 3), 128, np.uint8), "uint8")
    assert format_of(path).encoding == "srgb"
    assert read(path).color == pytest.approx(np.full((16, 16, 3), 0.21586), abs=0.005)


# ---- alpha


def test_straight_rgba_png_keeps_its_rgb(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 65536, (8, 8, 4), dtype=np.uint16)
    codes[0, 0, 3] = 0
    path = write(tmp_path / "a.png", codes, "uint16", oiio__UnassociatedAlpha=1)
    picture = read(path, encoding="linear", plate_alpha="garbage")
    np.testing.assert_array_equal(picture.color, (codes[..., :3] / np.float32(65535)).astype(np.float32))
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, (codes[..., 3] / np.float32(65535)).astype(np.float32))


def test_premultiplied_exr_is_left_as_it_is(tmp_path: Path) -> None:
    pixels = noise(4)
    picture = read(write_exr(tmp_path / "a.exr", {"RGBA": pixels}), plate_alpha="garbage")
    assert picture.color.tobytes() == np.ascontiguousarray(pixels[..., :3]).tobytes()
    assert picture.alpha is not None
    assert picture.alpha.tobytes() == np.ascontiguousarray(pixels[..., 3]).tobytes()


def test_alpha_is_not_read_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert read(write_exr(tmp_path / "a.exr", {"RGBA": noise(4)})).alpha is None


def test_grey_pictures_become_three_equal_channels(tmp_path: Path) -> None:
    codes = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    color = read(write(tmp_path / "a.png", codes, "uint8")).color
    assert color.shape == (8, 8, 3)
    np.testing.assert_array_equal(color[..., 0], color[..., 2])


# ---- windows, layers, parts


def test_a_data_window_smaller_and_offset_is_placed_in_the_display_window(tmp_path: Path) -> None:
    pixels = noise(4, 4, 5)
    header = {"dataWindow": ((3, 2), (7, 5)), "displayWindow": ((0, 0), (15, 11))}
    picture = read(write_exr(tmp_path / "a.exr", {"RGBA": pixels}, **header), plate_alpha="garbage")
    assert picture.color.shape == (12, 16, 3)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.color[2:6, 3:8], pixels[..., :3])
    picture.color[2:6, 3:8] = 0
    assert not picture.color.any()
    assert not picture.alpha[:2].any()


def test_a_data_window_larger_than_the_display_window_is_cropped(tmp_path: Path) -> None:
    pixels = noise(3, 12, 16)
    header = {"dataWindow": ((-2, -3), (13, 8)), "displayWindow": ((0, 0), (9, 7))}
    color = read(write_exr(tmp_path / "a.exr", {"RGB": pixels}, **header)).color
    np.testing.assert_array_equal(color, pixels[3:11, 2:12])


def test_a_display_window_that_does_not_start_at_zero_is_the_picture(tmp_path: Path) -> None:
    pixels = noise(3, 4, 5)
    header = {"dataWindow": ((11, 21), (15, 24)), "displayWindow": ((10, 20), (19, 27))}
    color = read(write_exr(tmp_path / "a.exr", {"RGB": pixels}, **header)).color
    assert color.shape == (8, 10, 3)
    np.testing.assert_array_equal(color[1:5, 1:6], pixels)


def test_a_layer_is_chosen_by_name_and_an_unknown_one_is_refused_with_the_names(tmp_path: Path) -> None:
    plain, beauty = noise(), noise(peak=9.0)
    channels = {name: np.ascontiguousarray(plain[..., k]) for k, name in enumerate("RGB")}
    channels |= {f"beauty.{name}": np.ascontiguousarray(beauty[..., k]) for k, name in enumerate("RGB")}
    path = write_exr(tmp_path / "a.exr", channels | {"depth.Z": np.ascontiguousarray(plain[..., 0])})
    np.testing.assert_array_equal(read(path).color, plain)
    np.testing.assert_array_equal(read(path, layer="beauty").color, beauty)
    with pytest.raises(BadInput, match=r"no layer “glow”. It has: beauty"):
        read(path, layer="glow")


def test_a_part_is_chosen_by_name(tmp_path: Path) -> None:
    left, right = noise(), noise(peak=3.0)
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"Z": np.ascontiguousarray(left[..., 0])}, name="depth"),
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": left}, name="left"),
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": right}, name="right"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(read(tmp_path / "a.exr").color, left)
    np.testing.assert_array_equal(read(tmp_path / "a.exr", layer="right").color, right)
    with pytest.raises(BadInput, match="left, right"):
        read(tmp_path / "a.exr", layer="middle")


def test_several_layers_and_no_plain_one_ask_for_a_name(tmp_path: Path) -> None:
    pixels = noise()
    channels = {
        f"{layer}.{name}": np.ascontiguousarray(pixels[..., k]) for layer in "ab" for k, name in enumerate("RGB")
    }
    with pytest.raises(BadInput, match=r"several layers.*Name one: a, b"):
        read(write_exr(tmp_path / "a.exr", channels))


# ---- encodings, rates, shapes


def test_chromaticities_are_converted_and_named_so_that_a_clean_plate_can_follow(tmp_path: Path) -> None:
    ap1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    pixels = noise()
    path = write_exr(tmp_path / "a.exr", {"RGB": pixels}, chromaticities=ap1)
    assert format_of(path).encoding == "acescg"
    assert "chromaticities" in format_of(path).encoding_reason
    # ACEScg to Rec.709 with Bradford, as ACES publishes it (rounded).
    published = np.array([[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055], [-0.02400, -0.12897, 1.15297]])
    np.testing.assert_allclose(read(path).color, pixels @ published.T, atol=1e-4)


def test_unknown_primaries_are_converted_and_the_encoding_says_them(tmp_path: Path) -> None:
    odd = (0.7, 0.3, 0.2, 0.75, 0.14, 0.05, 0.3127, 0.3290)
    path = write_exr(tmp_path / "a.exr", {"RGB": np.full((8, 8, 3), 0.5, np.float32)}, chromaticities=odd)
    encoding = format_of(path).encoding
    assert encoding == "linear 0.7 0.3 0.2 0.75 0.14 0.05 0.3127 0.329"
    assert read(path).color == pytest.approx(np.full((8, 8, 3), 0.5), abs=1e-6)
    np.testing.assert_array_equal(read(path, encoding=encoding).color, read(path).color)


def test_rec709_chromaticities_change_no_bit(tmp_path: Path) -> None:
    pixels = noise(peak=20)
    rec709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
    assert (
        read(write_exr(tmp_path / "a.exr", {"RGB": pixels}, chromaticities=rec709)).color.tobytes() == pixels.tobytes()
    )


def test_an_asked_encoding_wins_over_tags(tmp_path: Path) -> None:
    ap1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    pixels = noise()
    path = write_exr(tmp_path / "a.exr", {"RGB": pixels}, chromaticities=ap1)
    assert read(path, encoding="linear").color.tobytes() == pixels.tobytes()
    assert format_of(path, encoding="linear").encoding_reason == "asked for"


def test_log_plates_decode_by_name(tmp_path: Path) -> None:
    codes = np.full((8, 8, 3), round(400 / 1023 * 65535), np.uint16)
    assert read(write(tmp_path / "a.png", codes, "uint16"), encoding="arri-logc3").color == pytest.approx(
        np.full((8, 8, 3), 0.18), abs=2e-3
    )


@pytest.mark.parametrize(
    ("tag", "encoding"),
    [("lin_rec709_scene", "linear"), ("g22_rec709_scene", "srgb"), ("srgb_rec709_scene", "srgb")],
)
def test_png_gamma_tags_are_honored(tmp_path: Path, tag: str, encoding: str) -> None:
    path = write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8), "uint8", oiio__ColorSpace=tag)
    assert format_of(path).encoding == encoding


@pytest.mark.parametrize(("cicp", "encoding"), [((9, 16, 0, 1), "pq"), ((9, 18, 0, 1), "hlg")])
def test_png_cicp_tags_are_honored(tmp_path: Path, cicp: tuple[int, ...], encoding: str) -> None:
    path = tmp_path / "a.png"
    spec = oiio.ImageSpec(8, 8, 3, "uint16")
    spec.attribute("CICP", "int[4]", cicp)
    file = oiio.ImageOutput.create(str(path))
    file.open(str(path), spec)
    file.write_image(np.zeros((8, 8, 3), np.float32))
    file.close()
    assert format_of(path).encoding == encoding


@pytest.mark.parametrize(("transfer", "encoding"), [(1, "cineon"), (3, "cineon"), (2, "rec709"), (6, "rec709")])
def test_dpx_transfers_are_honored(tmp_path: Path, transfer: int, encoding: str) -> None:
    path = write(tmp_path / "a.dpx", np.zeros((8, 8, 3), np.float32), "uint16", oiio__BitsPerSample=10)
    content = bytearray(path.read_bytes())
    content[801] = transfer  # SMPTE 268M: transfer characteristic of the first image element
    path.write_bytes(content)
    assert format_of(path).encoding == encoding


def test_rate_and_pixel_shape_come_from_the_file_exactly(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", {"RGB": noise()}, framesPerSecond=Fraction(24000, 1001), pixelAspectRatio=2.0)
    found = format_of(path)
    assert (found.fps, found.pixel_aspect_ratio) == (Fraction(24000, 1001), 2.0)
    assert format_of(write(tmp_path / "b.png", noise(), "uint8")).fps is None


def test_an_unknown_encoding_is_refused_with_the_shot(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^a: There is no encoding"):
        read(write(tmp_path / "a.png", noise(), "uint8"), encoding="nonsense")


# ---- one picture


def test_one_picture_reads_by_path_as_stored_or_as_light(tmp_path: Path) -> None:
    codes = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    path = write(tmp_path / "a.png", codes, "uint8")
    np.testing.assert_array_equal(read_picture(path, encoding="linear"), (codes / np.float32(255)).astype(np.float32))
    assert read_picture(path)[4, 4, 0] < codes[4, 4, 0] / 255
