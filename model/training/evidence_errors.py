"""Evidence for training scenes, wrong as often and in the ways that a network which knows photographs is wrong.

That network itself is asked about a share of the scenes. Painted subjects are strange to it, so others get evidence
that is made from the truth with its typical errors: a limb, a lower half or a prop that it misses, all that is thin or
soft missed, a stand or a marker taken for subject, nothing found at all, everything found.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.seeding import Draw
from model.data.truth import ShotBatch
from model.evidence import Evidence
from model.keying.fill import box_blur

_SIDE = 80  # pixels of made evidence: no finer than what the network tells
_THIN = 0.75  # mean alpha around a pixel, below which a subject is thin or soft to it
_FOREIGN = 0.15  # light by which a plate departs from its clean plate where something stands


def evidence_of(shot: ShotBatch, shares: dict[str, float], draw: Draw, network: Evidence | None) -> list[Tensor | None]:
    """Return evidence (1, h, w), 0–1, for each frame of a shot, or None for all of them.

    ``shares`` weighs ``network``, ``made`` and ``none``. The frames of a shot err alike.
    """
    kind = draw.weighted(shares)
    if kind == "none":
        return [None] * shot.frames
    if kind == "network" and network is not None:
        with torch.inference_mode():
            return [network(plate).clone() for plate in shot.plate]
    return [
        _made(alpha, plate, clean, draw.child("made"))
        for alpha, plate, clean in zip(shot.alpha, shot.plate, shot.clean_plate, strict=True)
    ]


def _made(alpha: Tensor, plate: Tensor, clean_plate: Tensor, draw: Draw) -> Tensor:
    """Return evidence made from the true alpha (1, H, W) of one frame."""
    small = _squeezed(alpha)
    found = small
    if draw.chance(0.6):
        solid = ((box_blur(small, 2) - _THIN + 0.25) / 0.5).clamp(0.0, 1.0)
        found = found * torch.maximum(solid, box_blur(solid, 1).clamp(0.0, 1.0))
    if draw.chance(0.12):
        found = found * (1.0 - _patches(draw.child("missed"), small, draw.uniform(0.1, 0.5)))
    if draw.chance(0.12):
        found = found * _half(draw.child("half"), small)
    if draw.chance(0.1):
        foreign = (_squeezed((plate - clean_plate).abs().amax(dim=0, keepdim=True)) > _FOREIGN).to(small) * (1 - small)
        found = torch.maximum(found, foreign * _patches(draw.child("foreign"), small, draw.uniform(0.2, 0.7)))
    if draw.chance(0.05):
        found = torch.zeros_like(found)
    if draw.chance(0.02):
        found = torch.ones_like(found)
    blurred = box_blur(found, 1) if draw.chance(0.7) else found
    steep = draw.uniform(1.0, 4.0)
    return ((blurred - 0.5) * steep + 0.5).clamp(0.0, 1.0) * draw.uniform(0.7, 1.0 + 1e-6)


def _squeezed(picture: Tensor) -> Tensor:
    return functional.interpolate(picture[None], (_SIDE, _SIDE), mode="area")[0]


def _patches(draw: Draw, like: Tensor, share: float) -> Tensor:
    """Return smooth patches (1, h, w), 0–1, that cover about ``share`` of the picture."""
    side = draw.integer(3, 7)
    coarse = torch.from_numpy(draw.uniforms(0.0, 1.0, 1, 1, side, side)).to(like)
    smooth = functional.interpolate(coarse, like.shape[-2:], mode="bicubic", align_corners=False)[0]
    limit = smooth.flatten().quantile(1.0 - share)
    return ((smooth - limit) * 12.0 + 0.5).clamp(0.0, 1.0)


def _half(draw: Draw, like: Tensor) -> Tensor:
    """Return a picture (1, h, w) that is 0 beyond a straight line and 1 before it."""
    rows = torch.linspace(0.0, 1.0, like.shape[-2], device=like.device)[:, None]
    columns = torch.linspace(0.0, 1.0, like.shape[-1], device=like.device)[None, :]
    side = draw.pick(("below", "below", "left", "right"))
    ahead = {"below": rows, "left": 1.0 - columns, "right": columns}[side] + draw.uniform(-0.3, 0.3) * (columns - 0.5)
    return ((draw.uniform(0.35, 0.8) - ahead) * 20.0 + 0.5).clamp(0.0, 1.0)[None].expand_as(like)
