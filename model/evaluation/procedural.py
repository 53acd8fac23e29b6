"""The procedural set: made on the spot from seeds that training never uses, stills of every subject and some shots."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from model.data.scenes import generate
from model.data.truth import ShotBatch
from model.evaluation.recipe import Recipe, Scale, frozen_recipe
from model.evaluation.sets import Example, Mask, Picture, PlateSet
from model.evaluation.split import Wanted, everything

PROCEDURAL = "procedural"
FIRST_SEED = frozen_recipe().first_seed
"""Seeds from here on belong to this set; training stays below."""

CLIPPED_FROM = 1.1
"""Light above this times the brightest value of the plate was lost in the camera."""


def procedural(quick: bool, recipe: Recipe | None = None, wanted: Wanted = everything) -> PlateSet:
    """Make the set: 2 stills of each of 18 kinds of subject and 4 shots of 8 frames; quick: half the size, fewer."""
    recipe = recipe or frozen_recipe()
    about = (
        f"recipe {recipe.name}: shots made by model.data with exact truth, one kind of subject after the other, "
        f"seeds from {recipe.first_seed} on, which training never uses"
    )
    scale = recipe.quick if quick else recipe.full
    return PlateSet(PROCEDURAL, about, (*_stills(recipe, scale, wanted), *_shots(recipe, scale, wanted)))


def _stills(recipe: Recipe, scale: Scale, wanted: Wanted) -> Iterator[Example]:
    height, width = scale.size
    for number, kind in enumerate(recipe.stills):
        for turn in range(scale.stills_each):
            if not wanted(f"{kind}-{turn + 1}"):
                continue
            # Only the second still may show what lies beyond the screen: color alone does not tell it.
            config = recipe.drawn(subjects={kind: 1.0}, empty=0.0, set_visible=0.2 if turn else 0.0)
            seed = recipe.first_seed + 100 * number + turn
            batch = generate([seed], height=height, width=width, config=config)
            yield _example(batch, 0, f"{kind}-{turn + 1}", "")


def _shots(recipe: Recipe, scale: Scale, wanted: Wanted) -> Iterator[Example]:
    height, width = scale.size
    for number in range(scale.shots):
        if not wanted(f"shot{number + 1}"):
            continue
        seed = recipe.first_seed + 1_000_000 + number
        batch = generate([seed], height=height, width=width, frames=scale.frames, config=recipe.drawn(empty=0.0))
        for frame in range(scale.frames):
            yield _example(batch, frame, f"shot{number + 1}.{frame + 1:04d}", f"shot{number + 1}")


def _example(batch: ShotBatch, index: int, name: str, shot: str) -> Example:
    glow = _array(batch.emission[index])
    markers = _markers(_array(batch.background[index]), _array(batch.clean_plate[index]))
    plate, noiseless = _array(batch.plate[index]), _array(batch.truth.noiseless()[index])
    clipped = noiseless.max(axis=-1) > CLIPPED_FROM * plate.max()
    return Example(
        name,
        plate,
        _array(batch.alpha[index])[..., 0],
        _array(batch.foreground[index]),
        shot,
        markers if markers.any() else None,
        clipped if clipped.any() else None,
        glow if glow.any() else None,
        plate - noiseless,
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
