"""What is known of a frame before a network looks: classical alphas, colors freed from the screen's, as features.

A network that sees these needs far fewer examples than one that sees the plate alone: the plate divided by the clean
plate shows every screen in one light, the hue rotation shows every screen as green, and the classical alphas are
right nearly everywhere but where a choice has to be made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.keying.color_difference import color_difference, color_difference_alpha
from model.keying.edges import UNSOLVED_MARGIN, solve_difference, stretch
from model.keying.fill import box_blur, enlarge, erode, fill, reduce
from model.keying.recording import recording
from model.keying.screen import rotate

LIGHT, FROM_SCREEN, DIFFERENCE, SOLVED, CONTINUED = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8), slice(8, 11)
SEEN, CORE_NEAR, HELD, PALENESS, LEVEL = slice(11, 12), slice(12, 13), slice(13, 14), slice(14, 15), slice(15, 16)
RECORDING = slice(16, 18)

_LEAST = 2e-3  # color difference of a clean plate: below, the light of a dark corner would be blown up
_STEEPNESS = 4.0
_MOST = 3e4  # of compressed light: beyond it float32 could not expand again
_CORE = 0.985  # color difference alpha of opaque pixels


@dataclass(frozen=True)
class Priors:
    """Features (18, H, W) and the scalar field (1, H, W) that light was divided by."""

    features: Tensor
    unit: Tensor


def priors(
    plate: Tensor,
    clean_plate: Tensor,
    seen: Tensor,
    rotation: Tensor,
    level: float,
    held: Tensor | None = None,
    *,
    with_recording: bool = True,
) -> Priors:
    """Return what is known of a finite, scene-linear plate (3, H, W) beside its clean plate.

    Light is hue-rotated, divided by the clean plate's color difference (``unit``) and compressed (`compress`). ``seen``
    (1, H, W) tells where plain screen is; ``level`` is the screen's typical color difference; ``held`` (1, H, W) is 1
    where the artist says inside, −1 outside, 0 nothing. Without ``with_recording`` nothing is told of how the plate was
    recorded (0), for a network that would not hear of it.
    """
    turned, screen = rotate(rotation, plate), rotate(rotation, clean_plate)
    unit = color_difference(screen).clamp_min(_LEAST)
    light, screen = turned / unit, screen / unit
    difference = color_difference_alpha(plate, clean_plate, rotation)
    seen_light = compress(light)
    continued, near = _continued(seen_light, difference)
    recorded = recording(plate, difference, seen) if with_recording else torch.zeros(2, device=plate.device)
    features = torch.cat(
        (
            seen_light,
            compress(light - screen),
            difference.clamp(-0.5, 1.5),
            solve_difference(plate, clean_plate, difference, seen),
            continued,
            seen,
            near,
            torch.zeros_like(seen) if held is None else held,
            compress(screen.mean(dim=0, keepdim=True)),
            (unit / max(level, _LEAST)).log2().clamp(-4.0, 4.0) / 2.0,
            recorded[:, None, None].expand(-1, *plate.shape[-2:]),
        )
    )
    return Priors(features, unit)


def compress(light: Tensor) -> Tensor:
    """Return asinh(4·light) / 2: about 2·light in the dark, logarithmic in highlights, odd; `expand` undoes it."""
    steep = _STEEPNESS * light.clamp(-_MOST, _MOST)
    size = steep.abs()
    # asinh(x) = ln(x + √(x² + 1)); torch's own takes five times as long on a CPU.
    return torch.log(size + (size.square() + 1.0).sqrt()).copysign(steep) / 2.0


def expand(compressed: Tensor) -> Tensor:
    """Undo `compress`."""
    return torch.sinh(2.0 * compressed) / _STEEPNESS


def plain_difference(difference: Tensor) -> Tensor:
    """Return the color difference alpha stretched and clipped, as a keyer without a network would show it."""
    return stretch(difference, UNSOLVED_MARGIN)


def _continued(light: Tensor, difference: Tensor) -> tuple[Tensor, Tensor]:
    """Return the core's (compressed) colors continued outward (3, H, W), and how much core is near (1, H, W)."""
    short = min(light.shape[-2:])
    shrink = max(1, short // 270)
    reach = max(1, round(short / 270))
    core = erode((difference > _CORE).to(light.dtype), reach)
    share, mean = reduce(core, shrink), reduce(light * core, shrink)
    mean = mean / share.clamp_min(1e-6)
    continued = fill(mean, share)
    near = box_blur(box_blur(share, 6), 6)
    size = light.shape[-2:]
    return enlarge(continued, size, shrink), enlarge(near, size, shrink)
