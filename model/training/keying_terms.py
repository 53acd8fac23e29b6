"""What training the `neural` network makes small: alpha, its slopes, foreground, and the new composite."""

from __future__ import annotations

import torch
from torch import Tensor

from model.data.backgrounds import BRIGHTEST, new_background
from model.data.seeding import Draw
from model.keying.priors import compress
from model.network.neural import Neural
from model.network.reading import Reading, on_eighths, read
from model.training.losses import Terms
from model.training.scenes import SceneBatch, linear, plate_of


def keying_terms(network: Neural, batch: SceneBatch, draw: Draw, autocast: torch.dtype | None = None) -> Terms:
    """Return the terms of one batch.

    ``alpha`` and ``alpha_squared``: mean absolute and mean squared error of the mixture. ``own``: the same of the alpha
    that owes nothing to a classical key. ``projected``: absolute error, where half-transparent, of the projection on
    the predicted foreground's color line. ``gradient``: of alpha's slopes. ``coarse``: the guide's own alpha.
    ``foreground``: of compressed straight color, weighed by alpha. ``recomposition``: of subject over new backgrounds,
    in linear light; ``recomposition_display``: the same as a display shows it. ``emission``: of light without coverage.
    ``consistency``: of alpha's change between two frames that follow each other.
    """
    reading, coarse = answers(network, batch, autocast)
    alpha, truth = reading.alpha, batch.alpha
    soft = ((truth > 0.02) & (truth < 0.98)).float()
    terms = {
        "alpha": (alpha - truth).abs().mean(),
        "alpha_squared": (alpha - truth).square().mean(),
        "own": (reading.own - truth).abs().mean() + 4.0 * (reading.own - truth).square().mean(),
        "projected": ((reading.projected - truth).abs() * soft).sum() / soft.sum().clamp_min(1.0) * soft.mean().sqrt(),
        "gradient": sum_of_slopes(alpha - truth),
        "coarse": _coarse(coarse, batch.small_alpha),
        "foreground": _foreground(reading, batch),
        "emission": (compress(reading.emission) - compress(batch.emission)).abs().mean(),
        "consistency": _consistency(alpha, truth, batch),
    }
    return terms | _recomposition(reading, batch, draw)


def answers(network: Neural, batch: SceneBatch, autocast: torch.dtype | None = None) -> tuple[Reading, Tensor]:
    """Return the reading of all crops, and the guide's coarse alpha (G, 1, h, w) before its sigmoid."""
    device = batch.features.device.type
    with torch.autocast(device, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
        maps = network.guide(batch.small)
        guidance = torch.cat(
            [
                on_eighths(
                    maps[frame : frame + 1, : network.guide_maps], batch.factor, top, left, batch.alpha.shape[-2:]
                )
                for frame, top, left in batch.places
            ]
        )
        raw = network.fine(batch.features, guidance)
    return read(raw, batch.features), maps[:, network.guide_maps :].float()


def sum_of_slopes(difference: Tensor) -> Tensor:
    """Return the mean absolute slope along rows and columns of (B, 1, H, W)."""
    rows = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    columns = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    return rows + columns


def new_backgrounds(batch: SceneBatch, draw: Draw) -> Tensor:
    """Return (B, 3, S, S): about half of them other crops' plates, which are pictures, the others made for this."""
    plates = plate_of(batch).clamp(0.0, BRIGHTEST)
    count, _, height, width = plates.shape
    order = torch.roll(torch.arange(count), draw.integer(1, max(1, count - 1))).tolist()
    return torch.stack(
        [
            plates[other]
            if (own := draw.child(str(index))).chance(0.5)
            else new_background(own, height, width, plates.device)
            for index, other in enumerate(order)
        ]
    )


def _recomposition(reading: Reading, batch: SceneBatch, draw: Draw) -> Terms:
    behind = new_backgrounds(batch, draw)

    def composite(alpha: Tensor, foreground: Tensor, emission: Tensor) -> Tensor:
        front = linear(alpha * foreground + emission, batch)
        return (front + (1.0 - alpha) * behind).clamp(-0.5, BRIGHTEST)

    mine = composite(reading.alpha, reading.foreground, reading.emission)
    true = composite(batch.alpha, batch.foreground, batch.emission)
    return {
        "recomposition": (mine - true).abs().mean(),
        "recomposition_display": (_display(mine) - _display(true)).abs().mean(),
    }


def _display(light: Tensor) -> Tensor:
    # A power with a toe: the plain one has an endless slope at black.
    return (light.clamp_min(0.0) + 0.003) ** (1.0 / 2.2)


def _foreground(reading: Reading, batch: SceneBatch) -> Tensor:
    error = (compress(reading.foreground) - compress(batch.foreground)).abs()
    weight = batch.alpha * (batch.emission.amax(dim=1, keepdim=True) < 0.01)
    # Where light was clipped the truth is brighter than any plate can tell.
    return (error.clamp_max(1.0) * weight).mean()


def _coarse(answer: Tensor, truth: Tensor) -> Tensor:
    alpha = answer.sigmoid()
    return (alpha - truth).abs().mean() + 2.0 * (alpha - truth).square().mean()


def _consistency(alpha: Tensor, truth: Tensor, batch: SceneBatch) -> Tensor:
    if not batch.following:
        return alpha.sum() * 0.0
    error = alpha - truth
    return torch.stack([(error[later] - error[earlier]).abs().mean() for earlier, later in batch.following]).mean()
