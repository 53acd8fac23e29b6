"""Frames an artist must touch: what stays where all must go, and what goes where all must stay, on real plates.

`hulls.json` says per frame outside of which polygons everything must go, inside of which all must stay, and which
rectangles do not count as outside. Polygons are filled as OpenCV does it: their vertices and edges belong to them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]

RESIDUE_ABOVE, HOLE_BELOW = 0.02, 0.98
"""Alpha above the first is seen where all must go; alpha below the second where all must stay."""

MOST_OUTSIDE, MOST_INSIDE = 0.01, 0.002
"""Shares of such pixels that an artist lets pass."""


@dataclass(frozen=True)
class Hull:
    """Where alpha is known in one frame, (H, W) each; a mask without any pixel is not counted."""

    outside: Mask
    inside: Mask

    def wrong(self, alpha: Picture) -> tuple[Mask, Mask]:
        """Return where something is left of what must go, and where something lacks of what must stay."""
        return self.outside & (alpha > RESIDUE_ABOVE), self.inside & (alpha < HOLE_BELOW)

    def reduced(self, factor: int) -> Hull:
        """Return it for the plate reduced by whole blocks of ``factor`` pixels: blocks that are known throughout."""
        return Hull(_blocks(self.outside, factor), _blocks(self.inside, factor))


def read_hulls(index: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the entries of ``hulls.json`` by file and frame; none where there is no such file."""
    if not index.is_file():
        return {}
    entries: dict[str, dict[str, Any]] = json.loads(index.read_text(encoding="utf-8"))
    parts = {name: name.rpartition(":") for name in entries}
    return {(file, int(frame)): entries[name] for name, (file, _, frame) in parts.items()}


def hull_of(entry: Mapping[str, Any]) -> Hull:
    """Return the masks that one entry of ``hulls.json`` describes."""
    width, height = entry["size"]
    counts = np.full((height, width), bool(entry["outside_of"]))
    for left, top, right, bottom in entry.get("ignore", ()):
        counts[top:bottom, left:right] = False
    outside = counts & ~filled((height, width), entry["outside_of"])
    return Hull(outside, filled((height, width), entry["inside"]))


def filled(shape: tuple[int, int], polygons: Sequence[Sequence[Sequence[int]]]) -> Mask:
    """Return the pixels (H, W) of polygons of (x, y), as OpenCV fills each of them."""
    import cv2

    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.array(polygon, np.int32)], (1,))
    return np.asarray(mask > 0)


def score_hull(alpha: Picture, hull: Hull, *, refused: bool = False) -> dict[str, float]:
    """Return the figures of one frame, and whether an artist must touch it: one that was ``refused`` must be."""
    outside, inside = alpha[hull.outside], alpha[hull.inside]
    figures = {
        "outside": _mean(outside),
        "outside_share": _mean(outside > RESIDUE_ABOVE),
        "inside": _mean(1.0 - inside),
        "inside_share": _mean(inside < HOLE_BELOW),
    }
    wrong = figures["outside_share"] > MOST_OUTSIDE or figures["inside_share"] > MOST_INSIDE
    return figures | {"to_touch": float(wrong or refused)}


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else math.nan


def _blocks(mask: Mask, factor: int) -> Mask:
    height, width = mask.shape[0] // factor, mask.shape[1] // factor
    blocks = mask[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(blocks.all(axis=(1, 3)))
