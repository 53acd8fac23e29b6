"""Holds alpha to what the artist asked for: levels, hint, garbage and core; and says what a frame came to."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keyer import Mattes
from model.keying.fill import erode
from model.settings import FrameNotes, KeySettings

_COARSE = 0.015  # of the shorter side: how far a hint's outline may be off


def with_levels(alpha: Tensor, settings: KeySettings) -> Tensor:
    """Apply the artist's floor and ceiling to alpha (1, H, W)."""
    if settings.alpha_floor <= 0.0 and settings.alpha_ceiling >= 1.0:
        return alpha
    return ((alpha - settings.alpha_floor) / (settings.alpha_ceiling - settings.alpha_floor)).clamp(0.0, 1.0)


def with_mattes(alpha: Tensor, mattes: Mattes) -> Tensor:
    """Hold alpha (1, H, W) to what the artist is certain of; garbage wins over hint, core over everything."""
    if mattes.hint is not None:
        held = held_by_hint(mattes.hint.to(alpha))
        alpha = torch.where(held > 0, torch.ones_like(alpha), torch.where(held < 0, torch.zeros_like(alpha), alpha))
    if mattes.garbage is not None:
        alpha = alpha * (1.0 - mattes.garbage.to(alpha).clamp(0.0, 1.0))
    if mattes.core is not None:
        alpha = torch.maximum(alpha, mattes.core.to(alpha).clamp(0.0, 1.0))
    return alpha


def held_by_hint(hint: Tensor) -> Tensor:
    """Return what a coarse alpha (1, H, W) is sure of: 1 inside, −1 outside, 0 near its outline or where it is soft."""
    reach = max(1, round(_COARSE * min(hint.shape[-2:])))
    return erode((hint > 0.95).to(hint), reach) - erode((hint < 0.05).to(hint), reach)


def despill_strength(settings: KeySettings, mattes: Mattes, like: Tensor) -> Tensor | float:
    """Return the strength of despill, none inside the core matte: pixels there are the plate's, untouched."""
    return settings.despill if mattes.core is None else settings.despill * (1.0 - mattes.core.to(like))


def frame_notes(alpha: Tensor, repaired: int, seen: Tensor, unanswered: int = 0) -> FrameNotes:
    """Return the notes of one frame: ``repaired`` pixels were no numbers, screen was ``seen`` (1, H, W) for certain.

    ``unanswered`` are pixels whose answer from a network was no number.
    """
    warnings = []
    if unanswered:
        warnings.append(f"The network's answer was no number at {unanswered} pixels; the classical alpha stands there.")
    if repaired:
        warnings.append(f"{repaired} pixels were NaN or infinite and were filled from their neighbours.")
    if float(seen.sum()) < 16:
        warnings.append("No plain screen is to be seen in this frame; the shot's screen color was used.")
    return FrameNotes(
        nan_repaired=repaired,
        screen_share=float((alpha <= 0).float().mean()),
        core_share=float((alpha >= 1).float().mean()),
        warnings=tuple(warnings),
    )
