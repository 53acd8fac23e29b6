"""Reads one picture file at its full depth through OpenImageIO: its stored values, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from service.confined import opened
from service.errors import PlateUnreadable
from service.plates.layers import Channels, choose_channels
from service.plates.orientation import UPRIGHT, Orientation, orientation_by_number
from service.plates.png import PngTags, read_png_tags

MAXIMUM_CHANNELS = 1024  # of Cryptomattes and light groups there are many; only those wanted are read
MAXIMUM_PARTS = 256

# A picture is read by what its name says it is: content of another kind is a fault, and hidden readers are a risk.
oiio.attribute("try_all_readers", 0)
oiio.attribute("limits:channels", MAXIMUM_CHANNELS)

_MAGIC = {
    b"\x76\x2f\x31\x01": "EXR",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"SDPX": "DPX",
    b"XPDS": "DPX",
    b"BM": "BMP",
}


@dataclass(frozen=True)
class Limits:
    """What is refused before memory is taken."""

    maximum_side_pixels: int = 32768
    maximum_picture_mib: int = 4096


@dataclass(frozen=True)
class StillHeader:
    """What a picture file says about itself."""

    width: int
    """Of the display window, pixels."""

    height: int
    """Of the display window, pixels."""

    file_type: str
    """OpenImageIO's name of the format: openexr, png, tiff, dpx, jpeg, cineon, bmp, targa."""

    is_float: bool
    """Stored as half or float."""

    bits: int
    """Of a channel, as stored."""

    fps: Fraction | None
    pixel_aspect_ratio: float
    tags: dict[str, Any]
    """All attributes of the file, by OpenImageIO's names."""

    orientation: Orientation = UPRIGHT
    """How the stored picture has to be turned; width and height are those of the picture as seen."""

    profile: bytes | None = None
    """The ICC profile."""

    png: PngTags | None = None
    """The color chunks of a PNG; None for other files."""

    warnings: tuple[str, ...] = ()
    """What of the file is left out, in sentences for the artist."""

    @property
    def is_limited(self) -> bool:
        """Whether black and white lie at 16 and 235 of 255, as the file says."""
        return self.png is not None and self.png.cicp is not None and self.png.cicp[3] == 0


@dataclass(frozen=True)
class StoredStill:
    """The pixels of a picture as stored: uint8, uint16 or float32."""

    header: StillHeader
    color: NDArray[Any]
    """(H, W, 3)."""

    alpha: NDArray[Any] | None
    """(H, W), where there is one and it was asked for."""


def use_reader_threads(count: int) -> None:
    """Let OpenImageIO use ``count`` threads for a picture (0: all cores), in the whole process; EXR included."""
    oiio.attribute("threads", count)
    oiio.attribute("exr_threads", -1 if count == 1 else count)


def read_header(path: Path, layer: str | None, limits: Limits, *, within: Sequence[Path] = ()) -> StillHeader:
    """Read what the file says about the layer; no pixels. Raises PlateMissing and PlateUnreadable.

    ``within``: folders of which one must hold it, links followed; of none, all are fine.
    """
    with _opened(path, limits, within) as file:
        channels = choose_channels(file.picture, layer, path.name, MAXIMUM_PARTS)
        return _header(file, channels, limits)


def read_still(
    path: Path, layer: str | None, limits: Limits, *, with_alpha: bool, within: Sequence[Path] = ()
) -> StoredStill:
    """Read the layer, placed in its display window; outside an EXR's data window everything is 0.

    Straight alpha stays straight: colors are never multiplied. ``within`` and what is raised: as for `read_header`.
    """
    with _opened(path, limits, within) as file:
        channels = choose_channels(file.picture, layer, path.name, MAXIMUM_PARTS)
        header = _header(file, channels, limits)
        if not with_alpha and channels.alpha is not None:
            channels = replace(channels, alpha=None)
        stored = _pixels(file, channels)
    if header.file_type == "openexr":
        stored = _in_display_window(stored, header.tags["window"], header)
    if header.file_type == "dpx" and header.orientation.transposed:
        stored = _lines(stored, header, path)
    stored = np.ascontiguousarray(header.orientation.upright(stored))
    color = stored[..., : len(channels.color)]
    if color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    return StoredStill(header, color, stored[..., -1] if channels.alpha is not None else None)


