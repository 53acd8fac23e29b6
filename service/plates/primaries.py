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

P3_DCI: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)  # SMPTE RP 431-2, white of projectors
# What follows: ITU-T H.273 (2021), table 2, rows 4, 5, 6 and 7, 8, 10, 22.
NTSC_1953: Primaries = (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316)
EBU: Primaries = (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290)
SMPTE_C: Primaries = (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290)
FILM: Primaries = (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316)
XYZ: Primaries = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3)
EBU_3213: Primaries = (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, 0.3127, 0.3290)

NAMED: dict[str, Primaries] = {
    "rec709": REC709,
    "rec2020": REC2020,
    "p3": P3_D65,
    "p3-dci": P3_DCI,
    "adobe-rgb": ADOBE_RGB,
    "ap0": ACES_AP0,
    "ap1": ACES_AP1,
    "ntsc-1953": NTSC_1953,
    "ebu": EBU,
    "smpte-c": SMPTE_C,
    "film": FILM,
    "xyz": XYZ,
    "ebu-3213": EBU_3213,
}
"""The names that an encoding may write after its curve: `gamma2.6 p3-dci`."""

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


def primaries_of(to_rec709: Matrix) -> Primaries:
    """Return the primaries, seen under D65, from which ``to_rec709`` leads; white has to stay white.

    Raises ValueError where a channel gives no light that has a color.
    """
    xyz = rgb_to_xyz(REC709) @ to_rec709
    total = xyz.sum(axis=0)
    if not np.all(np.isfinite(total)) or np.any(np.abs(total) < 1e-6):
        raise ValueError("a channel without light")
    xr, xg, xb = (float(number) for number in xyz[0] / total)
    yr, yg, yb = (float(number) for number in xyz[1] / total)
    return xr, yr, xg, yg, xb, yb, REC709[6], REC709[7]


def luminance_weights(primaries: Primaries) -> tuple[float, float]:
    """Return the share of red and of blue in white's luminance: Kr and Kb of a matrix that follows from primaries."""
    luminance = rgb_to_xyz(primaries)[1]
    return float(luminance[0]), float(luminance[2])


def adapted(xyz: Matrix, white: tuple[float, float]) -> Matrix:
    """Return the matrix from what ``xyz`` (3, 3) takes to CIE XYZ under ``white`` (x, y) to linear Rec.709 D65."""
    matrix: Matrix = np.linalg.inv(rgb_to_xyz(REC709)) @ _adaptation(white, REC709[6:]) @ xyz
    return matrix


def _adaptation(white: tuple[float, ...], target: tuple[float, ...]) -> Matrix:
    before = _BRADFORD @ (_xyz(*white) / white[1])
    after = _BRADFORD @ (_xyz(*target) / target[1])
    matrix: Matrix = np.linalg.inv(_BRADFORD) @ np.diag(after / before) @ _BRADFORD
    return matrix


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x, y, 1 - x - y])
