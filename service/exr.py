"""Writes and checks DropKey's results: scanline float32 EXR, one part, exactly the plate's size. Knows no torch."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import xxhash
from numpy.typing import NDArray

from model.settings import Association, Compression
from service.atomic import replace_file, sweep_temporaries
from service.confined import read_confined
from service.errors import PlateMissing, PlateUnreadable

__all__ = [
    "COMPRESSIONS",
    "ExrHeader",
    "checksum",
    "encode",
    "read_exr",
    "sweep_temporaries",
    "verify",
    "write_alpha",
    "write_foreground",
]

Plane = NDArray[np.float32]

COMPRESSIONS: Mapping[Compression, Any] = {
    "none": OpenEXR.NO_COMPRESSION,
    "rle": OpenEXR.RLE_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
    "dwab": OpenEXR.DWAB_COMPRESSION,
}
"""The compressions of OpenEXR 2.x, which is what After Effects reads."""

LOSSY: frozenset[Compression] = frozenset(("dwaa", "dwab"))
"""Those that change values."""

_MOST_BYTES = 2**40  # a result may be as large as its plate; callers have limits of their own

# ITU-R BT.709-6, table 1: red, green, blue and white as x, y.
_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_MOST_HALF = np.float32(65504.0)


@dataclass(frozen=True)
class ExrHeader:
    """What a result says about itself. Nothing in it differs between two runs of the same job."""

    compression: Compression = "zip"
    association: Association = "premultiplied"
    fps: Fraction | None = None  # left out of the file when unknown
    pixel_aspect_ratio: float = 1.0
    half: bool = False  # 16-bit numbers
    chromaticities: tuple[float, ...] = _REC709
    color_interop_id: str = "lin_rec709_scene"  # by the Color Interop Forum; left out where a space has none
    provenance: Mapping[str, str | int] = field(default_factory=dict)  # written as `dropkey/<name>`

    def attributes(self) -> dict[str, Any]:
        """Return the header as OpenEXR wants it."""
        attributes: dict[str, Any] = {
            "compression": COMPRESSIONS[self.compression],
            "type": OpenEXR.scanlineimage,
            "chromaticities": self.chromaticities,
            "pixelAspectRatio": float(self.pixel_aspect_ratio),
            "dropkey/association": self.association,
        }
        if self.color_interop_id:
            attributes["colorInteropID"] = self.color_interop_id
        if self.fps is not None:
            attributes["framesPerSecond"] = self.fps
        return attributes | {f"dropkey/{name}": value for name, value in self.provenance.items()}


def write_foreground(
    path: Path,
    color: NDArray[np.float32],
    alpha: Plane,
    header: ExrHeader,
    *,
    layers: Mapping[str, Plane] | None = None,
    within: Sequence[Path] = (),
) -> str:
    """Write ``color`` (H, W, 3) and ``alpha`` (H, W) as R, G, B, A; returns the file's xxh3-128, hexadecimal.

    The values are written as they are: the caller multiplies by alpha, and says so in ``header``. ``layers`` are
    further channels (H, W) by their whole names.
    ``within`` and what is raised: as for `replace_file`; an earlier file at ``path`` stays whole then.
    """
    planes = {name: color[..., index] for index, name in enumerate("RGB")} | {"A": alpha} | dict(layers or {})
    return _write(path, encode(planes, header), within)


def write_alpha(path: Path, alpha: Plane, header: ExrHeader, *, within: Sequence[Path] = ()) -> str:
    """Write ``alpha`` (H, W) as R = G = B = A: After Effects reads a lone channel at half precision.

    Returns and raises as `write_foreground` does.
    """
    return _write(path, encode(dict.fromkeys("RGBA", alpha), header), within)


def encode(planes: Mapping[str, Plane], header: ExrHeader) -> memoryview:
    """Return the bytes of an EXR with the given channels, each (H, W) float32; the same input gives the same bytes.

    As half floats, what is beyond their range ends at it: infinite light would spread in a comp.
    """
    # In memory first: OpenEXR swallows a disk that fills up while it closes a file.
    contiguous = {name: _as_written(plane, half=header.half) for name, plane in planes.items()}
    stream = io.BytesIO()
    OpenEXR.File(header.attributes(), contiguous).write(stream)
    return stream.getbuffer()


def _as_written(plane: Plane, *, half: bool) -> NDArray[np.floating[Any]]:
    if not half:
        return np.ascontiguousarray(plane, dtype=np.float32)
    return np.ascontiguousarray(np.clip(plane, -_MOST_HALF, _MOST_HALF).astype(np.float16))


def read_exr(path: Path, *, within: Sequence[Path] = ()) -> tuple[dict[str, Plane], dict[str, Any]]:
    """Decode a result completely: channel name → (H, W) float32, and the header.

    ``within``: folders of which one must hold it, links followed; of none, all are fine. Raises PlateMissing when it is
    not there, PlateUnreadable when it is not whole or leads out.
    """
    return _decode(read_confined(path, within, most_bytes=_MOST_BYTES) if within else _read(path), path)


def verify(path: Path) -> str:
    """Decode a result completely and return its checksum; raises as `read_exr` does."""
    content = _read(path)
    _decode(content, path)
    return checksum_of(content)


def checksum(path: Path) -> str:
    """Return the xxh3-128 of a file, hexadecimal, without decoding it. Raises PlateMissing when it is not there."""
    return checksum_of(_read(path))


def checksum_of(content: bytes | memoryview) -> str:
    """Return the xxh3-128 of ``content``, hexadecimal."""
    return xxhash.xxh3_128_hexdigest(content)


def _write(path: Path, content: memoryview, within: Sequence[Path]) -> str:
    replace_file(path, content, within=within)
    return checksum_of(content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlateMissing(f"{path} cannot be opened ({error.strerror}).", fix="Key the frame again.") from error


def _decode(content: bytes, path: Path) -> tuple[dict[str, Plane], dict[str, Any]]:
    try:
        file = OpenEXR.File(io.BytesIO(content), separate_channels=True)
        header, channels = file.header(), file.channels()
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise PlateUnreadable(f"{path} is not a whole EXR ({error}).", fix="Key the frame again.") from error
    return {name: channel.pixels.astype(np.float32, copy=False) for name, channel in channels.items()}, header