@dataclass(frozen=True)
class _Open:
    """A picture file that OpenImageIO has opened."""

    picture: Any
    path: Path
    opened_as: Path
    start: bytes

    def unreadable(self, complaint: str) -> PlateUnreadable:
        """Return what is said of it when it cannot be decoded."""
        return _unreadable(self.path, self.start, complaint.replace(str(self.opened_as), self.path.name))


@contextmanager
def _opened(path: Path, limits: Limits, within: Sequence[Path]) -> Iterator[_Open]:
    with opened(path, within) as file:
        start = _start_of(file)
        if not start:
            raise PlateUnreadable(f"{path.name} is empty (0 bytes).", fix="Render or copy the frame again.")
        # OpenImageIO counts all channels of an EXR, of which a few are read; those are counted below.
        channels = MAXIMUM_CHANNELS // 4 if path.suffix.casefold() == ".exr" else 1
        oiio.attribute("limits:imagesize_MB", limits.maximum_picture_mib * channels)
        hints = oiio.ImageSpec()
        hints.attribute("oiio:UnassociatedAlpha", 1)  # without it, colors come back multiplied by a straight alpha
        _complaint(oiio)
        found = _Open(oiio.ImageInput.open(str(file), hints), path, file, start)
        if found.picture is None:
            raise found.unreadable(_complaint(oiio))
        try:
            yield found
        except UnicodeDecodeError as error:
            raise PlateUnreadable(
                f"{path.name} cannot be decoded: names in it are damaged.", fix="Render or copy the frame again."
            ) from error
        finally:
            found.picture.close()


def _complaint(of: Any) -> str:
    """Return what OpenImageIO, or a picture of it, complains about; damaged names that it quotes are left out."""
    try:
        return str(of.geterror())
    except UnicodeDecodeError:
        return "names in it are damaged"


