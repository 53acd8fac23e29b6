"""A small made-up plate with exact truth, keyers with known behavior, and pictures read for the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from model.evaluation.contenders import Keyed
from model.evaluation.sets import Example

Picture = NDArray[np.float32]
SCREEN = np.array([0.06, 0.42, 0.09], np.float32)
SUBJECT = np.array([0.5, 0.3, 0.2], np.float32)


def disc(height: int = 60, width: int = 80) -> Example:
    """A warm disc with a soft edge over an even green screen, in linear light."""
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    alpha = np.clip((20.0 - distance) / 6.0, 0.0, 1.0).astype(np.float32)
    foreground = np.where(alpha[..., None] > 0, SUBJECT, 0.0).astype(np.float32)
    plate = alpha[..., None] * foreground + (1.0 - alpha[..., None]) * SCREEN
    plate = plate.astype(np.float32)
    return Example("disc", plate, alpha, foreground, departure=np.zeros_like(plate))


class Answers:
    """A contender that gives prepared answers, whatever the plate."""

    about = "prepared answers"
    longest: int | None = None
    longest_when_quick: int | None = None

    def __init__(self, name: str, *answers: Keyed) -> None:
        self.name = name
        self._answers = answers

    def unavailable(self) -> str:
        return ""

    def prepare(self) -> None:
        pass

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        assert len(plates) == len(self._answers)
        yield from self._answers


def read_picture(path: Path, *, encoding: str, frame: int) -> Picture:
    """Read a still as float32 RGB; ``auto`` decodes sRGB."""
    assert frame == 0
    pixels = oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)
    if pixels is None or not pixels.size:
        raise OSError(f"{path}: {oiio.geterror()}")
    codes = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    if encoding == "linear":
        return np.ascontiguousarray(codes, np.float32)
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(np.float32)


def write_picture(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Write a PNG at the depth of its pixels."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = oiio.UINT16 if pixels.dtype == np.uint16 else oiio.UINT8
    buffer = oiio.ImageBuf(oiio.ImageSpec(pixels.shape[1], pixels.shape[0], channels, kind))
    buffer.set_pixels(oiio.ROI(), np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], channels)))
    assert buffer.write(str(path)), buffer.geterror()


def shared_plates() -> Path | None:
    """The folder with real plates: ``DROPKEY_PLATES``, else ``../shared/plates`` beside the repository."""
    named = os.environ.get("DROPKEY_PLATES")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "plates"
    return folder if folder.is_dir() else None
