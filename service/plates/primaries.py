"""Color primaries: exact 3 × 3 matrices from any of them to linear Rec.709 with D65 white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Primaries = tuple[float, float, float, float, float, float, float, float]
"""CIE 1931 x, y of red, green, blue and white: the order of the EXR attribute `chromaticities`."""

Matrix = NDArray[np.float64]

REC709: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)  # ITU-R BT.709-6, items 1.3 and 1.4
REC2020: Primaries = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)  # ITU-R BT.2020-2, table 3
P3_D65: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)  # SMPTE EG 432-1, white of D65
ADOBE_RGB: Primaries = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290)  # Adobe RGB (1998), 4.3.1
ACES_AP0: Primaries = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767)  # SMPTE ST 2065-1
ACES_AP1: Primaries = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)  # S-2014-004, ACEScg

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def matrix_to_rec709(primaries: Primaries) -> Matrix | None:
    """Return the float64 matrix (3, 3) from linear light in ``primaries`` to linear Rec.709 D65, for column vectors.

    None when they are Rec.709's already, as far as files write them (0.001). Another white is adapted with the Bradford
    transform (Lam 1985, as in ICC.1:2010 annex E). Raises ValueError for primaries that span no triangle.
    """
    if is_same(primaries, REC709):
        return None
    matrix: Matrix = np.linalg.inv(rgb_to_xyz(REC709)) @ _adaptation(primaries[6:], REC709[6:]) @ rgb_to_xyz(primaries)
    return matrix


def is_same(one: Primaries, other: Primaries) -> bool:
    """Whether two sets of primaries agree as far as files write them."""
    return bool(np.allclose(one, other, rtol=0, atol=1e-3))


def rgb_to_xyz(primaries: Primaries) -> Matrix:
    """Return the matrix to CIE XYZ with white at Y = 1. Source: SMPTE RP 177-1993, 3.3."""
    if not np.all(np.isfinite(primaries)) or primaries[7] == 0:
        raise ValueError("primaries without a white")
    corners = np.array([_xyz(primaries[k], primaries[k + 1]) for k in (0, 2, 4)]).T
    if abs(np.linalg.det(corners)) < 1e-6:
        raise ValueError("primaries that span no triangle")
    scale = np.linalg.solve(corners, _xyz(*primaries[6:]) / primaries[7])
    matrix: Matrix = corners * scale
    return matrix


def _adaptation(white: tuple[float, ...], target: tuple[float, ...]) -> Matrix:
    before = _BRADFORD @ (_xyz(*white) / white[1])
    after = _BRADFORD @ (_xyz(*target) / target[1])
    matrix: Matrix = np.linalg.inv(_BRADFORD) @ np.diag(after / before) @ _BRADFORD
    return matrix


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x, y, 1 - x - y])
