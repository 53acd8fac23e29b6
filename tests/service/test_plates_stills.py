"""Plates of picture files: depth, alpha, windows, layers, encodings, and every way a file can be wrong."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from numpy.typing import NDArray

from model.settings import KeySettings
from service.errors import BadInput, DropKeyError, PlateMismatch, PlateMissing, PlateUnreadable
from service.plates import Picture, PlateFormat, open_plate, read_picture
from service.plates.curves import srgb
from service.shots import shot_from_plate

Floats = NDArray[np.float32]


def noise(channels: int = 3, height: int = 12, width: int = 16, peak: float = 1.0) -> Floats:
    return (np.random.default_rng(5).random((height, width, channels)) * peak).astype(np.float32)


def write(path: Path, pixels: NDArray[Any], stored_as: str, **attributes: Any) -> Path:
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, stored_as)
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    file = oiio.ImageOutput.create(str(path))
    assert file is not None, oiio.geterror()
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.ascontiguousarray(pixels)), file.geterror()
    file.close()
    return path


def write_exr(path: Path, channels: dict[str, NDArray[Any]], **header: Any) -> Path:
    base = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    OpenEXR.File({**base, **header}, channels).write(str(path))
    return path


def read(plate: Path, frame: int = 1, **settings: Any) -> Picture:
    with open_plate(shot_from_plate(plate), KeySettings(**settings)) as opened:
        return opened.read(frame)


def format_of(plate: Path, **settings: Any) -> PlateFormat:
    with open_plate(shot_from_plate(plate), KeySettings(**settings)) as opened:
        return opened.format


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


# ---- what can be wrong


def sequence(folder: Path, count: int = 3, extension: str = "exr") -> Path:
    for frame in range(1, count + 1):
        write(folder / f"s.{frame:04d}.{extension}", noise(), "float" if extension == "exr" else "uint16")
    return folder / f"s.####.{extension}"


@pytest.mark.parametrize("extension", ["exr", "png", "tif", "dpx", "jpg"])
@pytest.mark.parametrize("share", [0.97, 0.5, 0.02])
def test_a_truncated_frame_is_unreadable_and_the_others_are_not(tmp_path: Path, extension: str, share: float) -> None:
    pixels = noise(3, 64, 64)
    for frame in (1, 2, 3):
        write(tmp_path / f"s.{frame:04d}.{extension}", pixels, "float" if extension == "exr" else "uint16")
    path = tmp_path / f"s.0001.{extension}"
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * share))])
    with open_plate(shot_from_plate(tmp_path), KeySettings()) as plate:
        with pytest.raises(PlateUnreadable) as wrong:
            plate.read(1)
        assert (wrong.value.shot, wrong.value.frame) == ("s", 1)
        assert wrong.value.fix
        assert plate.read(2).color.shape == (64, 64, 3)


@pytest.mark.parametrize("extension", ["exr", "png", "tif", "dpx", "jpg"])
def test_an_empty_file_is_unreadable(tmp_path: Path, extension: str) -> None:
    (tmp_path / f"a.{extension}").touch()
    with pytest.raises(PlateUnreadable, match="empty"):
        read(tmp_path / f"a.{extension}")


def test_a_frame_of_another_size_is_a_mismatch(tmp_path: Path) -> None:
    pattern = sequence(tmp_path)
    write(tmp_path / "s.0002.exr", noise(3, 10, 10), "float")
    with open_plate(shot_from_plate(pattern), KeySettings()) as plate:
        with pytest.raises(PlateMismatch, match=r"s frame 2: It is 10 × 10 pixels; the shot is 16 × 12"):
            plate.read(2)
        plate.read(3)


def test_a_frame_or_shot_deleted_half_way_is_missing(tmp_path: Path) -> None:
    with open_plate(shot_from_plate(sequence(tmp_path)), KeySettings()) as plate:
        plate.read(1)
        for path in tmp_path.iterdir():
            path.unlink()
        with pytest.raises(PlateMissing, match=r"s frame 2: s\.0002\.exr is not there"):
            plate.read(2)
        with pytest.raises(PlateMissing, match="no such frame"):
            plate.read(9)


def test_content_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "b.jpg", noise(), "uint8")
    (tmp_path / "b.jpg").rename(tmp_path / "a.exr")
    with pytest.raises(PlateUnreadable, match="a JPEG picture by its content"):
        read(tmp_path / "a.exr")


def test_garbage_is_unreadable(tmp_path: Path) -> None:
    for extension in ("exr", "png", "tif", "dpx", "jpg", "bmp", "tga", "cin"):
        path = tmp_path / f"a.{extension}"
        path.write_bytes(np.random.default_rng(2).bytes(5000))
        with pytest.raises(PlateUnreadable):
            read(path)


def with_window(path: Path, width: int, height: int) -> Path:
    write_exr(path, {"RGB": noise()})
    content = bytearray(path.read_bytes())
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = content.find(name) + len(name) + 4
        content[at : at + 16] = struct.pack("<4i", 0, 0, width - 1, height - 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [(100_000, 100_000), (40_000, 2), (2**31 - 1, 2**31 - 1)])
def test_a_huge_header_is_refused_before_memory_is_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PlateUnreadable):
        read(with_window(tmp_path / "a.exr", *size))


def test_limits_are_the_callers(tmp_path: Path) -> None:
    shot = shot_from_plate(write(tmp_path / "a.png", noise(3, 40, 40), "uint8"))
    with pytest.raises(PlateUnreadable, match="40 × 40 pixels; 32 a side is the most"):
        open_plate(shot, KeySettings(), maximum_side_pixels=32)
    large = shot_from_plate(write(tmp_path / "b.exr", noise(3, 600, 600), "float"))
    with pytest.raises(PlateUnreadable):
        open_plate(large, KeySettings(), maximum_picture_mib=1)
    with open_plate(large, KeySettings()) as plate:
        plate.read(1)


def test_a_png_with_a_huge_header_is_refused(tmp_path: Path) -> None:
    import zlib

    path = write(tmp_path / "a.png", noise(), "uint8")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">2I", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(PlateUnreadable):
        read(path)


def test_too_many_channels_or_parts_are_refused(tmp_path: Path) -> None:
    plane = np.zeros((4, 4), np.float32)
    with pytest.raises(PlateUnreadable):
        read(write_exr(tmp_path / "a.exr", {f"layer{n:02d}.R": plane for n in range(33)}))
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": np.zeros((4, 4, 3), np.float32)}, name=f"part{n}")
        for n in range(9)
    ]
    OpenEXR.File(parts).write(str(tmp_path / "b.exr"))
    with pytest.raises(PlateUnreadable, match="more than 8 parts"):
        read(tmp_path / "b.exr")


def test_a_deep_exr_is_refused(tmp_path: Path) -> None:
    rows = np.empty((4, 4), dtype=object)
    for place in np.ndindex(4, 4):
        rows[place] = np.array([0.5, 0.6], dtype=np.float32)
    OpenEXR.File(
        {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}, dict.fromkeys("RGBA", rows)
    ).write(str(tmp_path / "a.exr"))
    with pytest.raises(PlateUnreadable, match="deep"):
        read(tmp_path / "a.exr")


def test_a_plate_whose_first_frames_are_all_broken_says_why(tmp_path: Path) -> None:
    for frame in (1, 2):
        (tmp_path / f"s.{frame:04d}.exr").touch()
    with pytest.raises(DropKeyError, match=r"s frame 1: s\.0001\.exr is empty"):
        open_plate(shot_from_plate(tmp_path), KeySettings())


# ---- one picture


def test_one_picture_reads_by_path_as_stored_or_as_light(tmp_path: Path) -> None:
    codes = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    path = write(tmp_path / "a.png", codes, "uint8")
    np.testing.assert_array_equal(read_picture(path, encoding="linear"), (codes / np.float32(255)).astype(np.float32))
    assert read_picture(path)[4, 4, 0] < codes[4, 4, 0] / 255
