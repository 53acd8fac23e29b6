"""Finds the color of the screen in a shot, and the rotation that turns its hue to green."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.errors import KeyingError, NoScreenError
from model.keying.fill import box_blur
from model.keying.veil import purer_colors
from model.settings import Color, Screen

_SURVEY_SIDE = 320  # pixels; enough to see a screen, small enough to survey in milliseconds
_BINS = 64  # chromaticity histogram
_NEAR = 0.10  # chromaticity distance within which a pixel counts as screen
_NEAR_BARE = 0.06  # … where a veil begins just beside it
_MINIMUM_SATURATION = 0.2  # 1 − min/max, linear: below this a color difference has nothing to stand on
_PALEST, _WIDE = 0.15, 0.3  # saturation of a screen that covers so much of the picture
_LEAST_LIGHT = 1e-4  # linear: a darker color has no hue to speak of
_MINIMUM_COVERAGE = 0.02  # share of all pixels
_MINIMUM_BORDER = 0.06  # share of the frame's border: a screen stands behind, a green coat in the middle
_AMID = 0.08  # share of all pixels of a screen amid a set, away from the border
_EVEN = 0.6  # its mean evenness
_STRAIGHT, _RIM = (
    0.8,
    0.1,
)  # share of it along the top and the sides of the rectangle around it, so wide: a coat is round
_SUBJECT = 0.5  # evidence from which a sample is a subject's


def find_screen(
    plates: Sequence[Tensor], color: Color | None = None, evidence: Sequence[Tensor | None] | None = None
) -> Screen:
    """Survey plates (3, H, W), scene-linear and finite, and describe their screen.

    With ``color`` given only coverage and spread are measured. Else the screen is the color that is saturated, smooth,
    widespread and touches the border; greens and blues are preferred over the hues of skin and wood. Behind smoke that
    is what little of the screen is bare, not the veiled rest. With ``evidence`` (1, h, w), 0–1, of a subject in each
    plate, nothing is taken from there, and a screen may stand amid a set: a person in green is none.
    Raises NoScreenError when nothing looks like a screen, KeyingError when ``color`` is a grey or black.
    """
    if color is not None and (_saturation(color) < _PALEST or max(color) < _LEAST_LIGHT):
        hue = "grey" if max(color) >= _LEAST_LIGHT else "black"
        raise KeyingError(
            f"The screen color {tuple(round(c, 3) for c in color)} is almost {hue}.",
            fix="Pick a saturated color from the screen, in linear Rec.709, or let it be found.",
        )
    colors, weights, border, places = (
        torch.cat(parts, dim=-1) for parts in zip(*map(_samples, plates, evidence or [None] * len(plates)), strict=True)
    )
    chromaticity = colors / colors.sum(dim=0).clamp_min(1e-6)
    if color is None:
        center, radius = _unveiled(chromaticity, weights, border, _peak(chromaticity, weights))
    else:
        center, radius = chromaticity_of(color).to(chromaticity), _NEAR
    distance = _distance(chromaticity, center)
    near = (distance < radius) & (weights > 0)
    coverage = float(near.float().mean())
    if color is None:
        share = float(near[border].float().mean())
        if not _wide(near, border) and not _amid(near, weights, border, places):
            raise NoScreenError(
                f"No screen was found: the most screen-like color covers {coverage:.1%} of the picture"
                f" and {share:.1%} of its border.",
                fix="If there is a screen, set its color (Screen color on the page, --screen-color in a terminal).",
            )
        color = _triple(colors[:, near].median(dim=1).values)
        if _saturation(color) < (_PALEST if coverage >= _WIDE else _MINIMUM_SATURATION):
            raise NoScreenError(
                f"No screen was found: the most screen-like color {tuple(round(c, 3) for c in color)} is almost grey.",
                fix="If there is a screen, set its color (Screen color on the page, --screen-color in a terminal).",
            )
    spread = float(distance[near].quantile(0.9)) if int(near.sum()) else 0.0
    return Screen(color=color, coverage=coverage, tolerance=min(max(1.6 * spread, 0.06), _NEAR))


def hue_rotation(color: Color) -> tuple[Tensor, float]:
    """Return the 3×3 rotation about the grey axis that turns ``color``'s hue to pure green, and its angle in degrees.

    Grey stays grey and R + G + B stays what it was, so one color difference serves every screen; the inverse is the
    transpose. Rodrigues' rotation formula about (1, 1, 1)/√3.
    """
    red, green, blue = color
    hue = math.atan2(math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0)
    angle = 2.0 * math.pi / 3.0 - hue
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3.0)
    same, third = cosine + (1.0 - cosine) / 3.0, (1.0 - cosine) / 3.0
    rows = [[same, third - sine, third + sine], [third + sine, same, third - sine], [third - sine, third + sine, same]]
    degrees = (math.degrees(angle) + 180.0) % 360.0 - 180.0
    return torch.tensor(rows, dtype=torch.float32), abs(degrees)


def rotate(rotation: Tensor, picture: Tensor) -> Tensor:
    """Apply a 3×3 matrix to the colors of (3, H, W)."""
    return torch.einsum("ij,jhw->ihw", rotation.to(picture), picture)


def _samples(plate: Tensor, evidence: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Colors (3, N), how screen-like each is by itself (N), which lie on the border (N), rows and columns (2, N)."""
    height, width = plate.shape[-2:]
    scale = min(1.0, _SURVEY_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = functional.interpolate(plate[None], size=size, mode="area")[0].clamp_min(0.0)
    brightest, darkest = small.max(dim=0).values, small.min(dim=0).values
    saturation = 1.0 - darkest / brightest.clamp_min(1e-6)
    blurred = box_blur(small, 2)
    roughness = (small - blurred).abs().sum(dim=0) / blurred.sum(dim=0).clamp_min(1e-4)
    rows = torch.arange(size[0], device=plate.device)[:, None]
    columns = torch.arange(size[1], device=plate.device)[None, :]
    # The bottom is left out: there stands the subject.
    depth = torch.minimum(torch.minimum(columns, size[1] - 1 - columns), rows)
    border = depth < max(1, round(0.04 * size[1]))
    weights = torch.where(border, 3.0, 1.0) * torch.exp(-roughness / 0.04)
    if evidence is not None:
        subject = functional.interpolate(evidence[None], size, mode="bilinear", align_corners=False, antialias=True)
        weights = weights * (subject[0, 0] < _SUBJECT)
    weights = weights * ((saturation - 0.1) / 0.2).clamp(0, 1) * ((brightest - 0.004) / 0.01).clamp(0, 1)
    places = torch.stack((rows.expand(size), columns.expand(size))).reshape(2, -1)
    return small.reshape(3, -1), weights.reshape(-1), border.reshape(-1), places


def _peak(chromaticity: Tensor, weights: Tensor) -> Tensor:
    """Return the chromaticity (3,) around which the weighted samples gather most."""
    cells = (chromaticity[:2] * _BINS).long().clamp(0, _BINS - 1)
    histogram = torch.zeros(_BINS * _BINS, device=weights.device)
    histogram = histogram.index_add(0, cells[0] * _BINS + cells[1], weights).reshape(1, _BINS, _BINS)
    score = (box_blur(histogram, 2)[0] * _preference().to(histogram)).flatten()
    best = int(score.argmax())
    red, green = (best // _BINS + 0.5) / _BINS, (best % _BINS + 0.5) / _BINS
    center = torch.tensor([red, green, 1.0 - red - green], device=weights.device)
    return _gathered(chromaticity, weights, center, 0.08)


def _unveiled(chromaticity: Tensor, weights: Tensor, border: Tensor, center: Tensor) -> tuple[Tensor, float]:
    """Return the purest color (3,) that a veil turned into ``center``, if it is a screen by itself; and its reach."""
    for purer in purer_colors(chromaticity, weights, center):
        bare = _gathered(chromaticity, weights, purer, _NEAR_BARE)
        if _wide((_distance(chromaticity, bare) < _NEAR_BARE) & (weights > 0), border):
            return bare, _NEAR_BARE
    return center, _NEAR


def _gathered(chromaticity: Tensor, weights: Tensor, center: Tensor, radius: float) -> Tensor:
    """Move ``center`` (3,) to the mean of the weighted samples around it, a few times."""
    for _ in range(5):
        near = weights * ((chromaticity - center[:, None]).square().sum(dim=0) < radius**2)
        if float(near.sum()) <= 0.0:
            break
        center = (chromaticity * near).sum(dim=1) / near.sum()
    return center


def _distance(chromaticity: Tensor, center: Tensor) -> Tensor:
    return (chromaticity - center[:, None]).square().sum(dim=0).sqrt()


def _wide(near: Tensor, border: Tensor) -> bool:
    """Whether samples (N, bool) cover as much of picture and border as a screen does."""
    coverage, share = float(near.float().mean()), float(near[border].float().mean())
    return coverage >= _MINIMUM_COVERAGE and share >= _MINIMUM_BORDER


def _amid(near: Tensor, weights: Tensor, border: Tensor, places: Tensor) -> bool:
    """Whether samples (N, bool) away from the border are as wide, even and square as a screen amid a set."""
    inside = near & ~border
    if int(inside.sum()) < _AMID * len(near) or float(weights[inside].mean()) < _EVEN:
        return False
    ends = places[:, inside].float().quantile(torch.tensor((0.005, 0.995), device=places.device), dim=1)
    (top, left), (bottom, right) = ends.tolist()
    rows, columns = places
    within = (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)
    aside = (torch.minimum(columns - left, right - columns) < _RIM * (right - left)) | (
        rows - top < _RIM * (bottom - top)
    )
    return float(inside[within & aside].float().mean()) >= _STRAIGHT


def _warm(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """Whether colors have a hue of skin and wood."""
    hue = torch.rad2deg(torch.atan2(math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0))
    return (hue <= 75.0) & (hue >= -90.0)


def _preference() -> Tensor:
    """How much a chromaticity is to be expected of a screen: saturated, and not of skin's or wood's hue."""
    axis = (torch.arange(_BINS) + 0.5) / _BINS
    red, green = torch.meshgrid(axis, axis, indexing="ij")
    blue = (1.0 - red - green).clamp_min(0.0)
    channels = torch.stack([red, green, blue])
    saturation = 1.0 - channels.min(dim=0).values / channels.max(dim=0).values
    return torch.where(_warm(red, green, blue), 0.15, 1.0) * saturation


def chromaticity_of(color: Color) -> Tensor:
    """Return the shares (3,) of R, G and B in a color; what is below 0 counts as 0."""
    light = torch.tensor(color).clamp_min(0.0)
    return light / light.sum().clamp_min(1e-6)


def _saturation(color: Color) -> float:
    return 1.0 - max(min(color), 0.0) / max(max(color), 1e-6)


def _triple(color: Tensor) -> Color:
    red, green, blue = (float(channel) for channel in color)
    return red, green, blue
