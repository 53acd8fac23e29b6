"""The keyer `neural`: a network chooses alpha and foreground from what classical keying knows of a frame."""

from __future__ import annotations

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
from model.network.neural import ANSWERS, CHOICES, SOLVED_CHOICE, Neural
from model.network.reading import Reading, guide_factor, on_eighths, read
from model.settings import KeySettings, Screen
from model.tiling import windows

WEIGHTS = Path(__file__).parent / "weights" / "neural.safetensors"

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_MARGIN = 0.01  # a mixture of sigmoid and softmax never gets to 0 or 1 by itself
_TILE = 1024  # pixels: side of what is answered at once where a frame is larger than _WHOLE
_WHOLE = 2_400_000  # pixels
_SMALL_TILE, _LITTLE_MEMORY = 512, 2 * 1024**3  # the tile where less video memory, in bytes, is free
_LEAST_GLOW = 0.01  # emission below this, in units, is noise


class NeuralKeyer(UnmixingKeyer):
    """Keys with the `neural` network; see `model.keyer.Keyer` for the contract."""

    def __init__(self, device: torch.device, weights: Path | None = None, name: str = "neural") -> None:
        self.name = name
        checkpoint = load_checkpoint(weights or WEIGHTS, "neural", device)
        assert isinstance(checkpoint.network, Neural)
        self.network = checkpoint.network
        self.weights_id: str | None = checkpoint.weights_id
        self.device = device

    def solve(
        self, plate: Tensor, seen_plate: Tensor, seen: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings
    ) -> Solved:
        """Ask the network about the whole frame small, then about every pixel."""
        rotation, _ = hue_rotation(screen.color)
        held = None if mattes.hint is None else held_by_hint(mattes.hint.to(plate))
        known = priors(plate, seen_plate, seen, rotation, screen_level(screen, rotation), held)
        reading, broken = frame_reading(self.network, known, precision=_PRECISIONS[settings.precision])
        back = rotation.T

        def light(turned: Tensor) -> Tensor:
            return rotate(back, turned[0] * known.unit)

        emission = light((reading.emission - _LEAST_GLOW).clamp_min(0.0))
        return Solved(stretch(reading.alpha[0], _MARGIN), light(reading.foreground), emission, broken)


def screen_level(screen: Screen, rotation: Tensor) -> float:
    """Return the color difference of the screen's typical color."""
    return float(color_difference(rotate(rotation.cpu(), torch.tensor(screen.color)[:, None, None])))


def frame_reading(
    network: Neural, known: Priors, tile: int | None = None, precision: torch.dtype = torch.float32
) -> tuple[Reading, int]:
    """Return the reading of one frame, (1, …, H, W), and how many pixels' answers were no numbers.

    Those take the solved alpha. ``tile`` is the side of what is answered at once; None: chosen by the frame's size.
    ``precision`` is that of the convolutions; everything else is float32.
    """
    features = known.features
    height, width = features.shape[-2:]
    factor = guide_factor(height, width, network.guide_lines)
    padding = (0, -width % network.multiple, 0, -height % network.multiple)
    padded = functional.pad(features[None], padding, mode="replicate")
    found = [torch.empty(1, channels, height, width, device=features.device) for channels in (1, 1, CHOICES, 1, 3, 3)]
    broken = 0
    with torch.autocast(features.device.type, dtype=precision, enabled=precision != torch.float32):
        maps = network.guide(reduce(features, factor)[None])[:, : network.guide_maps]
        maps = torch.where(torch.isfinite(maps), maps, torch.zeros_like(maps))
        for answered, seen in windows(
            padded.shape[-2:], tile or _side(height, width, features.device), network.context
        ):
            guidance = on_eighths(maps, factor, seen.top, seen.left, (seen.height, seen.width))
            answer = network.fine(padded[..., seen.rows, seen.columns], guidance)
            raw, spoiled = _repaired(answer[..., answered.rows_in(seen), answered.columns_in(seen)].float())
            reading = read(raw, padded[..., answered.rows, answered.columns])
            for whole, part in zip(found, reading.parts, strict=True):
                target = whole[..., answered.rows, answered.columns]
                target.copy_(part[..., : target.shape[-2], : target.shape[-1]])
            broken += int(spoiled[..., : height - answered.top, : width - answered.left].sum())
    return Reading(*found), broken


def frame_alpha(network: Neural, known: Priors) -> Tensor:
    """Return the alpha (1, H, W) of one frame, as the keyer finds it."""
    reading, _ = frame_reading(network, known)
    return stretch(reading.alpha[0], _MARGIN)


def _side(height: int, width: int, device: torch.device) -> int:
    """Choose how much is answered at once: all of a small frame, less where video memory is short."""
    if device.type == "cuda" and torch.cuda.mem_get_info(device)[0] < _LITTLE_MEMORY:
        return _SMALL_TILE
    return _TILE if height * width > _WHOLE else -(-max(height, width) // Neural.multiple) * Neural.multiple


def _repaired(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return answers without NaN or infinity, and where there were any (1, 1, H, W).

    Such a pixel takes the solved alpha and the continued foreground.
    """
    spoiled = ~torch.isfinite(raw).all(dim=1, keepdim=True)
    instead = torch.zeros(1, ANSWERS, 1, 1, device=raw.device)
    instead[:, SOLVED_CHOICE], instead[:, -1] = 30.0, -30.0
    return torch.where(spoiled, instead, raw), spoiled
