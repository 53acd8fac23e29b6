"""Writes a line of text into a picture: capitals of 5 × 7 dots, since no font is sure to be on a machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEIGHT = 7
ADVANCE = 6

# Five columns of seven dots from left to right, the lowest bit on top.
_SIGNS = {
    "A": "7E1111117E", "B": "7F49494936", "C": "3E41414122", "D": "7F4141413E", "E": "7F49494941", "F": "7F09090901",
    "G": "3E4149497A", "H": "7F0808087F", "I": "00417F4100", "J": "2040413F01", "K": "7F08142241", "L": "7F40404040",
    "M": "7F020C027F", "N": "7F0408107F", "O": "3E4141413E", "P": "7F09090906", "Q": "3E4151215E", "R": "7F09192946",
    "S": "2649494932", "T": "01017F0101", "U": "3F4040403F", "V": "1F2040201F", "W": "3F4038403F", "X": "6314081463",
    "Y": "0708700807", "Z": "6151494543", "0": "3E5149453E", "1": "00427F4000", "2": "4261514946", "3": "2141454B31",
    "4": "1814127F10", "5": "2745454539", "6": "3C4A494930", "7": "0171090503", "8": "3649494936", "9": "064949291E",
    ".": "0060600000", ",": "0050300000", "-": "0808080808", "–": "0808080808", ":": "0036360000", "×": "2214081422",
    "·": "0008080000", "%": "2313086462", "°": "0609090600", "(": "001C224100", ")": "0041221C00", "/": "2010080402",
}  # fmt: skip


def write(picture: NDArray[np.uint8], left: int, top: int, text: str, level: int = 225) -> None:
    """Write ``text`` into a picture (H, W, 3), its first dot at ``left``, ``top``; what does not fit is left out."""
    for index, sign in enumerate(text.upper()):
        columns = bytes.fromhex(_SIGNS.get(sign, ""))
        for column, bits in enumerate(columns):
            x = left + ADVANCE * index + column
            for row in range(HEIGHT):
                if bits >> row & 1 and x < picture.shape[1]:
                    picture[top + row, x] = level
