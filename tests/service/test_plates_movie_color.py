"""Plates that are movies: matrix, range, depth, curve, chroma, alpha and rotation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from service.plates.planes import frame_to_rgb
from tests.service.movies_on_disk import LOSSLESS, format_of, grey, opened, video_frame, write_movie


def tagged(
    matrix: int | None = None, limited: bool | None = None, transfer: int | None = None, primaries: int = 2
) -> Any:
    def tag(context: Any) -> None:
        if matrix is not None:
            context.colorspace = matrix
        if limited is not None:
            context.color_range = 1 if limited else 2
        if transfer is not None:
            context.color_trc = transfer
        context.color_primaries = primaries

    return tag


def flat_movie(path: Path, rgb: tuple[int, int, int], kr: float, kb: float, size: tuple[int, int], **more: Any) -> Path:
    """A movie of one color, its numbers computed from the definition of the matrix; 4:4:4, limited range."""
    red, green, blue = (value / 255 for value in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    numbers = (
        16 + 219 * luma,
        128 + 224 * (blue - luma) / (2 * (1 - kb)),
        128 + 224 * (red - luma) / (2 * (1 - kr)),
    )
    width, height = size
    planes = [np.full((height, width), round(number), np.uint8) for number in numbers]
    return write_movie(path, [planes, planes], "libx264", "yuv444p", **more)


def encoded(path: Path) -> NDArray[np.float32]:
    """The first pixel as 8-bit RGB, before any curve."""
    with opened(path, encoding="linear") as plate:
        return plate.read(1).color[10, 10] * 255


REC709 = (0.2126, 0.0722)
REC601 = (0.299, 0.114)
SCREEN = (40, 180, 60)


def test_untagged_hd_is_rec709_and_untagged_sd_is_rec601(tmp_path: Path) -> None:
    hd = flat_movie(tmp_path / "hd.mp4", SCREEN, *REC709, size=(1280, 720))
    sd = flat_movie(tmp_path / "sd.mp4", SCREEN, *REC601, size=(720, 576))
    assert encoded(hd) == pytest.approx(SCREEN, abs=1.5)
    assert encoded(sd) == pytest.approx(SCREEN, abs=1.5)


@pytest.mark.parametrize(("matrix", "weights"), [(1, REC709), (6, REC601), (5, REC601), (9, (0.2627, 0.0593))])
def test_the_tagged_matrix_wins_over_the_size(tmp_path: Path, matrix: int, weights: tuple[float, float]) -> None:
    for size in ((1280, 720), (320, 240)):
        path = flat_movie(tmp_path / f"{size[0]}.mp4", SCREEN, *weights, size=size, tag=tagged(matrix))
        assert encoded(path) == pytest.approx(SCREEN, abs=1.5)


def test_full_range_is_read_as_full_range(tmp_path: Path) -> None:
    planes = [np.full((240, 320), value, np.uint8) for value in (255, 128, 128)]
    path = write_movie(tmp_path / "m.mp4", [planes], "libx264", "yuv444p", tag=tagged(1, limited=False))
    assert encoded(path) == pytest.approx((255, 255, 255), abs=0.01)


def test_levels_over_white_and_under_black_survive(tmp_path: Path) -> None:
    planes = [np.full((240, 320), 128, np.uint8) for _ in range(3)]
    planes[0] = np.repeat(np.array([[1, 16, 235, 254]], np.uint8), 80, axis=1).repeat(240, 0)
    path = write_movie(tmp_path / "m.mp4", [planes], "libx264", "yuv444p", tag=tagged(1))
    with opened(path) as plate:
        color = plate.read(1).color[0, ::80, 0]
    assert color[0] < 0
    assert color[1:3] == pytest.approx([0, 1], abs=1e-6)
    assert color[3] == pytest.approx((238 / 219) ** 2.4, rel=1e-4)


@pytest.mark.parametrize(("codec", "depth", "name"), [("libx265", 10, "m.mp4"), ("prores_ks", 10, "m.mov")])
def test_ten_bits_stay_ten_bits(tmp_path: Path, codec: str, depth: int, name: str) -> None:
    ramp = np.arange(400, 400 + 256, dtype=np.uint16)[None, :].repeat(128, 0)
    chroma = (2, 2) if codec == "libx265" else (2, 1)
    pixel_format = "yuv420p10le" if codec == "libx265" else "yuv422p10le"
    options = LOSSLESS.get(codec, {"profile": "hq", "qscale": "1"})
    path = write_movie(tmp_path / name, [[ramp, *grey(256, 128, depth, chroma)]], codec, pixel_format, options=options)
    with opened(path, encoding="linear") as plate:
        luma = plate.read(1).color[64, :, 1] * 876 + 64
    if codec == "libx265":
        assert luma == pytest.approx(ramp[0], abs=0.01)
    assert len(np.unique(np.round(luma))) > 200  # eight bits would leave 64 levels


def test_prores_4444_brings_its_alpha_when_asked(tmp_path: Path) -> None:
    planes = [np.full((96, 128), value, np.uint16) for value in (500, 512, 512)]
    alpha = np.linspace(0, 1023, 128).astype(np.uint16)[None, :].repeat(96, 0)
    path = write_movie(
        tmp_path / "m.mov",
        [[*planes, alpha]],
        "prores_ks",
        "yuva444p10le",
        options={"profile": "4444", "alpha_bits": "16"},
    )
    with opened(path, plate_alpha="garbage") as plate:
        found = plate.read(1).alpha
    assert found is not None
    assert found[0] == pytest.approx(alpha[0] / 1023, abs=1e-3)
    with opened(path) as plate:
        assert plate.read(1).alpha is None


@pytest.mark.parametrize(
    ("transfer", "primaries", "encoding"),
    [
        (None, 2, "rec709"),
        (1, 1, "rec709"),
        (13, 1, "srgb"),
        (16, 9, "pq"),
        (18, 9, "hlg"),
        (14, 9, "rec2020"),
        (8, 1, "rec709"),  # 8 bits of YUV cannot hold linear light
    ],
)
def test_the_curve_comes_from_the_tags(tmp_path: Path, transfer: int | None, primaries: int, encoding: str) -> None:
    path = flat_movie(
        tmp_path / "m.mp4", SCREEN, *REC709, size=(128, 96), tag=tagged(1, transfer=transfer, primaries=primaries)
    )
    assert format_of(path).encoding == encoding
    assert format_of(path, encoding="arri-logc3").encoding == "arri-logc3"


def test_rgb_movies_are_full_range(tmp_path: Path) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    path = tmp_path / "m.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264rgb", rate=24, options=LOSSLESS["libx264"])
        stream.width, stream.height, stream.pix_fmt = 128, 96, "rgb24"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        file.mux(stream.encode())
    with opened(path, encoding="linear") as plate:
        np.testing.assert_allclose(plate.read(1).color * 255, rgb, atol=1e-4)


def test_chroma_is_interpolated_from_where_it_lies() -> None:
    """A chroma ramp comes back as a ramp: cosited across a line, between lines from line to line."""
    luma = np.full((16, 32), 126, np.uint8)
    across = (128 + 2 * np.arange(16)).astype(np.uint8)[None, :].repeat(8, 0)
    down = (128 + 2 * np.arange(8)).astype(np.uint8)[:, None].repeat(16, 1)
    plain = np.full((8, 16), 128, np.uint8)

    def red(chroma: NDArray[np.uint8]) -> NDArray[np.float32]:
        rgb = frame_to_rgb(video_frame([luma, plain, chroma], "yuv420p"))
        return (rgb[..., 0] - rgb[8, 0, 2]) / (2 * (1 - 0.299)) * 224

    assert red(across)[5, :31] == pytest.approx(np.arange(31), abs=1e-3)
    assert red(down)[1:15, 5] == pytest.approx(np.arange(14) + 0.5, abs=1e-3)


@pytest.mark.parametrize("size", [(33, 17), (31, 15)])
def test_odd_sizes_keep_every_pixel(size: tuple[int, int]) -> None:
    width, height = size
    half = [np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8) for _ in range(2)]
    rgb = frame_to_rgb(video_frame([np.full((height, width), 126, np.uint8), *half], "yuv420p"))
    assert rgb.shape == (height, width, 3)
    assert np.ptp(rgb) < 1e-6


@pytest.mark.parametrize(("packed", "planar"), [("nv12", "yuv420p"), ("yuyv422", "yuv422p"), ("p010le", "yuv420p10le")])
def test_packed_formats_hold_the_same_numbers(packed: str, planar: str) -> None:
    random = np.random.default_rng(4)
    high = 1024 if "10" in planar else 256
    kind = np.uint16 if high == 1024 else np.uint8
    lines = 16 if "422" in planar else 8
    planes = [random.integers(0, high, shape).astype(kind) for shape in ((16, 32), (lines, 16), (lines, 16))]
    frame = video_frame(planes, planar)
    np.testing.assert_allclose(frame_to_rgb(frame.reformat(format=packed)), frame_to_rgb(frame), atol=1e-6)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotation_in_the_file_is_applied(tmp_path: Path, degrees: int) -> None:
    luma = np.full((96, 128), 50, np.uint8)
    luma[:24, :32] = 200  # the top left corner as the camera held it
    path = tmp_path / "m.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=24, options=LOSSLESS["libx264"])
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.set_display_rotation(degrees)
        file.mux(stream.encode(video_frame([luma, *grey(128, 96)], "yuv420p")))
        file.mux(stream.encode())
    with opened(path) as plate:
        picture = plate.read(1).color[..., 1]
        shape = (plate.format.height, plate.format.width)
    with av.open(str(path)) as file:
        turned = next(file.decode(video=0)).rotation % 360
    assert turned in (degrees, 360 - degrees)
    assert picture.shape == shape == ((128, 96) if degrees != 180 else (96, 128))
    # FFmpeg's angle is counter-clockwise: at 90 the top left corner is shown at the bottom left.
    corner = {90: (-1, 0), 180: (-1, -1), 270: (0, -1)}[turned]
    assert picture[corner] > 0.3
    assert picture.mean() < 0.1
