"""The `difference` keyer: color difference, solved again in the edges. Needs no weights, no hint, no key color."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.keyer import KeyedFrame, Mattes
from model.keying.cleanup import repair_nonfinite
from model.keying.color_difference import color_difference_alpha
from model.keying.despill import despill
from model.keying.edges import UNSOLVED_MARGIN, solve_edges
from model.keying.holding import despill_strength, frame_notes, with_levels, with_mattes
from model.keying.screen import clean_plate, find_screen, hue_rotation
from model.keying.unmixing import unmix
from model.settings import KeySettings, Screen

_LEAST_NOISE = 1e-6  # variance; a synthetic plate has none, and zero would divide


@dataclass(frozen=True)
class RawKey:
    """What `infer` found, on the device."""

    plate: Tensor  # (3, H, W), repaired
    clean_plate: Tensor  # (3, H, W)
    seen: Tensor  # (1, H, W), 1 where plain screen is seen
    alpha: Tensor  # (1, H, W), before levels and mattes
    repaired: int  # pixels that were NaN or infinite


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

    def key(self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Key one plate (3, H, W)."""
        return self.finish(self.infer(plate, screen, mattes, settings), screen, mattes, settings)

    @torch.inference_mode()
    def infer(self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings) -> RawKey:
        """Solve alpha, the slow half."""
        plate, repaired = repair_nonfinite(plate.to(self.device))
        seen_plate, seen = clean_plate(plate, screen)
        if mattes.clean_plate is not None:
            seen_plate = repair_nonfinite(mattes.clean_plate.to(plate))[0].clamp_min(0.0)
        rotation, _ = hue_rotation(screen.color)
        estimate = color_difference_alpha(plate, seen_plate, rotation)
        alpha = _edges(plate, seen_plate, estimate, seen) if settings.refine_edges else _clip(estimate, UNSOLVED_MARGIN)
        return RawKey(plate, seen_plate, seen, alpha, repaired)

    @torch.inference_mode()
    def finish(self, raw: RawKey, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Hold alpha to levels and mattes, and take the screen's light away."""
        plate, seen_plate = raw.plate, raw.clean_plate
        rotation, angle = hue_rotation(screen.color)
        alpha = with_mattes(with_levels(raw.alpha, settings), mattes)
        foreground = despill(
            unmix(plate, seen_plate, alpha),
            seen_plate,
            alpha,
            rotation,
            angle=angle,
            strength=despill_strength(settings, mattes, plate),
            restore_luminance=settings.restore_luminance,
        )
        return KeyedFrame(alpha, foreground, frame_notes(alpha, raw.repaired, raw.seen))


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
