"""Decoded movie frames to float RGB: planes, range and matrix, computed here because swscale guesses and rounds.

Values stay as encoded (no transfer curve); 10 and 12 bits stay 10 and 12 bits, and levels under black and over white
survive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from model.settings import Matrix, Range
from service.errors import PlateUnreadable
from service.plates.h273 import PRIMARIES
from service.plates.primaries import luminance_weights

Floats = NDArray[np.float32]

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_LINES = 720

# Matrix coefficients by number → (Kr, Kb). Source: ITU-T H.273 (2021), table 4.
_MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
NAMES_OF_MATRICES = {1: "Rec.709", 4: "FCC", 5: "Rec.601", 6: "Rec.601", 7: "SMPTE 240M", 9: "Rec.2020"}
_YCGCO = 8
_IMPOSSIBLE = (0, 3)  # identity, which is that of RGB, and reserved
_BY_PRIMARIES = 12  # the matrix that follows from the primaries
_USUAL_WITH = {1: 1, 5: 5, 6: 6, 7: 7, 9: 9}  # primaries → the matrix that their standard has
_FOLLOWS = {number: luminance_weights(found) for number, (_, found) in PRIMARIES.items() if number != 10}
_ASKED: dict[Matrix, int] = {
    "auto": _UNSPECIFIED,
    "rec709": 1,
    "rec601": 6,
    "rec2020": 9,
    "smpte240": 7,
    "fcc": 4,
    "ycgco": _YCGCO,
}


@dataclass(frozen=True)
class YuvReading:
    """How the planes of a movie's frames become RGB, where their own tags do not decide it alone."""

    matrix: Matrix = "auto"
    """What the artist insists on."""

    range: Range = "auto"
    """What the artist insists on."""

    centered_chroma: bool = False
    """Chroma lies between pixels horizontally, too, as in JPEG."""

    container_matrix: int = _UNSPECIFIED
    """What the container says, where a frame's own matrix is impossible; then its primaries decide, then its size."""

    def is_full(self, frame: VideoFrame) -> bool:
        """Tell whether black and white of ``frame`` lie at the ends of its numbers."""
        if self.range != "auto":
            return self.range == "full"
        if frame.format.is_rgb:
            return True
        return bool(frame.color_range == _FULL_RANGE) or frame.format.name.startswith("yuvj")

    def matrix_of(self, frame: VideoFrame) -> int:
        """Return the matrix for ``frame`` by number."""
        number = _ASKED[self.matrix] if self.matrix != "auto" else int(frame.colorspace)
        if number in _IMPOSSIBLE:
            likely = _USUAL_WITH.get(int(frame.color_primaries), _UNSPECIFIED)
            number = self.container_matrix if self.container_matrix in _MATRICES else likely
        if number == _UNSPECIFIED:
            number = 1 if frame.height >= _HD_LINES else 6
        return number

    def is_impossible(self, frame: VideoFrame) -> bool:
        """Tell whether the frame's own matrix cannot be that of its pixels, and nobody insists on another."""
        has_chroma = sum(not part.is_alpha for part in frame.format.components) == 3
        return self.matrix == "auto" and has_chroma and not frame.format.is_rgb and int(frame.colorspace) in _IMPOSSIBLE


# Formats that interleave their channels → planar ones that hold the same numbers.
_PLANAR = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "y210le": "yuv422p10le",
    "ayuv64le": "yuva444p16le",
    "rgb24": "gbrp",
    "bgr24": "gbrp",
    "rgba": "gbrap",
    "bgra": "gbrap",
    "argb": "gbrap",
    "abgr": "gbrap",
    "rgb0": "gbrp",
    "bgr0": "gbrp",
    "0rgb": "gbrp",
    "0bgr": "gbrp",
    "rgb48le": "gbrp16le",
    "rgb48be": "gbrp16le",
    "rgba64le": "gbrap16le",
    "rgba64be": "gbrap16le",
    "pal8": "gbrap",
}


def frame_to_rgb(frame: VideoFrame, reading: YuvReading | None = None) -> Floats:
    """Return the frame's colors as encoded, float32 (H, W, 3), 0 black and 1 white.

    Range and matrix are the frame's own unless ``reading`` insists; without tags YUV is limited range, Rec.709 from 720
    lines on and Rec.601 below; RGB is full range whatever its tag. Chroma is interpolated linearly from where H.264,
    HEVC, ProRes and DNx put it: horizontally on every second pixel, vertically between lines. Raises PlateUnreadable
    for pixel formats and matrices that are not known.
    """
    reading = reading or YuvReading()
    frame = _planar(frame)
    components = [part for part in frame.format.components if not part.is_alpha]
    planes = [_plane(frame, part.plane) for part in components]
    bits = components[0].bits
    black, reach, chroma_reach = _levels(bits, reading.is_full(frame))
    if frame.format.is_rgb:
        return np.stack([(plane - black) * np.float32(1 / reach) for plane in planes], axis=-1)
    luma = (planes[0] - black) * np.float32(1 / reach)
    if len(planes) == 1:
        return np.repeat(luma[..., None], 3, axis=2)
    middle = np.float32(1 << (bits - 1))
    blue, red = ((plane - middle) * np.float32(1 / chroma_reach) for plane in planes[1:3])
    rgb = np.empty((*luma.shape, 3), np.float32)
    # The matrix is linear, so it is applied at chroma's own, smaller size.
    for channel, (of_blue, of_red) in enumerate(_chroma_weights(frame, reading)):
        chroma = blue * np.float32(of_blue) + red * np.float32(of_red)
        np.add(luma, _enlarged(chroma, luma.shape, reading.centered_chroma), out=rgb[..., channel])
    return rgb


