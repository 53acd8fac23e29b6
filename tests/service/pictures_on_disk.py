"""Writes small pictures whose truth is known, and reads them as plates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio
from numpy.typing import NDArray

from model.settings import KeySettings
from service.plates import Picture, PlateFormat, open_plate
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
