"""What a key delivers beside foreground and alpha: the plate taken apart, each part by its usual name."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.settings import Layer


@dataclass(frozen=True)
class Separated:
    """A plate (3, H, W) and what it was separated into, before its edges were shaped."""

    plate: Tensor
    clean_plate: Tensor
    alpha: Tensor
    spilled: Tensor  # (3, H, W), the foreground, straight, before despill
    foreground: Tensor  # (3, H, W), straight, after it
    doubt: Tensor  # (1, H, W), 0–1


def held_doubt(doubt: Tensor, found: Tensor, held: Tensor) -> Tensor:
    """Return doubt about the alpha that was ``found``, none where the artist's mattes ``held`` it to 0 or 1."""
    certain = (held != found) & ((held <= 0.0) | (held >= 1.0))
    return torch.where(certain, torch.zeros_like(doubt), doubt)


def layer_of(name: Layer, parts: Separated) -> Tensor:
    """Return the layer called ``name``, (1, H, W) or (3, H, W), scene-linear."""
    if name == "clean_plate":
        return parts.clean_plate
    if name == "screen_removed":
        # An opaque pixel holds nothing of the screen, whatever the clean plate says there.
        return torch.where(parts.alpha < 1.0, parts.plate - (1.0 - parts.alpha) * parts.clean_plate, parts.plate)
    if name == "spill":
        return (parts.spilled - parts.foreground) * parts.alpha
    return parts.doubt if name == "doubt" else parts.alpha
