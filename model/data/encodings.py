"""How cameras store light: transfer functions and their inverses, on tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Encoding:
    """A transfer function: ``encode`` takes scene-linear light to a signal in 0–1, ``decode`` takes it back."""

    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


def _power(base: Tensor, exponent: float) -> Tensor:
    return base.clamp(min=1e-8) ** exponent


def _srgb(light: Tensor) -> Tensor:
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * _power(light, 1 / 2.4) - 0.055)


def _from_srgb(signal: Tensor) -> Tensor:
    return torch.where(signal <= 0.04045, signal / 12.92, _power((signal + 0.055) / 1.055, 2.4))


def _rec709(light: Tensor) -> Tensor:
    return torch.where(light < 0.018, light * 4.5, 1.099 * _power(light, 0.45) - 0.099)


def _from_rec709(signal: Tensor) -> Tensor:
    return torch.where(signal < 0.081, signal / 4.5, _power((signal + 0.099) / 1.099, 1 / 0.45))


def _logc3(light: Tensor) -> Tensor:
    curve = 0.247190 * torch.log10((5.555556 * light + 0.052272).clamp(min=1e-6)) + 0.385537
    return torch.where(light > 0.010591, curve, 5.367655 * light + 0.092809)


def _from_logc3(signal: Tensor) -> Tensor:
    curve = (10 ** ((signal - 0.385537) / 0.247190) - 0.052272) / 5.555556
    return torch.where(signal > 0.149658, curve, (signal - 0.092809) / 5.367655)


def _slog3(light: Tensor) -> Tensor:
    curve = (420 + torch.log10(((light + 0.01) / 0.19).clamp(min=1e-6)) * 261.5) / 1023
    return torch.where(light >= 0.01125, curve, (light * (171.2102946929 - 95) / 0.01125 + 95) / 1023)


def _from_slog3(signal: Tensor) -> Tensor:
    curve = 10 ** ((signal * 1023 - 420) / 261.5) * 0.19 - 0.01
    return torch.where(signal >= 171.2102946929 / 1023, curve, (signal * 1023 - 95) * 0.01125 / (171.2102946929 - 95))


ENCODINGS: dict[str, Encoding] = {
    "srgb": Encoding(_srgb, _from_srgb),  # IEC 61966-2-1
    "rec709": Encoding(_rec709, _from_rec709),  # ITU-R BT.709-6, 1.2 and its inverse
    "logc3": Encoding(_logc3, _from_logc3),  # ARRI "ALEXA Log C Curve", EI 800
    "slog3": Encoding(_slog3, _from_slog3),  # Sony "Technical Summary for S-Gamut3.Cine/S-Log3"
}