def _attributes(spec: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a file, but for those that are no text where they should be."""
    for item in spec.extra_attribs:
        with suppress(UnicodeDecodeError):
            yield item.name, item.value


def _start_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(4)


def _header(file: _Open, channels: Channels, limits: Limits) -> StillHeader:
    picture, path = file.picture, file.path
    spec = picture.spec()
    if spec.deep:
        raise PlateUnreadable(f"{path.name} is a deep EXR.", fix="Flatten it, then retry.")
    tags = dict(_attributes(spec))
    is_exr = picture.format_name() == "openexr"
    if "Cb" in str(tags.get("dpx:ImageDescriptor", "")):
        raise PlateUnreadable(
            f"{path.name} holds its colors as luma and chroma (DPX {tags['dpx:ImageDescriptor']}), which is not read.",
            fix="Save it as RGB.",
        )
    width, height = (spec.full_width, spec.full_height) if is_exr else (spec.width, spec.height)
    tags["window"] = (spec.x - spec.full_x, spec.y - spec.full_y)
    for wide, high in ((width, height), (spec.width, spec.height)):
        mib = wide * high * max(4, _reach(channels)) * 4 / 2**20
        if not 0 < max(wide, high) <= limits.maximum_side_pixels or min(wide, high) < 1:
            raise PlateUnreadable(
                f"{path.name} says it is {wide} × {high} pixels; {limits.maximum_side_pixels} a side is the most.",
                fix="Scale it down, or raise maximum_side_pixels in dropkey.toml.",
            )
        if mib > limits.maximum_picture_mib:
            raise PlateUnreadable(
                f"{path.name} would take {mib:.0f} MiB of memory; {limits.maximum_picture_mib} is the most.",
                fix="Scale it down, or raise maximum_picture_mib in dropkey.toml.",
            )
    ratio = float(tags.get("PixelAspectRatio", 1.0))
    ratio = ratio if 0.01 < ratio < 100 else 1.0
    # The EXR standard knows no such tag: one that is there is left over from another file.
    orientation = UPRIGHT if is_exr else orientation_by_number(tags.get("Orientation"))
    # OpenImageIO exchanges width and height of a DPX that lies on its side, but not its pixels: see _lines.
    swapped = orientation.transposed and picture.format_name() != "dpx"
    profile = tags.get("ICCProfile")
    png = read_png_tags(file.opened_as) if picture.format_name() == "png" else None
    return StillHeader(
        width=height if swapped else width,
        height=width if swapped else height,
        file_type=picture.format_name(),
        is_float=str(spec.format) in ("half", "float", "double"),
        bits=int(tags.get("oiio:BitsPerSample", 8 * spec.format.size())),
        fps=_frame_rate(tags),
        pixel_aspect_ratio=1 / ratio if orientation.transposed else ratio,
        tags=tags,
        orientation=orientation,
        profile=None if profile is None else bytes(profile),
        png=png,
        warnings=tuple(_left_out(channels, png, path)),
    )


def _left_out(channels: Channels, png: PngTags | None, path: Path) -> Iterator[str]:
    """Say which other pictures the file holds."""
    if channels.pages > 1:
        yield f"{path.name} holds {channels.pages} pages: page {channels.part + 1} is keyed, the others are left out."
    if png is not None and png.pictures > 1:
        yield f"{path.name} is an animated PNG of {png.pictures} pictures: only its first is keyed."


def _reach(channels: Channels) -> int:
    """Return how many channels are read so that all that are wanted are among them."""
    wanted = [*channels.color, *([channels.alpha] if channels.alpha is not None else [])]
    return max(wanted) + 1 - min(wanted)


def _frame_rate(tags: dict[str, Any]) -> Fraction | None:
    """Return the frame rate as the file says it, exactly; None where it says nothing sensible."""
    rate = tags.get("framesPerSecond", tags.get("FramesPerSecond", tags.get("dpx:FrameRate")))
    try:
        exact = Fraction(*rate) if isinstance(rate, tuple) else Fraction(str(rate)) if rate is not None else None
    except (ValueError, ZeroDivisionError):
        return None
    return exact if exact is not None and 0 < exact < 100_000 else None


def _pixels(file: _Open, channels: Channels) -> NDArray[Any]:
    """Read the wanted channels, in order, at the depth they are stored in."""
    picture, spec = file.picture, file.picture.spec()
    wanted = [*channels.color, *([channels.alpha] if channels.alpha is not None else [])]
    stored_as = str(spec.format) if str(spec.format) in ("uint8", "uint16") else "float"
    first, last = min(wanted), max(wanted) + 1
    pixels = picture.read_image(channels.part, 0, first, last, stored_as)
    complaint = _complaint(picture)
    # Some decoders fill what is missing with grey and only complain.
    if pixels is None or complaint:
        raise file.unreadable(complaint)
    pixels = pixels.reshape(spec.height, spec.width, last - first)
    order = [channel - first for channel in wanted]
    return pixels if order == list(range(last - first)) else np.ascontiguousarray(pixels[..., order])


def _lines(pixels: NDArray[Any], header: StillHeader, path: Path) -> NDArray[Any]:
    """Return the lines of a DPX that lies on its side as they are stored; they were read with its sides exchanged."""
    if header.bits == 12:
        raise PlateUnreadable(
            f"{path.name} is a DPX of 12 bits that lies on its side, which is not read.", fix="Save it upright."
        )
    return pixels.reshape(pixels.shape[1], pixels.shape[0], -1)


def _in_display_window(pixels: NDArray[Any], offset: tuple[int, int], header: StillHeader) -> NDArray[Any]:
    """Place an EXR's data window, at ``offset`` (x, y) from the display window's corner, into the display window."""
    high, wide = pixels.shape[:2]
    x, y = offset
    if (x, y, wide, high) == (0, 0, header.width, header.height):
        return pixels
    placed = np.zeros((header.height, header.width, pixels.shape[2]), pixels.dtype)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + wide, header.width), min(y + high, header.height)
    if right > left and bottom > top:
        placed[top:bottom, left:right] = pixels[top - y : bottom - y, left - x : right - x]
    return placed


def _unreadable(path: Path, start: bytes, complaint: str) -> PlateUnreadable:
    content = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    expected = {".TIF": "TIFF", ".JPG": "JPEG"}.get(path.suffix.upper(), path.suffix.upper().lstrip("."))
    if content is not None and content != {"TIF": "TIFF", "JPG": "JPEG"}.get(expected, expected):
        return PlateUnreadable(f"{path.name} is a {content} picture by its content.", fix="Name it as what it is.")
    if "ubsampl" in complaint:
        return PlateUnreadable(
            f"{path.name} holds its colors at less than full size (subsampled channels), which is not read.",
            fix="Save it as RGB.",
        )
    reason = " ".join(complaint.split())[:300].rstrip(".") or "the decoder gives no reason"
    return PlateUnreadable(f"{path.name} cannot be decoded: {reason}.", fix="Render or copy the frame again.")
