"""How pictures lie in their files: on their side, among many channels, parts and pages, or split in luma and chroma."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest

from service.errors import BadInput, PlateUnreadable
from tests.service.pictures_on_disk import Floats, format_of, noise, read, write, write_exr

# As seen: a bright corner at the top left, a dimmer one at the top right.
SEEN = np.zeros((24, 40, 3), np.float32)
SEEN[:8, :8], SEEN[:8, -8:] = 1.0, 0.5

# How the picture as seen is stored under each number. Source: TIFF 6.0, section 8, Orientation.
STORED = {
    1: SEEN,
    2: SEEN[:, ::-1],
    3: SEEN[::-1, ::-1],
    4: SEEN[::-1],
    5: SEEN.swapaxes(0, 1),
    6: SEEN.swapaxes(0, 1)[::-1],
    7: SEEN[::-1, ::-1].swapaxes(0, 1),
    8: SEEN.swapaxes(0, 1)[:, ::-1],
}


@pytest.mark.parametrize("extension", ["jpg", "tif", "png"])
@pytest.mark.parametrize("number", STORED)
def test_a_picture_that_lies_on_its_side_is_turned_as_its_tag_says(tmp_path: Path, number: int, extension: str) -> None:
    path = write(tmp_path / f"a.{extension}", STORED[number], "uint8", Orientation=number, PixelAspectRatio=2.0)
    found = format_of(path)
    color = read(path, encoding="linear").color
    assert (found.height, found.width) == color.shape[:2] == (24, 40)
    np.testing.assert_allclose(color, SEEN, atol=0.06 if extension == "jpg" else 0.003)
    assert found.pixel_aspect_ratio in (1.0, 2.0 if number < 5 else 0.5)


@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize(("code", "number"), [(0, 1), (1, 2), (2, 4), (3, 3), (4, 5), (5, 6), (6, 8), (7, 7)])
def test_a_dpx_that_lies_on_its_side_is_turned_as_its_header_says(
    tmp_path: Path, code: int, number: int, bits: int
) -> None:
    stored = np.ascontiguousarray(STORED[number])
    path = write(tmp_path / "a.dpx", stored, "uint8" if bits == 8 else "uint16", oiio__BitsPerSample=bits)
    content = bytearray(path.read_bytes())
    content[768:770] = struct.pack(">H" if content[:4] == b"SDPX" else "<H", code)  # SMPTE ST 268-1: orientation
    path.write_bytes(content)
    color = read(path, encoding="linear").color
    assert (format_of(path).height, format_of(path).width) == color.shape[:2] == (24, 40)
    np.testing.assert_allclose(color, SEEN, atol=0.003)


def test_an_orientation_that_makes_no_sense_or_stands_in_an_exr_turns_nothing(tmp_path: Path) -> None:
    for name, number in (("a.exr", 6), ("b.tif", 1)):
        path = write(tmp_path / name, SEEN, "half" if name.endswith("exr") else "uint8", Orientation=number)
        assert read(path, encoding="linear").color.shape == SEEN.shape


def test_a_plate_among_many_channels_is_read(tmp_path: Path) -> None:
    pixels = noise()
    mattes = {f"crypto{n:02d}.{name}": noise()[..., 0] for n in range(20) for name in "RGBA"}
    assert read(write_exr(tmp_path / "a.exr", {"RGB": pixels, **mattes})).color.tobytes() == pixels.tobytes()


def test_a_plate_among_many_parts_is_read_and_the_first_plain_one_is_meant(tmp_path: Path) -> None:
    def part(number: int, pixels: Floats) -> OpenEXR.Part:
        return OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": pixels}, name=f"part{number}")

    pixels = [noise(peak=1 + number) for number in range(12)]
    OpenEXR.File([part(number, plane) for number, plane in enumerate(pixels)]).write(str(tmp_path / "a.exr"))
    assert read(tmp_path / "a.exr").color.tobytes() == pixels[0].tobytes()
    assert read(tmp_path / "a.exr", layer="part10").color.tobytes() == pixels[10].tobytes()
    assert not format_of(tmp_path / "a.exr").warnings


def test_the_largest_page_of_a_tiff_is_meant_and_the_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    file = oiio.ImageOutput.create(str(path))
    for number, pixels in enumerate((noise(height=4, width=6), noise(), *(noise() for _ in range(10)))):
        spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "float")
        assert file.open(str(path), spec, "AppendSubimage" if number else "Create")
        file.write_image(pixels)
    file.close()
    assert read(path).color.tobytes() == noise().tobytes()
    assert format_of(path).warnings == ("a.tif holds 12 pages: page 2 is keyed, the others are left out.",)


def exr_with(path: Path, channels: dict[str, int], width: int = 16, height: int = 8) -> Path:
    """An EXR of flat channels, each with its subsampling. Source: OpenEXR, file layout."""

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(value)) + value

    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<iBBBBii", 2, 0, 0, 0, 0, step, step) for name, step in channels.items()
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2) + attribute("channels", "chlist", listed + b"\0")
    head += attribute("compression", "compression", b"\0") + attribute("lineOrder", "lineOrder", b"\0")
    head += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    head += attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
    head += attribute("screenWindowWidth", "float", struct.pack("<f", 1)) + b"\0"
    lines, places = b"", b""
    for y in range(height):
        steps = [step for step in channels.values() if y % step == 0]
        content = b"".join(np.full(width // step, 0.5, np.float32).tobytes() for step in steps)
        places += struct.pack("<Q", len(head) + 8 * height + len(lines))
        lines += struct.pack("<ii", y, len(content)) + content
    path.write_bytes(head + places + lines)
    return path


@pytest.mark.parametrize(
    ("channels", "why"),
    [
        ({"BY": 2, "RY": 2, "Y": 1}, "less than full size"),
        ({"BY": 1, "RY": 1, "Y": 1}, "luminance and chroma"),
        ({"B": 2, "G": 1, "R": 2}, "less than full size"),
    ],
)
def test_an_exr_split_in_luminance_and_chroma_is_refused_by_name(
    tmp_path: Path, channels: dict[str, int], why: str
) -> None:
    with pytest.raises(PlateUnreadable, match=f"{why}.*Save it as RGB"):
        read(exr_with(tmp_path / "a.exr", channels))


def test_an_exr_without_colors_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no R, G, B"):
        read(exr_with(tmp_path / "a.exr", {"U": 1, "V": 1}))


@pytest.mark.parametrize("descriptor", [100, 101, 102, 103])
def test_a_dpx_split_in_luma_and_chroma_is_refused_by_name(tmp_path: Path, descriptor: int) -> None:
    path = write(tmp_path / "a.dpx", SEEN, "uint8")
    content = bytearray(path.read_bytes())
    content[800] = descriptor  # SMPTE ST 268-1: descriptor of the first image element
    path.write_bytes(content)
    with pytest.raises(PlateUnreadable, match=r"luma and chroma.*Save it as RGB"):
        read(path)
