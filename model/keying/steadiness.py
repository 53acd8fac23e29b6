"""Steadies the evidence of a subject over neighbouring frames along motion, so that no frame decides by a whim.

Evidence of a frame strays in ways that its picture does not: half an arm comes and goes. What the frames around say of
the same things is brought to their places here by optical flow (DIS: Kroeger et al. 2016), and heard where the pictures
agree once they are moved. Where they do not, behind a fast arm or across a cut, the frame's own answer stands. Only
evidence is steadied: alpha is measured in the frame itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from model.keying.behind import Behind
from model.keying.motion import Array, fitted, motion, moved
from model.keying.motion import small as seen_small

REACH = 2
"""Frames before and after that are heard."""

_LEAST_SIDE = 12  # pixels, below which a glimpse's shorter side shows nothing that could be followed
_CUT = 0.3  # share of a frame that agrees with its neighbour, below which there is a cut between them


@dataclass(frozen=True)
class Glimpse:
    """What is kept of a frame for its neighbours' sake."""

    light: Tensor  # (3, h, w) on the CPU, scene-linear, not negative, small
    evidence: Tensor | None  # (1, h', w'), 0–1; None where there is none, or none that is heeded


@dataclass(frozen=True)
class Around:
    """The glimpses of a frame and of those around it, the nearest first; they end at the shot's ends and at gaps.

    ``behind`` is what stands behind the subject of the whole shot, where that is known.
    """

    own: Glimpse
    before: tuple[Glimpse, ...] = ()
    after: tuple[Glimpse, ...] = ()
    behind: Behind | None = None


def glimpse(plate: Tensor, evidence: Tensor | None) -> Glimpse:
    """Return what neighbours need to know of a finite plate (3, H, W)."""
    return Glimpse(seen_small(plate), evidence)


def steadied(around: Around) -> Tensor | None:
    """Return a frame's evidence (1, h', w'), made consistent with what its neighbours say of the same things.

    Of five answers to a pixel the least and the greatest are left out, and the mean of the others counts. A neighbour
    that does not agree, or is not there, gives the frame's own answer: so a still keeps its evidence, bit for bit.
    """
    own = around.own.evidence
    if own is None or min(around.own.light.shape[-2:]) < _LEAST_SIDE:
        return own
    departures = [*_departures(around.own, around.before), *_departures(around.own, around.after)]
    if not departures:
        return own
    missing = 2 * REACH + 1 - len(departures)
    none = np.zeros_like(departures[0])
    ranked = np.sort(np.stack((*departures, *([none] * missing))), axis=0)
    departure = torch.from_numpy(np.ascontiguousarray(ranked[1:-1].mean(axis=0))).to(own)
    return (own + departure).clamp(0.0, 1.0)


def _departures(own: Glimpse, others: Sequence[Glimpse]) -> Iterator[Array]:
    """Yield how the evidence of ``others`` departs from a frame's own, (1, h', w') each, up to a cut."""
    assert own.evidence is not None
    mine = own.evidence.float().cpu().numpy()
    for other in others[:REACH]:
        if other.light.shape != own.light.shape or other.evidence is None or other.evidence.shape != own.evidence.shape:
            return
        flow, agrees = motion(own.light, other.light)
        if float(agrees.mean()) < _CUT:
            return
        size = (mine.shape[-1], mine.shape[-2])
        theirs = moved(other.evidence[0].float().cpu().numpy(), fitted(flow, size))
        yield (theirs[None] - mine) * cv2.resize(agrees, size)[None]
