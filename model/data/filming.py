"""Films shots from disk: gives noiseless plates the noise, encoding and compression of a camera."""

from __future__ import annotations

from dataclasses import replace

from model.data.camera import draw_camera, record
from model.data.config import DataConfig
from model.data.dataset import ShotDescription
from model.data.seeding import Draw
from model.data.truth import ShotBatch

CONFIG = DataConfig(low_resolution=0.0, real_codec=0.0)


def film(batch: ShotBatch, description: ShotDescription, config: DataConfig = CONFIG) -> ShotBatch:
    """Return a shot whose plate a camera recorded; a plate that already was stays as it is.

    The camera is drawn from the shot's name, by what ``config`` says of cameras. What is linear in it (exposure,
    balance, lens) is left to the scene, so that the answers stay as they are.
    """
    if not description.noiseless:
        return batch
    draw = Draw(0, f"film/{description.name}")
    camera = draw_camera(draw, config)
    return replace(batch, plate=record(draw, batch.plate, camera))
