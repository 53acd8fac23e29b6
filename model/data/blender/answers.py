"""Turns the rendered passes of a shot into its exact answers; knows only arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, minimum_filter

Picture = NDArray[np.float32]
FINEST_STEP = 2**-14  # a fifth of an 8-bit sRGB code near black
EDGE_BLUR = 0.9  # pixels
SMALLEST_ALPHA = 1e-3
NEARLY_OPAQUE = 0.998
GLASS_FROM, GLASS_FULLY = 0.03, 0.15  # transparency from which on the glass itself tells what is behind it


def answers(passes: Mapping[str, Picture], screen_level: float, *, glass: bool) -> dict[str, Picture]:
    """Return plate, foreground, alpha, background, clean plate and spill (H, W, 3) of the passes (H, W, 4).

    The plate is laid together from the parts, so that the answers are exact: alpha has many more samples than a render
    of everything at once could get, and no denoiser eats its strands. ``glass``: what lies behind comes bent from the
    pass ``plate``. All light is scaled by one factor, so that the screen's median becomes ``screen_level`` in its own
    channel. Values keep the 11 significant bits of a half float, in steps of `FINEST_STEP` at the least: more would be
    the renderer's noise, at twice the size.
    """
    gain = screen_level / float(np.median(passes["clean_plate"][..., :3].max(axis=-1)))
    alpha = _settled(passes["alpha"][..., 3:])
    spilled = _straight(passes["spilled"]) * (alpha > 0)
    foreground = _straight(passes["subject"]) * (alpha > 0)
    background = passes["background"][..., :3]
    if glass:
        background = _through_glass(passes["plate"][..., :3], spilled, alpha, background)
    parts = {
        "foreground": gain * foreground,
        "alpha": np.repeat(alpha, 3, axis=-1),
        "background": gain * background,
        "clean_plate": gain * passes["clean_plate"][..., :3],
        "spill": gain * alpha * (spilled - foreground),
    }
    parts = {name: _rounded(picture) for name, picture in parts.items()}
    return {"plate": _rounded(composed(parts)), **parts}


def composed(parts: Mapping[str, Picture]) -> Picture:
    """Return the plate (H, W, 3) that foreground, alpha, background and spill add up to."""
    alpha = parts["alpha"]
    return np.asarray(parts["foreground"] * alpha + parts["background"] * (1 - alpha) + parts["spill"], np.float32)


def rounding(plate: Picture) -> float:
    """Return how far a stored plate may be from its parts: a step, or a half float's share of its light."""
    return 2**-11 * max(1.0, float(plate.max()))


def disagreement(passes: Mapping[str, Picture], parts: Mapping[str, Picture]) -> float:
    """Return the mean difference between the composed plate and the render of everything at once.

    Relative to the screen's light; what remains is noise, denoising, and any mistake in the passes.
    """
    whole, plate = passes["plate"][..., :3], parts["plate"]
    gain = float(np.median(parts["clean_plate"].max(axis=-1)) / np.median(passes["clean_plate"][..., :3].max(axis=-1)))
    level = float(np.median(parts["clean_plate"].max(axis=-1)))
    return float(np.abs(gain * whole - plate).mean()) / level


def _settled(alpha: Picture) -> Picture:
    """Alpha without the last grains of noise at both ends."""
    inside = np.where(alpha < SMALLEST_ALPHA, 0.0, np.where(alpha > NEARLY_OPAQUE, 1.0, alpha))
    return np.asarray(inside, np.float32)


def _straight(picture: Picture) -> Picture:
    """Color per coverage: the pixel's own inside the subject, the neighborhood's at edges, where samples are few."""
    near = gaussian_filter(picture, sigma=(EDGE_BLUR, EDGE_BLUR, 0)) + 1e-3 * gaussian_filter(picture, sigma=(4, 4, 0))
    of_edge = near[..., :3] / np.maximum(near[..., 3:], 1e-6)
    own = picture[..., :3] / np.maximum(picture[..., 3:], 1e-3)
    solid = np.clip((minimum_filter(picture[..., 3:], size=(3, 3, 1)) - 0.8) / 0.15, 0, 1)
    return np.asarray(of_edge + solid * (own - of_edge), np.float32)


def _rounded(picture: Picture) -> Picture:
    half = picture.astype(np.float16).astype(np.float32)
    return np.asarray(np.round(half / FINEST_STEP) * FINEST_STEP, np.float32)


def _through_glass(plate: Picture, spilled: Picture, alpha: Picture, background: Picture) -> Picture:
    """What the glass shows of the studio, bent and tinted: what is left of the plate without the glass's own light."""
    clear = 1 - alpha
    share = np.clip((clear - GLASS_FROM) / (GLASS_FULLY - GLASS_FROM), 0, 1) * (alpha > 0)
    bent = np.maximum(plate - alpha * spilled, 0) / np.maximum(clear, GLASS_FROM)
    return np.asarray(background + share * (bent - background), np.float32)
