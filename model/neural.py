"""The keyer `neural`: a network chooses alpha and foreground from what classical keying knows of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.checkpoint import Checkpoint, load_checkpoint
from model.device import free_memory, is_out_of_memory
from model.errors import KeyingError
from model.evidence import Evidence
from model.finishing import Solved, UnmixingKeyer
from model.keyer import Mattes
from model.keying.color_difference import color_difference
from model.keying.edges import stretch
from model.keying.fill import erode, reduce
from model.keying.holding import held_by
from model.keying.priors import DIFFERENCE, RECORDING, Priors, priors
from model.keying.refinements import begin, refined
from model.keying.screen import hue_rotation, rotate
from model.keying.steadiness import REACH
from model.network.neural import ANSWERS, SOLVED_CHOICE, Neural
from model.network.reading import around, guide_factor, on_eighths, read
from model.network.segmenter import Segmenter
from model.settings import KeySettings, Screen
from model.tiling import windows

WEIGHTS = Path(__file__).parent / "weights" / "neural.safetensors"
SEGMENTER = WEIGHTS.with_name("segmenter.safetensors")

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_MARGIN = 0.02  # alpha below it becomes 0, above 1 − it becomes 1
_TILE, _TILE_OF_A_CARD = 1024, 640  # pixels: side of what is answered at once where a frame is larger than _WHOLE
_TILE_IN_FLOAT32 = 256  # of a card: cuDNN convolves by Fourier transforms there, with buffers of 1.5 GiB more for 320
_WHOLE = 2_400_000  # pixels
_SMALL_TILE, _LITTLE_MEMORY = 512, 2 * 1024**3  # the tile where less video memory, in bytes, is free
_LEAST_TILE = 128  # half as large as the smallest above: below it, each tile is mostly context
EVIDENCE = "evidence"
"""Name under which the network that knows photographs can be left out."""
STEADINESS = "steadiness"
"""Name under which the frames around can be left unheard."""

OPTIONAL = frozenset((EVIDENCE, STEADINESS))
"""What can be left out beside the refinements."""

_PARTS = ("alpha", "projected", "unsolved", "foreground", "emission")
_LEAST_GLOW = 0.01  # emission below this, in units, is noise


@dataclass(frozen=True)
class FrameAnswer:
    """What the network says of one frame; light is hue-rotated and in units of `model.keying.priors`."""

    alpha: Tensor  # (1, H, W), 0–1, as the mixture leaves it
    most: Tensor  # (1, H, W), 0–1, the guide's own coarse alpha around a pixel, at most
    least: Tensor  # (1, H, W), the same, at least
    projected: Tensor  # (1, H, W), 0–1, the plate projected on the line from screen to foreground
    unsolved: Tensor  # (1, H, W), the same without the alpha that was solved in the edges
    foreground: Tensor  # (3, H, W), straight, without screen light
    emission: Tensor  # (3, H, W), light that no coverage carries
    spoiled: int  # pixels whose answer was NaN or infinite: they took the solved alpha


class NeuralKeyer(UnmixingKeyer):
    """Keys with the `neural` network; see `model.keyer.Keyer` for the contract."""

    heeds_strokes = True

    def __init__(
        self,
        device: torch.device,
        weights: Path | None = None,
        name: str = "neural",
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Load the released weights, or ``weights``; ``without`` names refinements or `OPTIONAL` parts to leave out."""
        self.name, self.without = name, without
        self.reach = 0 if without & {EVIDENCE, STEADINESS} else REACH
        checkpoint = (
            _loaded(WEIGHTS, Neural.name, device) if weights is None else load_checkpoint(weights, "neural", device)
        )
        assert isinstance(checkpoint.network, Neural)
        self.network = checkpoint.network
        self.device = device
        self.evidence = Evidence(device)
        segmenter = _loaded(SEGMENTER, Segmenter.name, device)
        assert isinstance(segmenter.network, Segmenter)
        self.segmenter = segmenter.network
        self.weights_id: str | None = "+".join((checkpoint.weights_id, segmenter.weights_id, self.evidence.weights_id))

    def evidence_of(self, plate: Tensor) -> Tensor | None:
        """Ask the network that knows photographs."""
        return None if EVIDENCE in self.without else self.evidence(plate)

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
        """Ask the network about the whole frame small, then about every pixel."""
        rotation, _ = hue_rotation(screen.color)
        held = held_by(mattes, plate)
        told = self.network.recording
        level = screen_level(screen, rotation)
        known = priors(plate, seen_plate, seen, rotation, level, held, with_recording=told)
        answer = answer_frame(self.network, known, precision=_PRECISIONS[settings.precision])
        most, least = segmented(self.segmenter, known.features, evidence)
        back = rotation.T
        estimate = refined(
            begin(
                plate=plate,
                clean_plate=seen_plate,
                seen=seen,
                unit=known.unit,
                difference=known.features[DIFFERENCE],
                recording=known.features[RECORDING],
                alpha=answer.alpha,
                plain=answer.unsolved,
                foreground=rotate(back, answer.foreground * known.unit),
                projection=answer.projected,
                most=most,
                least=least,
                near=torch.minimum(most, answer.most),
                solid=answer.least if evidence is None else torch.maximum(answer.least, well_inside(evidence, plate)),
            ),
            self.without - OPTIONAL,
        )
        emission = (answer.emission - _LEAST_GLOW).clamp_min(0.0)
        return Solved(
            alpha=estimate.alpha,
            plain=estimate.plain,
            foreground=estimate.foreground,
            lacking=estimate.lacking,
            emission=rotate(back, emission * known.unit),
            repaired=answer.spoiled,
        )


