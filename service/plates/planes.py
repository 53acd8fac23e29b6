"""Decoded movie frames to float RGB: planes, range and matrix, computed here because swscale guesses and rounds.

Values stay as encoded (no transfer curve); 10 and 12 bits stay 10 and 12 bits, and levels under black and over white
survive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from service.errors import PlateUnreadable

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


def frame_to_rgb(frame: VideoFrame, *, centered_chroma: bool = False) -> Floats:
    """Return the frame's colors as encoded, float32 (H, W, 3), 0 black and 1 white.

    Range and matrix are the frame's own; without tags YUV is limited range, Rec.709 from 720 lines on and Rec.601
    below; RGB is full range whatever its tag. Chroma is interpolated linearly from where H.264, HEVC, ProRes and DNx
    put it: horizontally on every second pixel, vertically between lines (``centered_chroma``: between pixels, too, as
    JPEG does). Raises PlateUnreadable for pixel formats and matrices that are not known.
    """
    frame = _planar(frame)
    components = [part for part in frame.format.components if not part.is_alpha]
    planes = [_plane(frame, part.plane) for part in components]
    if frame.format.is_rgb:
        return _scaled_together(planes, [_full_scale(part.bits) for part in components])
    bits = components[0].bits
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    black, reach, chroma_reach = _levels(bits, full)
    luma = (planes[0] - black) * np.float32(1 / reach)
    if len(planes) == 1:
        return np.repeat(luma[..., None], 3, axis=2)
    kr, kb = _coefficients(frame)
    middle = np.float32(1 << (bits - 1))
    blue, red = ((plane - middle) * np.float32(1 / chroma_reach) for plane in planes[1:3])
    rgb = np.empty((*luma.shape, 3), np.float32)
    kg = 1 - kr - kb
    # The matrix is linear, so it is applied at chroma's own, smaller size.
    for channel, chroma in enumerate(
        (
            red * np.float32(2 * (1 - kr)),
            blue * np.float32(-2 * kb * (1 - kb) / kg) + red * np.float32(-2 * kr * (1 - kr) / kg),
            blue * np.float32(2 * (1 - kb)),
        )
    ):
        np.add(luma, _enlarged(chroma, luma.shape, centered_chroma), out=rgb[..., channel])
    return rgb


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


def _scaled_together(planes: list[Floats], scales: list[float]) -> Floats:
    return np.stack([plane * np.float32(1 / scale) for plane, scale in zip(planes, scales, strict=True)], axis=-1)


def _levels(bits: int, full: bool) -> tuple[np.float32, float, float]:
    """Return black, and the reach of luma and of chroma. Source: ITU-T H.273 (2021), equations 20 to 31."""
    if full:
        return np.float32(0), float((1 << bits) - 1), float((1 << bits) - 1)
    step = 1 << (bits - 8)
    return np.float32(16 * step), 219.0 * step, 224.0 * step


def _coefficients(frame: VideoFrame) -> tuple[float, float]:
    number = int(frame.colorspace)
    if number == _UNSPECIFIED:
        number = 1 if frame.height >= _HD_LINES else 6
    if number not in _MATRICES:
        raise PlateUnreadable(
            f"Its color matrix (number {number} of H.273) is not supported.", fix="Export it as Rec.709 or as pictures."
        )
    return _MATRICES[number]


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
