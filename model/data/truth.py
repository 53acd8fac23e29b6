"""The exact answers of a shot, and the stack of layers that they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHANNELS = 11
COLOR = slice(0, 3)  # premultiplied light of the subject, no screen light in it
ALPHA = slice(3, 4)
EMISSION = slice(4, 7)  # light without coverage: fire, glow
BOUNCE = slice(7, 10)  # premultiplied reflectance for screen light that arrives from everywhere
GLEAM = slice(10, 11)  # premultiplied share of screen light that is mirrored or shines through
SMALLEST_ALPHA = 1e-4


@dataclass(frozen=True)
class Truth:
    """What a perfect keyer would say of every frame, all scene-linear and unclamped, on one device.

    ``foreground·alpha + background·(1 − alpha) + emission`` is the noiseless plate without spill, and adding
    ``spill`` gives the noiseless plate. Straight foreground; it is 0 where alpha is 0.
    """

    foreground: Tensor  # (N, 3, H, W)
    alpha: Tensor  # (N, 1, H, W), 0–1
    background: Tensor  # (N, 3, H, W), what stands behind: markers, shadow and refraction included
    clean_plate: Tensor  # (N, 3, H, W), neither subject nor markers nor the subject's shadow
    spill: Tensor  # (N, 3, H, W), screen light that the subject sends to the camera, as it adds to the plate
    emission: Tensor  # (N, 3, H, W), light without coverage

    def recompose(self) -> Tensor:
        """Return the noiseless plate without spill (N, 3, H, W)."""
        return self.foreground * self.alpha + self.background * (1 - self.alpha) + self.emission

    def noiseless(self) -> Tensor:
        """Return the noiseless plate as the lens sees it, spill included (N, 3, H, W)."""
        return self.recompose() + self.spill


@dataclass(frozen=True)
class ShotBatch:
    """Generated shots: ``plate`` is what DropKey would read; the rest is the truth.

    Each tensor is (B·frames, C, H, W), float32: frame ``t`` of shot ``b`` lies at ``b·frames + t``.
    """

    plate: Tensor
    foreground: Tensor
    alpha: Tensor
    background: Tensor
    clean_plate: Tensor
    spill: Tensor
    emission: Tensor
    recipes: list[dict[str, Any]]  # one per shot: seed, subjects, screen, camera
    frames: int = 1

    @property
    def truth(self) -> Truth:
        """The answers without the plate."""
        return Truth(self.foreground, self.alpha, self.background, self.clean_plate, self.spill, self.emission)


def empty_stack(frames: int, height: int, width: int, device: torch.device) -> Tensor:
    """Return a stack (frames, 11, H, W) with nothing in it."""
    return torch.zeros(frames, CHANNELS, height, width, device=device)


def stack_of(
    color: Tensor,
    coverage: Tensor,
    *,
    bounce: Tensor | None = None,
    gleam: Tensor | float = 0.0,
    emission: Tensor | None = None,
) -> Tensor:
    """Return the stack (T, 11, H, W) of one layer from straight color (T, 3, H, W) and coverage (T, H, W).

    ``bounce`` is the straight reflectance (T, 3, H, W), by default the color limited to 1; ``gleam`` is straight too.
    """
    alpha = coverage.unsqueeze(1)
    reflectance = color.clamp(0.0, 1.0) if bounce is None else bounce
    shining = gleam.unsqueeze(1) * alpha if isinstance(gleam, Tensor) else gleam * alpha
    light = torch.zeros_like(color) if emission is None else emission
    return torch.cat((color * alpha, alpha, light, reflectance * alpha, shining), dim=1)


def over(front: Tensor, back: Tensor) -> Tensor:
    """Return ``front`` laid over ``back``, both stacks: all channels follow one rule (Porter, Duff 1984)."""
    return front + (1 - front[:, ALPHA]) * back


def settle(stack: Tensor) -> Tensor:
    """Return the stack with vanishing coverage made 0, so that no straight color is a quotient of tiny numbers."""
    covered = stack[:, ALPHA] >= SMALLEST_ALPHA
    settled = stack * covered
    settled[:, EMISSION] = stack[:, EMISSION]
    settled[:, ALPHA] = settled[:, ALPHA].clamp(max=1.0)
    return settled


def straight(stack: Tensor) -> Tensor:
    """Return the straight color (T, 3, H, W) of a settled stack; 0 where alpha is 0."""
    return stack[:, COLOR] / stack[:, ALPHA].clamp(min=SMALLEST_ALPHA)
