"""The `difference` keyer: color difference, solved again in the edges. Needs no weights, no hint, no key color."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.keyer import KeyedFrame, Mattes
from model.keying.cleanup import repair_nonfinite
from model.keying.color_difference import color_difference_alpha
from model.keying.despill import despill
from model.keying.edges import UNSOLVED_MARGIN, solve_edges
from model.keying.fill import erode
from model.keying.screen import clean_plate, find_screen, hue_rotation
from model.keying.unmixing import unmix
from model.settings import FrameNotes, KeySettings, Screen

_LEAST_NOISE = 1e-6  # variance; a synthetic plate has none, and zero would divide
_COARSE = 0.015  # of the shorter side: how far a hint's outline may be off


class DifferenceKeyer:
    """Keys by color difference; see `model.keyer.Keyer` for the contract."""

    name: str = "difference"
    weights_id: str | None = None

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @torch.inference_mode()
    def survey(self, plates: Sequence[Tensor], settings: KeySettings) -> Screen:
        """Find the shot's screen in sampled plates."""
        sound = [repair_nonfinite(plate.to(self.device))[0] for plate in plates]
        return find_screen(sound, None if settings.screen_color == "auto" else settings.screen_color)

    @torch.inference_mode()
    def key(self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Key one plate (3, H, W)."""
        plate, repaired = repair_nonfinite(plate.to(self.device))
        seen_plate, seen = clean_plate(plate, screen)
        if mattes.clean_plate is not None:
            seen_plate = repair_nonfinite(mattes.clean_plate.to(plate))[0].clamp_min(0.0)
        rotation, angle = hue_rotation(screen.color)
        estimate = color_difference_alpha(plate, seen_plate, rotation)
        alpha = _edges(plate, seen_plate, estimate, seen) if settings.refine_edges else _clip(estimate, UNSOLVED_MARGIN)
        alpha = _with_mattes(_levels(alpha, settings), mattes)
        foreground = despill(
            unmix(plate, seen_plate, alpha),
            seen_plate,
            alpha,
            rotation,
            angle=angle,
            strength=settings.despill * (1.0 - mattes.core.to(plate)) if mattes.core is not None else settings.despill,
            restore_luminance=settings.restore_luminance,
        )
        return KeyedFrame(alpha, foreground, _notes(alpha, repaired, seen))


def _edges(plate: Tensor, seen_plate: Tensor, estimate: Tensor, seen: Tensor) -> Tensor:
    """Solve the edges with the noise that this frame's own screen shows, eightfold: edges ring and are compressed."""
    count = seen.sum().clamp_min(1.0)
    noise = ((plate - seen_plate).square().mean(dim=0, keepdim=True) * seen).sum() / count
    grain = ((estimate.square() * seen).sum() / count).sqrt()
    margin = min(max(0.03, 4.0 * float(grain)), 0.15)
    return _clip(solve_edges(plate, seen_plate, estimate, 8.0 * noise + _LEAST_NOISE, margin), 0.02)


def _clip(alpha: Tensor, margin: float) -> Tensor:
    """Stretch alpha so that ``margin`` becomes 0 and 1 − margin becomes 1."""
    return ((alpha - margin) / (1.0 - 2.0 * margin)).clamp(0.0, 1.0)


def _levels(alpha: Tensor, settings: KeySettings) -> Tensor:
    """Apply the artist's floor and ceiling."""
    if settings.alpha_floor <= 0.0 and settings.alpha_ceiling >= 1.0:
        return alpha
    return ((alpha - settings.alpha_floor) / (settings.alpha_ceiling - settings.alpha_floor)).clamp(0.0, 1.0)


def _with_mattes(alpha: Tensor, mattes: Mattes) -> Tensor:
    """Hold alpha to what the artist is certain of; garbage wins over hint, core over everything."""
    if mattes.hint is not None:
        hint, reach = mattes.hint.to(alpha), max(1, round(_COARSE * min(alpha.shape[-2:])))
        alpha = torch.where(erode((hint > 0.95).to(alpha), reach) > 0, torch.ones_like(alpha), alpha)
        alpha = torch.where(erode((hint < 0.05).to(alpha), reach) > 0, torch.zeros_like(alpha), alpha)
    if mattes.garbage is not None:
        alpha = alpha * (1.0 - mattes.garbage.to(alpha).clamp(0.0, 1.0))
    if mattes.core is not None:
        alpha = torch.maximum(alpha, mattes.core.to(alpha).clamp(0.0, 1.0))
    return alpha


def _notes(alpha: Tensor, repaired: int, seen: Tensor) -> FrameNotes:
    warnings = []
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
