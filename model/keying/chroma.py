"""Puts back the color that a recorder took from an outline: 4:2:0 and 4:2:2 halve chroma, and leave luma sharp.

What was taken is predicted. Given a first alpha and the subject's colors, compositing tells what an outline looked like
before; the recorder's filter takes the finest from that, and as much as it takes there the plate lacks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.recording import luma

# Halving by pairs and bilinear enlarging, averaged over where pairs may begin: crops and sitings of chroma differ.
_HALVED_AND_BACK = (1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0)
_GAMMA = 2.2  # about that of every signal that chroma is halved in


def lacking_chroma(plate: Tensor, clean_plate: Tensor, alpha: Tensor, foreground: Tensor, halved: Tensor) -> Tensor:
    """Return the light (3, H, W) to add to ``plate`` so that color ends where luma does; 0 where alpha is 0 or 1.

    Plate, clean plate and straight ``foreground`` are (3, H, W), scene-linear; ``alpha`` (1, H, W) is a first answer,
    as soft as the plate's color made it: what is put back errs to too little. ``halved`` (2,), 0–1, says how surely
    chroma was halved along rows and along columns (`model.keying.recording.chroma_halved`).
    """
    if float(halved.max()) <= 0.0:
        return torch.zeros_like(plate)
    expected = _signal(torch.lerp(clean_plate, foreground, alpha))
    taken = expected - _through_recorder(expected, halved)
    seen = _signal(plate)
    # Luma was recorded whole: only color is put back.
    sharp = (seen + taken - luma(taken[None])[0]).clamp_min(0.0).pow(_GAMMA)
    # A camera whose gamut is wider than ours halved the chroma of another signal, in which no screen was negative.
    mixed = (alpha > 0.0) & (alpha < 1.0) & (clean_plate.amin(dim=0, keepdim=True) >= 0.0)
    return torch.where(mixed, sharp - plate.clamp_min(0.0), torch.zeros_like(plate))


def _signal(light: Tensor) -> Tensor:
    return light.clamp_min(0.0).pow(1.0 / _GAMMA)


def _through_recorder(signal: Tensor, halved: Tensor) -> Tensor:
    """Return a signal (3, H, W) with its finest detail gone along rows and columns, as far as it was ``halved``."""
    kernel = torch.tensor(_HALVED_AND_BACK, device=signal.device)
    whole = torch.zeros_like(kernel)
    whole[2] = 1.0
    rows, columns = (torch.lerp(whole, kernel, part) for part in halved)
    padded = functional.pad(signal[:, None], (2, 2, 2, 2), mode="replicate")
    along_rows = functional.conv2d(padded, rows.view(1, 1, 1, 5))
    return functional.conv2d(along_rows, columns.view(1, 1, 5, 1))[:, 0]
