"""Loss of color detail and of fine detail as JPEG and video codecs cause it, in torch on any device."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as functional
from torch import Tensor

# Example tables of ISO/IEC 10918-1 (JPEG), Annex K.1.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *([99] * 32),
)  # fmt: skip
_WEIGHTS = {"rec709": (0.2126, 0.0722), "rec601": (0.299, 0.114)}


def to_chroma(signal: Tensor, matrix: str = "rec709") -> Tensor:
    """Return Y′CbCr (N, 3, H, W), chroma around 0, of an encoded RGB signal (ITU-R BT.709 or BT.601 weights)."""
    red, blue = _WEIGHTS[matrix]
    luma = red * signal[:, 0] + (1 - red - blue) * signal[:, 1] + blue * signal[:, 2]
    return torch.stack((luma, (signal[:, 2] - luma) / (2 - 2 * blue), (signal[:, 0] - luma) / (2 - 2 * red)), dim=1)


def from_chroma(picture: Tensor, matrix: str = "rec709") -> Tensor:
    """Return the encoded RGB signal of Y′CbCr; the inverse of ``to_chroma``."""
    red, blue = _WEIGHTS[matrix]
    r = picture[:, 0] + (2 - 2 * red) * picture[:, 2]
    b = picture[:, 0] + (2 - 2 * blue) * picture[:, 1]
    g = (picture[:, 0] - red * r - blue * b) / (1 - red - blue)
    return torch.stack((r, g, b), dim=1)


def subsample(chroma: Tensor, scheme: str) -> Tensor:
    """Return chroma (N, 2, H, W) at the resolution of ``4:4:4``, ``4:2:2`` or ``4:2:0``."""
    if scheme == "4:4:4":
        return chroma
    height, width = chroma.shape[-2:]
    size = (height if scheme == "4:2:2" else math.ceil(height / 2), math.ceil(width / 2))
    return functional.interpolate(chroma, size, mode="area")


def restore(chroma: Tensor, height: int, width: int) -> Tensor:
    """Return subsampled chroma at full resolution."""
    if chroma.shape[-2:] == (height, width):
        return chroma
    return functional.interpolate(chroma, (height, width), mode="bilinear", align_corners=False)


@lru_cache(maxsize=8)
def _transform(device: torch.device) -> Tensor:
    position = torch.arange(8, dtype=torch.float64)
    basis: Tensor = torch.cos((2 * position.view(1, -1) + 1) * position.view(-1, 1) * math.pi / 16) * 0.5
    basis[0] *= math.sqrt(0.5)
    return basis.to(device, torch.float32)


@lru_cache(maxsize=8)
def _table(device: torch.device, color: bool) -> Tensor:
    return torch.tensor(_CHROMINANCE if color else _LUMINANCE, dtype=torch.float32, device=device).view(8, 8)


def quantize_blocks(planes: Tensor, quality: float, *, color: bool, origin: tuple[int, int] = (0, 0)) -> Tensor:
    """Return planes (N, C, H, W; signal 0–1) after the 8×8 DCT was rounded as JPEG does at ``quality`` 1–100.

    ``origin`` (0–7, 0–7) is where the picture lies in the grid of blocks, as for a crop of a larger picture.
    """
    height, width = planes.shape[-2:]
    top, left = origin
    bottom, right = -(top + height) % 8, -(left + width) % 8
    padded = functional.pad(planes * 255, (left, right, top, bottom), mode="replicate")
    rows, columns = padded.shape[-2] // 8, padded.shape[-1] // 8
    blocks = padded.reshape(-1, rows, 8, columns, 8).transpose(2, 3)
    basis = _transform(planes.device)
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    table = (_table(planes.device, color) * scale).clamp(1, 255)
    coefficients = torch.round(basis @ blocks @ basis.T / table) * table
    restored = (basis.T @ coefficients @ basis).transpose(2, 3).reshape(padded.shape)
    result: Tensor = restored[..., top : top + height, left : left + width] / 255
    return result


def compress(
    signal: Tensor, *, scheme: str, quality: float | None, bits: int, matrix: str, origin: tuple[int, int]
) -> Tensor:
    """Return an encoded RGB signal (N, 3, H, W) after chroma subsampling, rounding to ``bits`` and DCT loss.

    ``quality`` 1–100 as in JPEG; None stores without DCT loss.
    """
    height, width = signal.shape[-2:]
    levels = 2**bits - 1
    if scheme == "4:4:4" and quality is None:
        rounded: Tensor = torch.round(signal * levels) / levels
        return rounded
    picture = to_chroma(signal, matrix)
    luma, chroma = picture[:, :1], subsample(picture[:, 1:], scheme)
    if quality is not None:
        luma = quantize_blocks(luma, quality, color=False, origin=origin)
        chroma = quantize_blocks(chroma, quality, color=True, origin=origin)
    luma, chroma = torch.round(luma * levels) / levels, torch.round(chroma * levels) / levels
    rebuilt = from_chroma(torch.cat((luma, restore(chroma, height, width)), dim=1), matrix)
    stored: Tensor = torch.round(rebuilt.clamp(0, 1) * levels) / levels
    return stored