def _loaded(weights: Path, network: str, device: torch.device) -> Checkpoint:
    """Load weights that come with DropKey; whoever asked for no weights is not told to train some."""
    try:
        return load_checkpoint(weights, network, device)
    except KeyingError as error:
        fix = "Install DropKey again, which brings its weights back, or key with `difference`, which needs none."
        raise KeyingError(error.message, fix=fix) from error


def screen_level(screen: Screen, rotation: Tensor) -> float:
    """Return the color difference of the screen's typical color."""
    return float(color_difference(rotate(rotation.cpu(), torch.tensor(screen.color)[:, None, None])))


def answer_frame(
    network: Neural,
    known: Priors,
    tile: int | None = None,
    precision: torch.dtype = torch.float32,
) -> FrameAnswer:
    """Return what the network says of one frame.

    ``tile`` is the side of what is answered at once; None: chosen by the frame's size, and smaller again where memory
    runs out all the same. ``precision`` is that of the convolutions; everything else is float32.
    """
    height, width = known.features.shape[-2:]
    side = tile or _tile_for(height, width, known.features.device, precision)
    while True:
        try:
            return _answer_in_tiles(network, known, side, precision)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or side <= _LEAST_TILE:
                raise
        # Outside of the handler: the traceback would keep the tensors alive.
        free_memory()
        side = max(_LEAST_TILE, side // 2 // network.multiple * network.multiple)


def _answer_in_tiles(network: Neural, known: Priors, tile: int, precision: torch.dtype) -> FrameAnswer:
    features = known.features
    height, width = features.shape[-2:]
    padding = (0, -width % network.multiple, 0, -height % network.multiple)
    padded = functional.pad(features[None], padding, mode="replicate") if any(padding) else features[None]
    size = padded.shape[-2:]
    parts = {
        part: torch.empty(3 if part in ("foreground", "emission") else 1, *size, device=features.device)
        for part in _PARTS
    }
    spoiled = 0
    with torch.autocast(features.device.type, dtype=precision, enabled=precision != torch.float32):
        factor = guide_factor(height, width, network.guide_lines)
        maps = _of_both_sides(network.guide, reduce(features, factor)[None])
        maps, coarse = maps[:, : network.guide_maps], maps[:, network.guide_maps :].float().sigmoid()
        for answered, seen in windows(size, tile, network.context):
            guidance = on_eighths(maps, factor, [(seen.top, seen.left)], (seen.height, seen.width))
            raw = network.fine(padded[..., seen.rows, seen.columns], guidance)
            raw, broken = _repaired(raw[..., answered.rows_in(seen), answered.columns_in(seen)].float())
            spoiled += int(broken[..., : height - answered.top, : width - answered.left].sum())
            reading = read(raw, padded[..., answered.rows, answered.columns])
            for part, whole in parts.items():
                whole[:, answered.rows, answered.columns] = getattr(reading, part)[0]
    bounds = around(coarse, factor, size)[0]
    parts["most"], parts["least"] = bounds[:1], bounds[1:]
    return FrameAnswer(**{part: whole[:, :height, :width] for part, whole in parts.items()}, spoiled=spoiled)


def for_guide(features: Tensor, factor: int, evidence: Tensor | None) -> Tensor:
    """Return a frame made small (19, h, w): features (18, H, W) reduced by ``factor``, and evidence (1, h', w')."""
    small = reduce(features, factor)
    if evidence is None:
        return torch.cat((small, torch.zeros_like(small[:1])))
    # The last row and column of a reduced frame may stand for fewer pixels than the others.
    whole = functional.interpolate(evidence[None], features.shape[-2:], mode="bilinear", align_corners=False)[0]
    return torch.cat((small, 2.0 * reduce(whole, factor) - 1.0))


def segmented(segmenter: Segmenter, features: Tensor, evidence: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return how much subject stands around each pixel, at most and at least: (1, H, W) each, 0–1.

    ``features`` are (18, H, W); ``evidence`` (1, h, w) of a subject may be missing.
    """
    height, width = features.shape[-2:]
    factor = guide_factor(height, width, segmenter.lines)
    coarse = _of_both_sides(segmenter, for_guide(features, factor, evidence)[None]).sigmoid()
    bounds = around(coarse, factor, (height, width))[0]
    return bounds[:1], bounds[1:]


def well_inside(evidence: Tensor, like: Tensor) -> Tensor:
    """Return, 0–1, how surely all around a pixel of a plate (3, H, W) is subject to ``evidence`` (1, h, w)."""
    least = erode(evidence, max(1, min(evidence.shape[-2:]) // Segmenter.lines))
    return functional.interpolate(least[None], like.shape[-2:], mode="bilinear", align_corners=False)[0]


def _of_both_sides(guide: nn.Module, small: Tensor) -> Tensor:
    """Return a guide's maps (1, C, h, w): the mean of what it says of the frame and of its mirror image.

    What it says of a wall or a leg by luck, it says of one of the two.
    """
    maps, mirrored = guide(torch.cat((small, small.flip(-1)))).chunk(2)
    mean = (maps + mirrored.flip(-1)) / 2.0
    return torch.where(torch.isfinite(mean), mean, torch.zeros_like(mean))


def settled(alpha: Tensor) -> Tensor:
    """Return a mixture's alpha as a keyer shows it: a softmax never gets to 0 or 1 by itself."""
    return stretch(alpha, _MARGIN)


def _tile_for(height: int, width: int, device: torch.device, precision: torch.dtype) -> int:
    if device.type != "cuda":
        return tile_side(height, width, precision)
    # What torch keeps for itself is free to the next frame: the first one must not make the others' tiles smaller.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return tile_side(height, width, precision, torch.cuda.mem_get_info(device)[0] + kept)


def tile_side(height: int, width: int, precision: torch.dtype, video_memory: int | None = None) -> int:
    """Return how many pixels' square is answered at once: all of a small frame, less where memory is short.

    ``video_memory`` is what is free of a card's, in bytes; None on other devices.
    """
    short = video_memory is not None and video_memory < _LITTLE_MEMORY
    if height * width <= _WHOLE and not short:
        return -(-max(height, width) // Neural.multiple) * Neural.multiple
    if video_memory is None:
        return _TILE
    if precision == torch.float32:
        return _TILE_IN_FLOAT32
    return _SMALL_TILE if short else _TILE_OF_A_CARD


def _repaired(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return answers without NaN or infinity, and where there were any (1, 1, H, W).

    Such a pixel takes the solved alpha and the continued foreground.
    """
    # Their sum is a number where all of them are, and is sooner asked than each.
    spoiled = ~torch.isfinite(raw.sum(dim=1, keepdim=True))
    if not bool(spoiled.any()):
        return raw, spoiled
    instead = torch.zeros(1, ANSWERS, 1, 1, device=raw.device)
    instead[:, SOLVED_CHOICE], instead[:, -1] = 30.0, -30.0
    return torch.where(spoiled, instead, raw), spoiled
