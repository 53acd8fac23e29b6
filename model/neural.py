"""The keyer `neural`: a network chooses alpha and foreground from what classical keying knows of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.checkpoint import load_checkpoint
from model.finishing import Solved, UnmixingKeyer
from model.keyer import Mattes
from model.keying.color_difference import color_difference
from model.keying.edges import stretch
from model.keying.fill import reduce
from model.keying.holding import held_by_hint
from model.keying.priors import Priors, priors
from model.keying.screen import hue_rotation, rotate
from model.network.neural import ANSWERS, Neural
from model.network.reading import Reading, guide_factor, on_eighths, read
from model.settings import KeySettings, Screen

WEIGHTS = Path(__file__).parent / "weights" / "neural.safetensors"

_MARGIN = 0.01  # a mixture of sigmoid and softmax never gets to 0 or 1 by itself
_TILE = 1024  # pixels: side of what is answered at once where a frame is larger than _WHOLE
_WHOLE = 2_400_000  # pixels
_LEAST_GLOW = 0.01  # emission below this, in units, is noise


class NeuralKeyer(UnmixingKeyer):
    """Keys with the `neural` network; see `model.keyer.Keyer` for the contract."""

    name: str = "neural"

    def __init__(self, device: torch.device, weights: Path | None = None) -> None:
        checkpoint = load_checkpoint(weights or WEIGHTS, "neural", device)
        assert isinstance(checkpoint.network, Neural)
        self.network = checkpoint.network
        self.weights_id: str | None = checkpoint.weights_id
        self.device = device

    def solve(
        self, plate: Tensor, seen_plate: Tensor, seen: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings
    ) -> Solved:
        """Ask the network about the whole frame small, then about every pixel."""
        del settings
        rotation, _ = hue_rotation(screen.color)
        held = None if mattes.hint is None else held_by_hint(mattes.hint.to(plate))
        known = priors(plate, seen_plate, seen, rotation, screen_level(screen, rotation), held)
        reading, broken = frame_reading(self.network, known)
        back = rotation.T

        def light(turned: Tensor) -> Tensor:
            return rotate(back, turned[0] * known.unit)

        emission = light((reading.emission - _LEAST_GLOW).clamp_min(0.0))
        return Solved(stretch(reading.alpha[0], _MARGIN), light(reading.foreground), emission, broken)


def screen_level(screen: Screen, rotation: Tensor) -> float:
    """Return the color difference of the screen's typical color."""
    return float(color_difference(rotate(rotation.cpu(), torch.tensor(screen.color)[:, None, None])))


def frame_reading(network: Neural, known: Priors, tile: int | None = None) -> tuple[Reading, int]:
    """Return the reading of one frame, (1, …, H, W), and how many pixels' answers were no numbers.

    Those take the solved alpha. ``tile`` is the side of what is answered at once; None: chosen by the frame's size.
    """
    features = known.features
    height, width = features.shape[-2:]
    factor = guide_factor(height, width, network.guide_lines)
    maps = network.guide(reduce(features, factor)[None])[:, : network.guide_maps]
    maps = torch.where(torch.isfinite(maps), maps, torch.zeros_like(maps))
    padding = (0, -width % network.multiple, 0, -height % network.multiple)
    padded = functional.pad(features[None], padding, mode="replicate")
    raw = torch.empty(1, ANSWERS, height, width, dtype=torch.float32, device=features.device)
    side = tile or (_TILE if height * width > _WHOLE else max(padded.shape[-2:]))
    for window, seen in _windows(padded.shape[-2], padded.shape[-1], side, network.context):
        (top, bottom, left, right), (above, below, before, after) = window, seen
        guidance = on_eighths(maps, factor, above, before, (below - above, after - before))
        answer = network.fine(padded[..., above:below, before:after], guidance)
        inside = answer[..., top - above : bottom - above, left - before : right - before]
        raw[..., top:bottom, left:right] = inside[..., : height - top, : width - left]
    raw, broken = _repaired(raw)
    return read(raw, features[None]), broken


def frame_alpha(network: Neural, known: Priors) -> Tensor:
    """Return the alpha (1, H, W) of one frame, as the keyer finds it."""
    reading, _ = frame_reading(network, known)
    return stretch(reading.alpha[0], _MARGIN)


Box = tuple[int, int, int, int]  # top, bottom, left, right


def _windows(height: int, width: int, side: int, context: int) -> Iterator[tuple[Box, Box]]:
    """Yield what is answered at once, and what has to be seen for it; both end at the frame's border."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            seen = (
                max(0, top - context),
                min(height, bottom + context),
                max(0, left - context),
                min(width, right + context),
            )
            yield (top, bottom, left, right), seen


def _repaired(raw: Tensor) -> tuple[Tensor, int]:
    """Return answers without NaN or infinity: such a pixel takes the solved alpha and the continued foreground."""
    sound = torch.isfinite(raw).all(dim=1, keepdim=True)
    broken = int((~sound).sum())
    if broken == 0:
        return raw, 0
    instead = torch.zeros(1, ANSWERS, 1, 1, device=raw.device)
    instead[:, 3], instead[:, -1] = 30.0, -30.0
    return torch.where(sound, raw, instead), broken
