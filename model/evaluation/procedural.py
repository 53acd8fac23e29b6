"""The procedural set: made on the spot from seeds that training never uses, stills of every subject and some shots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from model.data.config import DataConfig
from model.data.scenes import generate
from model.data.truth import ShotBatch
from model.evaluation.sets import Example, Mask, Picture, PlateSet

PROCEDURAL = "procedural"
FIRST_SEED = 4_000_000_000
"""Seeds from here on belong to this set; training stays below."""

CLIPPED_FROM = 1.1
"""Light above this times the brightest value of the plate was lost in the camera."""

FULL_SIZE, QUICK_SIZE = (432, 768), (216, 384)
FULL_STILLS_EACH, QUICK_STILLS_EACH = 2, 1
FULL_SHOTS, QUICK_SHOTS = 4, 1
# In this order, which gives each kind its seeds; a kind that comes later is left out, or every score would change.
STILLS = (
    "chainmail", "fire", "foliage", "fur", "gel", "glass", "glow", "hair", "lace", "mirror", "net", "object", "person",
    "phone", "smoke", "spectacles", "thin", "veil",
)  # fmt: skip
FULL_FRAMES, QUICK_FRAMES = 8, 4


def procedural(quick: bool) -> PlateSet:
    """Make the set: 2 stills of each of 18 kinds of subject and 4 shots of 8 frames; quick: half the size, fewer."""
    about = (
        "shots made by model.data with exact truth, one kind of subject after the other, "
        f"seeds from {FIRST_SEED} on, which training never uses"
    )
    return PlateSet(PROCEDURAL, about, (*_stills(quick), *_shots(quick)))


def _stills(quick: bool) -> Iterator[Example]:
    height, width = QUICK_SIZE if quick else FULL_SIZE
    each = QUICK_STILLS_EACH if quick else FULL_STILLS_EACH
    for number, kind in enumerate(STILLS):
        for turn in range(each):
            # Only the second still may show what lies beyond the screen: color alone does not tell it.
            config = DataConfig(subjects={kind: 1.0}, empty=0.0, set_visible=0.2 if turn else 0.0)
            seed = FIRST_SEED + 100 * number + turn
            batch = generate([seed], height=height, width=width, config=config)
            yield _example(batch, 0, f"{kind}-{turn + 1}", "")


def _shots(quick: bool) -> Iterator[Example]:
    height, width = QUICK_SIZE if quick else FULL_SIZE
    frames = QUICK_FRAMES if quick else FULL_FRAMES
    for number in range(QUICK_SHOTS if quick else FULL_SHOTS):
        seed = FIRST_SEED + 1_000_000 + number
        batch = generate([seed], height=height, width=width, frames=frames, config=DataConfig(empty=0.0))
        for frame in range(frames):
            yield _example(batch, frame, f"shot{number + 1}.{frame + 1:04d}", f"shot{number + 1}")


def _example(batch: ShotBatch, index: int, name: str, shot: str) -> Example:
    glow = _array(batch.emission[index])
    markers = _markers(_array(batch.background[index]), _array(batch.clean_plate[index]))
    plate = _array(batch.plate[index])
    clipped = _array(batch.truth.noiseless()[index]).max(axis=-1) > CLIPPED_FROM * plate.max()
    return Example(
        name,
        plate,
        _array(batch.alpha[index])[..., 0],
        _array(batch.foreground[index]),
        shot,
        markers if markers.any() else None,
        clipped if clipped.any() else None,
        glow if glow.any() else None,
    )


def _markers(background: Picture, clean_plate: Picture) -> Mask:
    """Where what stands behind is no mere shadow on the screen: of another color, or bright or black.

    The color is compared after the shade that explains most of it, relative to the screen's brightest channel: the weak
    channels of a saturated screen are near 0 or below, and their ratio tells nothing.
    """
    power = np.maximum((clean_plate**2).sum(axis=-1), 1e-8)
    shade = (background * clean_plate).sum(axis=-1) / power
    rest = np.abs(background - shade[..., None] * clean_plate).max(axis=-1)
    return np.asarray((rest > 0.15 * clean_plate.max(axis=-1)) | (shade > 1.25) | (shade < 0.25))


def _array(picture: Tensor) -> Picture:
    return np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
