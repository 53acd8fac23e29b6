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
        alpha = alpha * (1.0 - _plain(mattes.garbage, alpha))
    if mattes.core is not None:
        alpha = torch.maximum(alpha, _plain(mattes.core, alpha))
    return alpha


def held_by_hint(hint: Tensor) -> Tensor:
    """Return what a coarse alpha (1, H, W) is sure of: 1 inside, −1 outside, 0 near its outline or where it is soft."""
    reach = max(1, round(_COARSE * min(hint.shape[-2:])))
    return erode((hint > 0.95).to(hint), reach) - erode((hint < 0.05).to(hint), reach)


def despill_strength(settings: KeySettings, mattes: Mattes, like: Tensor) -> Tensor | float:
    """Return the strength of despill, none inside the core matte: pixels there are the plate's, untouched."""
    return settings.despill if mattes.core is None else settings.despill * (1.0 - _plain(mattes.core, like))


def _plain(matte: Tensor, like: Tensor) -> Tensor:
    """Return a matte (1, H, W) in 0–1; where it says nothing (NaN) it holds nothing."""
    return matte.to(like).nan_to_num(nan=0.0).clamp(0.0, 1.0)


def untold(mattes: Mattes) -> int:
    """Return at how many pixels the mattes say nothing (NaN)."""
    given = [matte for matte in (mattes.hint, mattes.garbage, mattes.core) if matte is not None]
    return sum(int(matte.isnan().sum()) for matte in given)


def frame_notes(alpha: Tensor, repaired: int, seen: Tensor, unanswered: int = 0, untold: int = 0) -> FrameNotes:
    """Return the notes of one frame: ``repaired`` pixels were no numbers, screen was ``seen`` (1, H, W) for certain.

    ``unanswered`` are pixels whose answer from a network was no number, ``untold`` those of mattes.
    """
    warnings = []
    if unanswered:
        warnings.append(f"The network's answer was no number at {unanswered} pixels; the classical alpha stands there.")
    if repaired:
        warnings.append(
            f"{repaired} pixels were NaN, infinite or beyond any light and were filled from their neighbours."
        )
    if untold:
        warnings.append(f"{untold} pixels of the mattes were NaN; nothing is held there.")
    if float(seen.sum()) < 16:
        warnings.append("No plain screen is to be seen in this frame; the shot's screen color was used.")
    return FrameNotes(
        nan_repaired=repaired,
        screen_share=float((alpha <= 0).float().mean()),
        core_share=float((alpha >= 1).float().mean()),
        warnings=tuple(warnings),
    )
