"""Holds alpha to what the artist asked for: levels, hint, garbage and core; and says what a frame came to."""

from __future__ import annotations

import torch
from torch import Tensor

from model.keyer import Mattes
from model.keying.fill import box_blur, dilate, erode
from model.settings import FrameNotes, KeySettings

_COARSE = 0.015  # of the shorter side: how far a hint's outline may be off
_NEAR = 0.04  # of the shorter side: how far around a stroke a network's answer may change with it
_SAID = 0.5  # of a pixel: how much of it strokes cover that say something of it


def with_levels(alpha: Tensor, settings: KeySettings) -> Tensor:
    """Apply the artist's floor and ceiling to alpha (1, H, W)."""
    if settings.alpha_floor <= 0.0 and settings.alpha_ceiling >= 1.0:
        return alpha
    return ((alpha - settings.alpha_floor) / (settings.alpha_ceiling - settings.alpha_floor)).clamp(0.0, 1.0)


def with_mattes(alpha: Tensor, mattes: Mattes) -> Tensor:
    """Hold alpha (1, H, W) to what the artist is certain of; garbage wins over hint, core over it, strokes over all."""
    if mattes.hint is not None:
        held = _left_to_decide(held_by_hint(mattes.hint.to(alpha)), mattes)
        alpha = torch.where(held > 0, torch.ones_like(alpha), torch.where(held < 0, torch.zeros_like(alpha), alpha))
    if mattes.garbage is not None:
        alpha = alpha * (1.0 - _plain(mattes.garbage, alpha))
    if mattes.core is not None:
        alpha = torch.maximum(alpha, _plain(mattes.core, alpha))
    if mattes.corrections is not None:
        strokes = mattes.corrections.to(alpha)
        keep, remove = strokes[:1], strokes[1:2]
        alpha = alpha * (1.0 - remove - keep).clamp(0.0, 1.0) + keep
    return alpha


def held_by(mattes: Mattes, like: Tensor) -> Tensor | None:
    """Return what a network is told that the artist is sure of (1, H, W): 1 inside, −1 outside, 0 nothing.

    None where the artist says nothing at all.
    """
    held = None if mattes.hint is None else held_by_hint(mattes.hint.to(like))
    if mattes.corrections is None:
        return held
    keep, remove, decide = (mattes.corrections.to(like)[at : at + 1] > _SAID for at in range(3))
    known = torch.zeros_like(keep, dtype=like.dtype) if held is None else held
    known = torch.where(decide, torch.zeros_like(known), known)
    return torch.where(keep, torch.ones_like(known), torch.where(remove, -torch.ones_like(known), known))


def around_strokes(corrections: Tensor) -> Tensor:
    """Return (1, H, W), 0–1, where strokes (3, H, W) are near: 1 on them, falling to 0 some way off."""
    reach = max(2, round(_NEAR * min(corrections.shape[-2:])))
    said = (corrections.amax(dim=0, keepdim=True) > 0.0).to(corrections)
    return box_blur(dilate(said, reach), reach // 2)


def _left_to_decide(held: Tensor, mattes: Mattes) -> Tensor:
    """Return what a hint is sure of (1, H, W), but where strokes leave it to the keyer."""
    if mattes.corrections is None:
        return held
    return torch.where(mattes.corrections.to(held)[2:] > _SAID, torch.zeros_like(held), held)


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
