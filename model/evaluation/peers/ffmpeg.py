"""FFmpeg's chromakey and despill filters, run inside PyAV's libavfilter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.evaluation.contenders import Keyed
from model.evaluation.metrics import display
from model.evaluation.peers.first_click import key_color
from model.evaluation.sets import Picture

SIMILARITY = 0.04
BLEND = 0.02


class FFmpegChromakey:
    """Alpha by ``chromakey`` at 16 bits; foreground by ``despill``, which knows 8 bits only."""

    name = "ffmpeg"
    about = (
        f"FFmpeg chromakey (16-bit 4:4:4:4, similarity {SIMILARITY}, blend {BLEND}: the best of 24 fixed settings "
        "by MAD on plates/alpha) + despill (8-bit only, defaults), on sRGB-encoded plates"
    )
    longest: int | None = None
    longest_when_quick: int | None = None

    def unavailable(self) -> str:
        """Say which filter the FFmpeg inside PyAV lacks."""
        import av

        lacking = {"chromakey", "despill"} - set(av.filter.filters_available)
        return f"PyAV's FFmpeg has no {' and no '.join(sorted(lacking))} filter" if lacking else ""

    def prepare(self) -> None:
        """Nothing to load."""

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Key every frame by the border color of the first."""
        key = key_color(plates[0])
        code = "0x" + "".join(f"{round(float(value) * 255):02x}" for value in display(key))
        kind = "blue" if int(key.argmax()) == 2 else "green"
        for plate in plates:
            encoded = display(plate)
            alpha = _chromakey(encoded, f"color={code}:similarity={SIMILARITY}:blend={BLEND}")
            yield Keyed(alpha, _linear(_despill(encoded, f"type={kind}")) * (alpha > 0.0)[..., None])


def _chromakey(encoded: NDArray[np.floating], options: str) -> Picture:
    codes = np.ascontiguousarray(np.rint(encoded * 65535.0).astype(np.uint16))
    filtered = _through(codes, "rgb48le", [("format", "pix_fmts=yuva444p16le"), ("chromakey", options)], "yuva444p16le")
    return (filtered[..., 3] / np.float32(65535.0)).astype(np.float32)


def _despill(encoded: NDArray[np.floating], options: str) -> Picture:
    codes = np.ascontiguousarray(np.rint(encoded * 255.0).astype(np.uint8))
    opaque = np.concatenate([codes, np.full((*codes.shape[:2], 1), 255, np.uint8)], axis=-1)
    filtered = _through(opaque, "rgba", [("despill", options), ("format", "pix_fmts=rgba")], "rgba")
    return (filtered[..., :3] / np.float32(255.0)).astype(np.float32)


def _through(
    codes: NDArray[np.uint8] | NDArray[np.uint16], pixel_format: str, filters: list[tuple[str, str]], result: str
) -> NDArray[np.integer]:
    import av

    frame = av.VideoFrame.from_ndarray(codes, format=pixel_format)
    graph = av.filter.Graph()
    chain = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)),
        *(graph.add(name, options) for name, options in filters),
        graph.add("buffersink"),
    ]
    for before, after in pairwise(chain):
        before.link_to(after)
    graph.configure()
    graph.push(frame)
    filtered = graph.pull()
    if not isinstance(filtered, av.VideoFrame) or filtered.format.name != result:
        raise RuntimeError(f"FFmpeg gave back {filtered!r} instead of {result}.")
    return np.asarray(filtered.to_ndarray())


def _linear(encoded: Picture) -> Picture:
    """Decode the sRGB curve (IEC 61966-2-1)."""
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.asarray(light, dtype=np.float32)