def luma_of(frame: VideoFrame) -> NDArray[np.float32]:
    """Return luma (H, W) in eighths of bits: 16 is black and 235 white of limited range, whatever the depth."""
    frame = _planar(frame)
    part = frame.format.components[0]
    return _plane(frame, part.plane) * np.float32(2.0 ** (8 - part.bits))


def frame_alpha(frame: VideoFrame) -> Floats | None:
    """Return the frame's alpha, float32 (H, W), full range; None where its format has none."""
    frame = _planar(frame)
    for part in frame.format.components:
        if part.is_alpha:
            return _plane(frame, part.plane) * np.float32(1 / _full_scale(part.bits))
    return None


def _planar(frame: VideoFrame) -> VideoFrame:
    name = frame.format.name
    if len(frame.format.components) == len(frame.planes) and name != "pal8":
        return frame
    if name not in _PLANAR:
        raise PlateUnreadable(f"Its pixel format {name} is not supported.", fix="Export ProRes, DNx or pictures.")
    return frame.reformat(format=_PLANAR[name])


def _plane(frame: VideoFrame, number: int) -> NDArray[Any]:
    """View one plane without the padding at the end of its lines."""
    plane, name = frame.planes[number], frame.format.name
    bits = frame.format.components[0].bits
    order = ">" if name.endswith("be") else "<"
    kind = np.dtype("u1") if bits <= 8 else np.dtype(f"{order}{'f4' if 'f32' in name else 'u2'}")
    lines: NDArray[Any] = np.frombuffer(memoryview(plane), kind).reshape(-1, plane.line_size // kind.itemsize)
    return lines[: plane.height, : plane.width].astype(np.float32)


def _full_scale(bits: int) -> float:
    return 1.0 if bits == 32 else float((1 << bits) - 1)


def _levels(bits: int, full: bool) -> tuple[np.float32, float, float]:
    """Return black, and the reach of luma and of chroma. Source: ITU-T H.273 (2021), equations 20 to 31."""
    if bits == 32:
        return np.float32(0), 1.0, 1.0
    if full:
        return np.float32(0), float((1 << bits) - 1), float((1 << bits) - 1)
    step = 1 << (bits - 8)
    return np.float32(16 * step), 219.0 * step, 224.0 * step


def _chroma_weights(frame: VideoFrame, reading: YuvReading) -> tuple[tuple[float, float], ...]:
    """Return how much of Cb and Cr goes to R, G and B. Source: ITU-T H.273 (2021), equations 38 to 50."""
    number = reading.matrix_of(frame)
    if number == _YCGCO:  # Cg lies where Cb does, Co where Cr
        return (-1.0, 1.0), (1.0, 0.0), (-1.0, -1.0)
    weights = _FOLLOWS.get(int(frame.color_primaries)) if number == _BY_PRIMARIES else _MATRICES.get(number)
    if weights is None:
        raise PlateUnreadable(
            f"Its color matrix (number {number} of H.273) is not supported.",
            fix="Export it as Rec.709 or as pictures, or set matrix to the one that it has.",
        )
    kr, kb = weights
    kg = 1 - kr - kb
    return (
        (0.0, 2 * (1 - kr)),
        (-2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg),
        (2 * (1 - kb), 0.0),
    )


def _enlarged(chroma: Floats, shape: tuple[int, ...], centered: bool) -> Floats:
    """Interpolate chroma linearly to luma's size; what lies beyond the outermost sample repeats it."""
    high, wide = shape
    while chroma.shape[0] < high:
        chroma = _doubled(chroma, centered=True)
    sideways = chroma.T
    while sideways.shape[0] < wide:
        sideways = _doubled(sideways, centered=centered)
    return sideways.T[:high, :wide]


def _doubled(rows: Floats, *, centered: bool) -> Floats:
    """Double the rows: samples lie between the new rows (centered) or on every second one."""
    following = np.concatenate([rows[1:], rows[-1:]])
    doubled = np.empty((2 * rows.shape[0], rows.shape[1]), np.float32, order="C" if rows.flags.c_contiguous else "F")
    if centered:
        before = np.concatenate([rows[:1], rows[:-1]])
        doubled[0::2] = rows * np.float32(0.75) + before * np.float32(0.25)
        doubled[1::2] = rows * np.float32(0.75) + following * np.float32(0.25)
    else:
        doubled[0::2] = rows
        doubled[1::2] = (rows + following) * np.float32(0.5)
    return doubled
