"""How the pictures of a plate have to be turned and mirrored to stand as their file says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

_SKEW = 0.02  # of a side; what a writer's rounding leaves


@dataclass(frozen=True)
class Orientation:
    """Rows and columns exchanged first, then each reversed."""

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False
    unapplied: str = ""
    """What the file asks for beyond quarter turns, for people; empty: nothing."""

    def upright(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return ``picture`` (H, W, …) as it is to be seen; a view."""
        turned = picture.swapaxes(0, 1) if self.transposed else picture
        return turned[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]


UPRIGHT = Orientation()

# By number as EXIF, TIFF and OpenImageIO (for DPX, too) write it. Source: TIFF 6.0, section 8, Orientation.
_BY_NUMBER = {
    2: Orientation(mirrored=True),
    3: Orientation(upside_down=True, mirrored=True),
    4: Orientation(upside_down=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, mirrored=True),
    7: Orientation(transposed=True, upside_down=True, mirrored=True),
    8: Orientation(transposed=True, upside_down=True),
}


def orientation_by_number(number: object) -> Orientation:
    """Return what the orientation tag of a picture asks for; nothing, where it makes no sense."""
    return _BY_NUMBER.get(number, UPRIGHT) if isinstance(number, int) else UPRIGHT


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return what the display matrix that came with ``frame`` asks for.

    Source: ISO/IEC 14496-12, 6.2.2: x' = a·x + c·y, y' = b·x + d·y, with y downwards.
    """
    try:
        matrix = bytes(cast(Any, frame.side_data)["DISPLAYMATRIX"])  # PyAV's stubs know one other key only
    except KeyError:
        return Orientation()
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].astype(float)
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(abs(b), abs(c)) <= _SKEW * straight:
        return Orientation(upside_down=bool(d < 0), mirrored=bool(a < 0))
    if max(abs(a), abs(d)) <= _SKEW * crossed:
        return Orientation(transposed=True, upside_down=bool(b < 0), mirrored=bool(c < 0))
    return Orientation(unapplied=f"to be turned by {-math.degrees(math.atan2(b, a)):.0f}°")
