"""The demo's pictures on disk: 16-bit PNG plates as After Effects renders them, and the contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from service.errors import OutputFull

Picture = NDArray[np.float32]

GREY = 0.18  # mid grey, scene-linear
EDGE_LOW, EDGE_HIGH, EDGE_WIDTH = 0.01, 0.99, 5
LABEL_HEIGHT = 30


def srgb_from_linear(linear: Picture) -> Picture:
    """Encode for display; values outside 0–1 are cut (IEC 61966-2-1)."""
    light = np.clip(linear, 0.0, 1.0)
    return np.asarray(
        np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055),
        np.float32,
    )


def write_png(path: Path, picture: Picture, bits: int) -> None:
    """Write display-encoded RGB (H, W, 3), 0–1, with 8 or 16 bits a channel."""
    buffer = oiio.ImageBuf(np.ascontiguousarray(picture, np.float32))
    buffer.set_write_format("uint16" if bits == 16 else "uint8")
    if not buffer.write(str(path)):
        raise OutputFull(f"{path} cannot be written: {buffer.geterror()}", fix="Make room, or choose --output.")


def edge_band(truth: Picture) -> NDArray[np.bool_]:
    """Return where the edge is: every pixel of partial alpha (0.01–0.99) and its 5 × 5 neighbourhood; (H, W)."""
    partial = (truth > EDGE_LOW) & (truth < EDGE_HIGH)
    reach = EDGE_WIDTH // 2
    padded = np.pad(partial, reach)
    height, width = partial.shape
    band = np.zeros_like(partial)
    for y in range(EDGE_WIDTH):
        for x in range(EDGE_WIDTH):
            band |= padded[y : y + height, x : x + width]
    return band


def sheet_row(plate: Picture, alpha: Picture, foreground: Picture) -> list[Picture]:
    """Return plate, alpha, foreground on grey and foreground on a new background, display-encoded, half size.

    ``plate`` (H, W, 3) and premultiplied ``foreground`` (H, W, 3) are scene-linear, ``alpha`` is (H, W).
    """
    rest = (1.0 - alpha)[..., None]
    pictures = (
        srgb_from_linear(_half(plate)),
        np.repeat(_half(alpha[..., None]), 3, axis=-1),
        srgb_from_linear(_half(foreground + rest * GREY)),
        srgb_from_linear(_half(foreground + rest * _dusk(*alpha.shape))),
    )
    return [np.asarray(picture, np.float32) for picture in pictures]


def contact_sheet(rows: Sequence[Sequence[Picture]], titles: Sequence[str]) -> Picture:
    """Return the pictures of ``rows`` in one, with a line of titles above where a font can be found."""
    body = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    head = oiio.ImageBuf(oiio.ImageSpec(body.shape[1], LABEL_HEIGHT, 3, oiio.FLOAT))
    oiio.ImageBufAlgo.fill(head, (0.08, 0.08, 0.08))
    width = body.shape[1] // len(titles)
    for column, title in enumerate(titles):
        oiio.ImageBufAlgo.render_text(head, column * width + 10, 22, title, 17, "", (0.85, 0.85, 0.85))
    label = np.asarray(head.get_pixels(oiio.FLOAT), np.float32)
    return np.concatenate([label, body], axis=0)


def _half(picture: Picture) -> Picture:
    height, width, channels = picture.shape
    even = picture[: height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3)), np.float32)


def _dusk(height: int, width: int) -> Picture:
    """Return a sky at dusk over a dark ground: shows green spill and dark fringes alike."""
    y = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :, None]
    high, low = np.array((0.05, 0.07, 0.20), np.float32), np.array((0.95, 0.42, 0.16), np.float32)
    glow = np.clip(1.1 * y - 0.15 * x**2, 0.0, 1.0) ** 2
    return np.asarray(high + (low - high) * glow, np.float32)
