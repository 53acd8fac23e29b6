"""What training the `neural` network makes small: alpha, its slopes, foreground, and the new composite."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.backgrounds import BRIGHTEST
from model.data.seeding import Draw
from model.keying.priors import compress
from model.network.neural import CHOICES, SOLVED_CHOICE, Neural
from model.network.reading import Reading, on_eighths, read
from model.training.crops import SceneBatch, linear, plate_of
from model.training.losses import Terms

_BAND = 2  # pixels around half-transparent ones: the edge band of `model.evaluation.metrics`
_CLEARLY = 0.05  # difference of alpha that makes one choice clearly better than another


def keying_terms(network: Neural, batch: SceneBatch, draw: Draw, autocast: torch.dtype | None = None) -> Terms:
    """Return the terms of one batch.

    ``alpha`` and ``alpha_squared``: mean absolute and mean squared error of the mixture. ``edge``: its mean absolute
    error in the edge band, as scores count it, however little of the picture that is. ``own``: error of the alpha
    that owes nothing to a classical key, with cross-entropy. ``choice``: cross-entropy of the mixture's weights with
    the choices that are right. ``projected``: absolute error, where half-transparent, of the projection on
    the predicted foreground's color line. ``gradient``: of alpha's slopes. ``coarse``: the guide's own alpha.
    ``foreground``: of compressed straight color, weighed by alpha. ``recomposition``: of subject over new backgrounds,
    in linear light; ``recomposition_display``: the same as a display shows it. ``emission``: of light without coverage.
    ``consistency``: of alpha's change between two frames that follow each other.
    """
    reading, scores, coarse = answers(network, batch, autocast)
    alpha, truth = reading.alpha, batch.alpha
    soft = ((truth > 0.02) & (truth < 0.98)).float()
    terms = {
        "alpha": (alpha - truth).abs().mean(),
        "alpha_squared": (alpha - truth).square().mean(),
        "edge": _edge(alpha, truth),
        "own": _certain(scores[:, CHOICES : CHOICES + 1], truth),
        "choice": _choice(scores[:, :CHOICES], reading.choices, truth),
        "projected": ((reading.projected - truth).abs() * soft).sum() / soft.sum().clamp_min(1.0) * soft.mean().sqrt(),
        "gradient": sum_of_slopes(alpha - truth),
        "coarse": _certain(coarse, batch.small_alpha),
        "foreground": _foreground(reading, batch),
        "emission": (compress(reading.emission) - compress(batch.emission)).abs().mean(),
        "consistency": _consistency(alpha, truth, batch),
    }
    return terms | _recomposition(reading, batch, draw)


def answers(network: Neural, batch: SceneBatch, autocast: torch.dtype | None = None) -> tuple[Reading, Tensor, Tensor]:
    """Return the reading of all crops, the raw answers, and the guide's coarse alpha (G, 1, h, w), unsquashed."""
    device = batch.features.device.type
    with torch.autocast(device, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
        maps = network.guide(batch.small)
        of_crops = maps[[frame for frame, _, _ in batch.places], : network.guide_maps]
        corners = [(top, left) for _, top, left in batch.places]
        guidance = on_eighths(of_crops, batch.factor, corners, batch.alpha.shape[-2:])
        raw = network.fine(batch.features, guidance)
    return read(raw, batch.features), raw.float(), maps[:, network.guide_maps :].float()


def _edge(alpha: Tensor, truth: Tensor) -> Tensor:
    soft = ((truth > 0.01) & (truth < 0.99)).to(truth.dtype)
    band = functional.max_pool2d(soft, 2 * _BAND + 1, 1, _BAND)
    return ((alpha - truth).abs() * band).sum() / band.sum().clamp_min(1.0)


def sum_of_slopes(difference: Tensor) -> Tensor:
    """Return the mean absolute slope along rows and columns of (B, 1, H, W)."""
    rows = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    columns = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    return rows + columns


def new_backgrounds(batch: SceneBatch, draw: Draw) -> Tensor:
    """Return (B, 3, S, S): about half of them other crops' plates, which are pictures, the others made for this."""
    plates = plate_of(batch).clamp(0.0, BRIGHTEST)
    others = plates.roll(draw.integer(1, max(1, len(plates) - 1)), dims=0)
    is_plate = torch.from_numpy(draw.uniforms(0.0, 1.0, len(plates), 1, 1, 1)).to(plates.device) < 0.5
    return torch.where(is_plate, others, batch.behind)


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


def _certain(score: Tensor, truth: Tensor) -> Tensor:
    """Return error and cross-entropy of a sigmoid: alone, the error has no slope where it is sure and wrong."""
    entropy = functional.binary_cross_entropy_with_logits(score, truth)
    return (score.sigmoid() - truth).abs().mean() + 0.5 * entropy


def _choice(scores: Tensor, choices: Tensor, truth: Tensor) -> Tensor:
    """Return the cross-entropy of the mixture's weights with the choices that are right, where it matters which.

    A softmax that is sure of one choice has hardly a slope towards a better one under alpha's error alone.
    """
    error = (choices.detach() - truth).abs()
    right = (-error / _CLEARLY).softmax(dim=1)
    matters = error.amax(dim=1, keepdim=True) - error.amin(dim=1, keepdim=True)
    solved_is_wrong = error[:, SOLVED_CHOICE : SOLVED_CHOICE + 1] - error.amin(dim=1, keepdim=True)
    entropy = -(right * scores.log_softmax(dim=1)).sum(dim=1, keepdim=True)
    return (entropy * (0.1 * matters + solved_is_wrong)).mean()


def _consistency(alpha: Tensor, truth: Tensor, batch: SceneBatch) -> Tensor:
    if not batch.following:
        return alpha.sum() * 0.0
    error = alpha - truth
    return torch.stack([(error[later] - error[earlier]).abs().mean() for earlier, later in batch.following]).mean()
