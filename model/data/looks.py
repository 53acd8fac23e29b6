"""What a picture profile or a grade does to light: a curve for each channel, then saturation and hue.

Whoever reads the file knows nothing of it: it is tagged sRGB or Rec.709 and decoded as such, so what a keyer calls
linear light is curved light. No such curve commutes with mixing: docs/data.md says what the truth is then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data.lighting import Rgb, rgb
from model.data.seeding import Draw
from model.data.truth import Truth

Matrix = tuple[Rgb, Rgb, Rgb]

_GAMMA = 2.4  # a look works on a signal, much as eyes and displays do
_BLACK = 0.002  # light that is added before the power, whose slope at black would have no end
_LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709-6, 3.2


@dataclass(frozen=True)
class Look:
    """A monotone curve for each channel, and a matrix behind them; all but the gains work on the signal, 0–1."""

    gains: Rgb  # on light: exposure and a white balance that is off
    contrast: Rgb  # a power around `pivot`
    pivot: float
    toe: Rgb  # signal below which the curve bends towards black; 0: none
    lift: Rgb  # signal of black, as of a flat profile
    knee: Rgb  # signal above which highlights roll off towards `ceiling`
    ceiling: Rgb  # highest signal of a channel; above 1 it clips
    hardness: int  # of the knee: 1 begins to roll off at once, 2 and 4 do so later
    matrix: Matrix  # saturation and hue; whites stay white

    def __call__(self, light: Tensor) -> Tensor:
        """Return what a reader takes for the linear light (N, 3, H, W), 0–1, where ``light`` is scene-linear."""
        place = light.device
        contrast = rgb(self.contrast, place)
        signal = light.clamp(min=0).mul_(rgb(self.gains, place)).add_(_BLACK).pow_(contrast / _GAMMA)
        signal = signal.sub_(_BLACK ** (contrast / _GAMMA)).clamp_(min=0).mul_(self.pivot ** (1 - contrast))
        if any(self.toe):
            signal = (signal * signal).div_(signal + (rgb(self.toe, place) + 1e-6))
        lift, knee = rgb(self.lift, place), rgb(self.knee, place)
        signal = self._rolled_off(signal.mul_(1 - lift).add_(lift), knee, rgb(self.ceiling, place) - knee)
        red, green, blue = signal.unbind(1)
        mixed = torch.stack([row[0] * red + row[1] * green + row[2] * blue for row in self.matrix], dim=1)
        return mixed.clamp_(0, 1).pow_(_GAMMA)

    def _rolled_off(self, signal: Tensor, knee: Tensor, room: Tensor) -> Tensor:
        over = (signal - knee).clamp_(min=0).div_(room)
        halvings = self.hardness.bit_length() - 1
        bend = over
        for _ in range(halvings):
            bend = bend * bend
        bend = bend + 1
        for _ in range(halvings):
            bend.sqrt_()
        return torch.minimum(signal, knee).add_(over.div_(bend).mul_(room))


def curved(look: Look, truth: Truth) -> Truth:
    """Return the answers as seen through ``look``.

    What stands in the scene goes through the curve by itself, coverage stays coverage, and emission and spill are what
    they add to the curved picture: so the answers make up the curved plate wherever alpha is 0 or 1, and nearly
    elsewhere, for no curve commutes with mixing.
    """
    bare = truth.foreground * truth.alpha + truth.background * (1 - truth.alpha)
    seen = look(bare)
    glowing = look(bare + truth.emission) if truth.emission.any() else seen
    spilled = look(truth.noiseless()) if truth.spill.any() else glowing
    return Truth(
        foreground=look(truth.foreground) * (truth.alpha > 0),
        alpha=truth.alpha,
        background=look(truth.background),
        clean_plate=look(truth.clean_plate),
        spill=spilled - glowing,
        emission=glowing - seen,
    )


def draw_look(draw: Draw) -> Look:
    """Draw a look: from a mild one to a phone's, with strong contrast, early shoulder, and channels that clip."""
    exposure, warm, tint = 0.1 + draw.normal(0.25), draw.normal(0.12), draw.normal(0.06)
    contrast = draw.log_uniform(0.8, 1.5)
    toe = draw.uniform(0.0, 0.2) if draw.chance(0.6) else 0.0
    lift = draw.uniform(0.0, 0.16) if draw.chance(0.45) else 0.0
    knee, ceiling = draw.uniform(0.25, 0.75), draw.uniform(0.93, 1.06)
    return Look(
        gains=(math.exp(exposure + warm), math.exp(exposure + tint), math.exp(exposure - warm)),
        contrast=_each(lambda: contrast * math.exp(draw.normal(0.05))),
        pivot=draw.uniform(0.35, 0.6),
        toe=_each(lambda: toe * draw.uniform(0.4, 1.6)),
        lift=_each(lambda: lift * draw.uniform(0.5, 1.5)),
        knee=_each(lambda: min(max(knee + draw.normal(0.06), 0.25), 0.88)),
        ceiling=_each(lambda: max(ceiling + draw.normal(0.02), 0.9)),
        hardness=draw.pick((1, 2, 2, 4)),
        matrix=_matrix(draw.log_uniform(0.65, 1.6), draw.normal(0.1), _each(lambda: draw.normal(0.03))),
    )


def _each(value: Callable[[], float]) -> Rgb:
    return value(), value(), value()


def _matrix(saturation: float, turn: float, bleed: Rgb) -> Matrix:
    """Return the matrix that scales and turns color around grey; ``bleed`` leaks each channel into the next."""
    cosine, sine = saturation * math.cos(turn), saturation * math.sin(turn) / math.sqrt(3)
    rows = []
    for row in range(3):
        parts = [(1 - cosine) * _LUMA[column] for column in range(3)]
        parts[row] += cosine - bleed[row]
        parts[(row + 1) % 3] += sine + bleed[row]
        parts[(row + 2) % 3] -= sine
        rows.append((parts[0], parts[1], parts[2]))
    return rows[0], rows[1], rows[2]
