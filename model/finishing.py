"""What every keyer of ours does around its alpha: the clean plate before, mattes, unmixing and despill behind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.device import exact_float32
from model.errors import NoScreenError
from model.keyer import KeyedFrame, Mattes
from model.keying.bars import NO_BARS, find_bars, inside
from model.keying.bars import around as with_bars
from model.keying.behind import Behind, Sample, bare, find_behind, sample
from model.keying.clean_plate import heeded
from model.keying.cleanup import repair_nonfinite
from model.keying.despill import despill
from model.keying.doubt import doubt
from model.keying.edge_work import with_edges
from model.keying.grain import seen_through_grain
from model.keying.holding import around_strokes, despill_strength, frame_notes, untold, with_levels, with_mattes
from model.keying.layers import Separated, held_doubt, layer_of
from model.keying.screen import find_screen, hue_rotation
from model.keying.steadiness import Around, Glimpse, glimpse, steadied
from model.keying.unmixing import unmix, with_emission
from model.settings import Color, KeySettings, Screen

_SKIN, _NEAR_SKIN = 25.0, 30.0  # degrees of hue


@dataclass(frozen=True)
class Solved:
    """What a keyer finds in a frame beyond the clean plate."""

    alpha: Tensor  # (1, H, W), 0–1
    plain: Tensor | None = None  # (1, H, W), alpha before its edges were refined, where that was a step of its own
    foreground: Tensor | None = None  # (3, H, W), straight, for pixels too thin to be unmixed; None: continued
    emission: Tensor | None = None  # (3, H, W), light that no coverage carries
    lacking: Tensor | None = None  # (3, H, W), light that half-transparent pixels lack by how the plate was recorded
    repaired: int = 0  # pixels whose answers were NaN or infinite


@dataclass(frozen=True)
class RawKey:
    """What `infer` found, on the device; all but the plate within the bars around the picture (3, h, w)."""

    plate: Tensor  # (3, H, W), repaired
    clean_plate: Tensor  # (3, h, w)
    seen: Tensor  # (1, h, w), 1 where plain screen is seen
    solved: Solved  # before levels and mattes
    repaired: int  # pixels that were no possible light
    doubt: Tensor  # (1, h, w), 0–1: how likely alpha is wrong by more than 0.02


class UnmixingKeyer(ABC):
    """A keyer but for its alpha, which a subclass finds in `solve`; see `model.keyer.TwoStepKeyer` for the contract."""

    name: str
    device: torch.device
    reach: int = 0
    """Frames before and after one that are heard of it; see `model.keyer.SteadyKeyer`."""
    heeds_strokes: bool = False
    """Whether what it solves depends on an artist's strokes."""

    @abstractmethod
    def solve(
        self,
        plate: Tensor,
        seen_plate: Tensor,
        seen: Tensor,
        screen: Screen,
        mattes: Mattes,
        settings: KeySettings,
        evidence: Tensor | None,
    ) -> Solved:
        """Solve a finite plate (3, H, W), given its clean plate and where that was seen; of the mattes, the hint.

        ``evidence`` is what `evidence_of` said.

        Whether edges are refined is chosen afterwards, so both alphas are found.
        """

    def evidence_of(self, plate: Tensor) -> Tensor | None:
        """Return evidence (1, h, w), 0–1, of where a subject stands in a finite plate, from a keyer that has any."""
        del plate
        return None

    @torch.inference_mode()
    def survey(self, plates: Sequence[Tensor], settings: KeySettings) -> Screen:
        """Find the shot's screen in sampled plates, and the black bars around the picture."""
        sound = [repair_nonfinite(plate.to(self.device))[0] for plate in plates]
        bars = find_bars(sound)
        color = None if settings.screen_color == "auto" else settings.screen_color
        shown = [inside(plate, bars) for plate in sound]
        return _found(shown, color, [self.evidence_of(plate) for plate in shown]).model_copy(update={"bars": bars})

    @torch.inference_mode()
    def glimpse(self, plate: Tensor, screen: Screen, known: Sample | None = None) -> Glimpse:
        """Look at one plate (3, H, W) as its neighbours need to know it; ``known`` is its sample, if any."""
        shown = inside(repair_nonfinite(plate.to(self.device))[0], screen.bars)
        with exact_float32():
            return glimpse(shown, self._heard(shown, screen) if known is None else known.evidence)

    @torch.inference_mode()
    def sample(self, plate: Tensor, screen: Screen) -> Sample:
        """Look at one of the plates (3, H, W) that tell what stands behind the subject."""
        shown = inside(repair_nonfinite(plate.to(self.device))[0], screen.bars)
        with exact_float32():
            return sample(shown, self._heard(shown, screen))

    @torch.inference_mode()
    def behind(self, samples: Sequence[Sample], screen: Screen) -> Behind | None:
        """Tell what stands behind the subject of the shot that the samples are of."""
        return find_behind(samples, screen)

    def key(
        self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings, around: Around | None = None
    ) -> KeyedFrame:
        """Key one plate (3, H, W)."""
        return self.finish(self.infer(plate, screen, mattes, settings, around), screen, mattes, settings)

    @torch.inference_mode()
    def infer(
        self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings, around: Around | None = None
    ) -> RawKey:
        """Solve alpha, the slow half."""
        whole, repaired = repair_nonfinite(plate.to(self.device))
        plate, mattes = inside(whole, screen.bars), _inside(mattes, screen)
        own = mattes.clean_plate
        if own is not None:
            own = repair_nonfinite(own.to(plate))[0]
        with exact_float32():
            evidence = self._heard(plate, screen) if around is None else steadied(around)
            given, seen_plate, seen = seen_through_grain(plate, screen, own, evidence)
            without = replace(mattes, corrections=None)
            solved = self.solve(given, seen_plate, seen, screen, without, settings, evidence)
            if self.heeds_strokes and mattes.corrections is not None:
                told = self.solve(given, seen_plate, seen, screen, mattes, settings, evidence)
                solved = _near_strokes(told, solved, around_strokes(mattes.corrections.to(plate)))
        if around is not None and around.behind is not None and own is None:
            solved = _without(solved, bare(around.behind, plate, evidence))
        unsure = doubt(solved.alpha, solved.plain, plate, seen_plate, self.name)
        return RawKey(whole, seen_plate, seen, solved, repaired, unsure)

    def _heard(self, plate: Tensor, screen: Screen) -> Tensor | None:
        """Return the evidence of a subject in a finite plate without bars; None where there is none to heed."""
        evidence = self.evidence_of(plate)
        return None if evidence is None else heeded(evidence, plate, screen)

    @torch.inference_mode()
    def finish(self, raw: RawKey, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Choose an alpha, hold it to levels and mattes, and take the screen's light away."""
        core, mattes = mattes.core, _inside(mattes, screen)
        plate, seen_plate = inside(raw.plate, screen.bars), raw.clean_plate
        rotation, angle = hue_rotation(screen.color)
        found = raw.solved.alpha if settings.refine_edges or raw.solved.plain is None else raw.solved.plain
        leveled = with_levels(found, settings)
        alpha = with_mattes(leveled, mattes)
        spilled = unmix(_with_what_it_lacks(plate, alpha, raw.solved), seen_plate, alpha, raw.solved.foreground)
        foreground = despill(
            spilled,
            seen_plate,
            alpha,
            rotation,
            angle=angle,
            strength=despill_strength(settings, mattes, plate),
            restore_luminance=settings.restore_luminance,
            own=raw.solved.foreground,
            trust=_apart_from_skin(screen),
            bias=None if settings.despill_bias == "none" else settings.despill_bias,
            edges_only=settings.despill_where == "edges",
            replacement=None if settings.spill_replacement == "none" else settings.spill_replacement,
        )
        found_in_frame = Separated(plate, seen_plate, alpha, spilled, foreground, held_doubt(raw.doubt, leveled, alpha))
        foreground, alpha = with_edges(foreground, alpha, leveled, plate, mattes, settings)
        if raw.solved.emission is not None:
            allowed = with_mattes(torch.ones_like(alpha), replace(mattes, core=None))
            foreground, alpha = with_emission(foreground, alpha, raw.solved.emission * allowed)
        if screen.bars != NO_BARS:
            alpha, foreground = (with_bars(part, raw.plate, screen.bars) for part in (alpha, foreground))
            alpha, foreground = _held_in_bars(alpha, foreground, raw.plate, core)
        doubted = with_bars(found_in_frame.doubt, raw.plate, screen.bars)
        layers = {
            name: with_bars(layer_of(name, found_in_frame), raw.plate, screen.bars) for name in settings.delivery.layers
        }
        notes = frame_notes(alpha, raw.repaired, raw.seen, raw.solved.repaired, untold(mattes))
        return KeyedFrame(alpha, foreground, notes, layers, doubted)


def _found(plates: Sequence[Tensor], color: Color | None, evidence: Sequence[Tensor | None]) -> Screen:
    """Find the screen where no subject stands; where there is none, evidence may have taken it for the subject."""
    try:
        return find_screen(plates, color, evidence)
    except NoScreenError:
        return find_screen(plates, color)


def _near_strokes(told: Solved, untold: Solved, near: Tensor) -> Solved:
    """Return what was solved with strokes ``near`` them (1, H, W), 0–1, and elsewhere what was solved without.

    What an artist says of one place says nothing of others, though a network would hear it there.
    """

    def both(with_strokes: Tensor, without: Tensor) -> Tensor:
        return torch.where(near > 0.0, torch.lerp(without, with_strokes, near), without)

    def both_if_any(with_strokes: Tensor | None, without: Tensor | None) -> Tensor | None:
        return without if with_strokes is None or without is None else both(with_strokes, without)

    return replace(
        untold,
        alpha=both(told.alpha, untold.alpha),
        plain=both_if_any(told.plain, untold.plain),
        foreground=both_if_any(told.foreground, untold.foreground),
        emission=both_if_any(told.emission, untold.emission),
        lacking=both_if_any(told.lacking, untold.lacking),
    )


def _without(solved: Solved, taken: Tensor) -> Solved:
    """Return what was solved without what is ``taken`` away (1, H, W), 0–1."""
    left = 1.0 - taken
    return replace(
        solved,
        alpha=solved.alpha * left,
        plain=None if solved.plain is None else solved.plain * left,
        emission=None if solved.emission is None else solved.emission * left,
    )


def _inside(mattes: Mattes, screen: Screen) -> Mattes:
    """Return the mattes within the bars around the picture."""
    given = (mattes.hint, mattes.clean_plate, mattes.garbage, mattes.core, mattes.corrections)
    return Mattes(*(None if matte is None else inside(matte, screen.bars) for matte in given))


def _held_in_bars(alpha: Tensor, foreground: Tensor, plate: Tensor, core: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return alpha and foreground with what a core matte holds in the bars too: it wins over everything."""
    held = with_mattes(alpha, Mattes(core=core))
    return held, torch.where((held > 0) & (alpha <= 0), plate, foreground)


def _with_what_it_lacks(plate: Tensor, alpha: Tensor, solved: Solved) -> Tensor:
    """Return the plate, its color sharp in half-transparent pixels; opaque ones stay its own."""
    return plate if solved.lacking is None else torch.where(alpha < 1.0, plate + solved.lacking, plate)


def _apart_from_skin(screen: Screen) -> float:
    """Return, 0–1, how far the screen's hue is from skin's, whose color a keyer would take for the subject's own."""
    red, green, blue = screen.color
    hue = math.degrees(math.atan2(math.sqrt(3.0) / 2.0 * (green - blue), red - (green + blue) / 2.0))
    return min(max((abs(hue - _SKIN) - _NEAR_SKIN) / _NEAR_SKIN, 0.0), 1.0)
