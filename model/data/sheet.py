"""Draws a sheet of generated frames to look at: ``python -m model.data.sheet --output FILE``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model.data.codecs import write_png
from model.data.config import DataConfig
from model.data.dataset import ReadPicture, find_shots, read_description, read_shot
from model.data.encodings import ENCODINGS
from model.data.filming import film
from model.data.scenes import generate

AS_RECORDED = {
    "screen_colors": {"green": 6.0, "blue": 2.0, "dull": 1.2, "pale": 1.0},
    "screen_light": (0.9, 3.0),
    "looks": 0.7,
    "processing": 0.15,
    "uneven": 0.4,
    "scattered": 0.25,
    "amid": 0.15,
    "furnished": 0.8,
    "corners": 0.15,
    "two_paints": 0.1,
    "contact_shadow": 0.4,
    "plain_clothes": 0.3,
    "upright": 1.0,
    "whole": 0.3,
    "from_below": 0.8,
}
"""Choices under which shots look as real shoots do: those of a sheet, which is to be looked at beside real plates."""


def displayed(picture: Tensor) -> NDArray[np.uint8]:
    """Return a scene-linear picture (3, H, W) as sRGB bytes (H, W, 3)."""
    signal = ENCODINGS["srgb"].encode(picture.clamp(0, 1)).clamp(0, 1)
    return (signal.permute(1, 2, 0).cpu().numpy() * 255 + 0.5).astype(np.uint8)


def sheet(
    seeds: Sequence[int],
    *,
    height: int,
    width: int,
    columns: int,
    config: DataConfig,
    parts: Sequence[str] = ("plate",),
) -> NDArray[np.uint8]:
    """Return a picture of one generated frame per seed; ``parts`` of the same shot stand beside each other."""
    tiles = []
    for seed in seeds:
        shot = generate([seed], height=height, width=width, config=config)
        row = [displayed(getattr(shot, part)[0].expand(3, -1, -1)) for part in parts]
        tiles.append(np.concatenate(row, axis=1))
    return in_rows(tiles, columns)


def draw_sheet(
    seeds: Sequence[int], rendered: Path | None, read: ReadPicture, *, width: int, columns: int
) -> NDArray[np.uint8]:
    """Return a sheet of generated frames, 4:3 and ``width`` wide, over the filmed plates of the set ``rendered``."""
    picture = sheet(seeds, height=width * 3 // 4, width=width, columns=columns, config=as_recorded((1.0, 4.0)))
    if rendered is None:
        return picture
    tiles = []
    for shot in find_shots(rendered):
        plate = film(read_shot(shot, read), read_description(shot)).plate[:1]
        size = (round(width * plate.shape[-2] / plate.shape[-1]), width)
        tiles.append(displayed(functional.interpolate(plate, size, mode="bilinear", antialias=True)[0]))
    return np.concatenate([picture, in_rows(tiles, columns)])


def as_recorded(zoom: tuple[float, float]) -> DataConfig:
    """Return the generator's choices of a sheet."""
    return DataConfig.model_validate({"zoom": zoom} | AS_RECORDED)


def in_rows(tiles: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Return pictures of one size in rows of ``columns``, the last one filled up with black."""
    rows = math.ceil(len(tiles) / columns)
    filled = [*tiles, *[np.zeros_like(tiles[0])] * (rows * columns - len(tiles))]
    return np.concatenate([np.concatenate(filled[r * columns : (r + 1) * columns], axis=1) for r in range(rows)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--zoom", type=float, nargs=2, default=(1.0, 6.0))
    parser.add_argument("--subject", help="only this kind of subject")
    parser.add_argument("--parts", nargs="+", default=["plate"])
    chosen = parser.parse_args(arguments)
    config = as_recorded((chosen.zoom[0], chosen.zoom[1]))
    if chosen.subject:
        config = config.model_copy(update={"subjects": {chosen.subject: 1.0}, "extra_subjects": 0.0, "empty": 0.0})
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.count)
    picture = sheet(
        seeds, height=chosen.height, width=chosen.width, columns=chosen.columns, config=config, parts=chosen.parts
    )
    write_png(chosen.output, picture)


if __name__ == "__main__":
    main()
