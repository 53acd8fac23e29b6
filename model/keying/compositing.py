"""The forward equation: foreground over background, and what association means."""

from __future__ import annotations

import torch
from torch import Tensor


def premultiply(foreground: Tensor, alpha: Tensor) -> Tensor:
    """Return the associated color alpha · foreground; (3, H, W) from straight (3, H, W) and (1, H, W)."""
    return foreground * alpha


def over(foreground: Tensor, alpha: Tensor, background: Tensor) -> Tensor:
    """Return straight foreground over background, in linear light. Porter and Duff (1984)."""
    return torch.lerp(background, foreground, alpha)
