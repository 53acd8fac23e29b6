"""The rendered set: a few shots that Blender made once, kept with the code, filmed by a drawn camera when read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from model.data.dataset import find_shots, read_description, read_shot
from model.data.filming import film
from model.data.truth import ShotBatch
from model.evaluation.recipe import frozen_recipe
from model.evaluation.sets import Example, Mask, Picture, PlateSet, ReadPicture
from model.evaluation.split import Wanted, everything

RENDERED = "rendered"
FOLDER = Path(__file__).parents[1] / "data" / "rendered"
CHANGED, LIT = 0.25, 0.3  # of the clean plate's light: here, and on the whole
CLIPPED_FROM = 1.1  # of the plate's brightest value


def rendered(
    read_picture: ReadPicture, limit: int | None = None, folder: Path = FOLDER, wanted: Wanted = everything
) -> PlateSet:
    """Read the set in ``folder``; ``limit`` takes its first shots only."""
    about = (
        "rendered with Blender's Cycles: hair, fur, cloth, glass and gels before a lit screen, with its spill; in "
        "three of eight the set shows beside the screen, which no color tells"
    )
    shots = [shot for shot in find_shots(folder) if wanted(shot.name)][:limit]
    missing = "" if shots else f"{folder} holds no shot; docs/data.md says how to render them"
    return PlateSet(RENDERED, about, tuple(_examples(shots, read_picture)), missing=missing)


def _examples(shots: list[Path], read_picture: ReadPicture) -> Iterator[Example]:
    def read(path: Path) -> Picture:
        return np.asarray(read_picture(path, encoding="linear", frame=0), np.float32)

    camera = frozen_recipe().drawn(low_resolution=0.0, real_codec=0.0)
    for shot in shots:
        taken, description = read_shot(shot, read), read_description(shot)
        batch = film(taken, description, camera)
        noiseless = taken.plate if description.noiseless else taken.truth.noiseless()
        for frame in range(batch.frames):
            name = f"{shot.name}.{frame + 1:04d}" if batch.frames > 1 else shot.name
            yield _example(batch, frame, name, shot.name if batch.frames > 1 else "", _array(noiseless[frame]))


def _example(batch: ShotBatch, frame: int, name: str, shot: str, noiseless: Picture) -> Example:
    plate, alpha, glow = (_array(part[frame]) for part in (batch.plate, batch.alpha, batch.emission))
    clipped = _array(batch.truth.noiseless()[frame]).max(axis=-1) > CLIPPED_FROM * plate.max()
    markers = _markers(_array(batch.background[frame]), _array(batch.clean_plate[frame])) & (alpha[..., 0] < 0.01)
    return Example(
        name,
        plate,
        alpha[..., 0],
        _array(batch.foreground[frame]),
        shot,
        markers if markers.any() else None,
        clipped if clipped.any() else None,
        glow if glow.any() else None,
        plate - noiseless,
    )


def _markers(background: Picture, clean_plate: Picture) -> Mask:
    """Where what stands on the lit screen is no mere shadow: its channels changed apart."""
    ratio = background / np.maximum(clean_plate, 1e-2)
    light = clean_plate.max(axis=-1)
    return np.asarray((ratio.max(axis=-1) - ratio.min(axis=-1) > CHANGED) & (light > LIT * np.median(light)))


def _array(picture: Tensor) -> Picture:
    return np.ascontiguousarray(picture.permute(1, 2, 0).cpu().numpy())
