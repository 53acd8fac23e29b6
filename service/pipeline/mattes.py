"""Brings an artist's mattes to a frame: pictures are read, polygons are drawn."""

from __future__ import annotations

from pathlib import Path

import torch

from model.keyer import Mattes
from model.keying.mattes import rasterize
from model.settings import Polygon, PolygonMatte, is_drawn
from service.messages import ShotOrder
from service.pipeline.carried import Carried, Steps
from service.pipeline.polygons import read_polygons
from service.plates import Picture, PlateFormat, read_clean_plate, read_matte


class MatteReader:
    """The mattes of one shot, frame by frame. Used by one thread at a time."""

    def __init__(self, order: ShotOrder, plate: PlateFormat, steps: Steps | None = None) -> None:
        """``steps`` follow its strokes from frame to frame; without them no frame has any."""
        self._sources = order.mattes
        self._garbage_from_plate = order.settings.plate_alpha == "garbage"
        self._plate = plate
        self._within = order.shot.confined_to  # who may name these plates may name those mattes
        self._drawn: dict[tuple[Polygon, ...], torch.Tensor] = {}
        self._steps = steps
        corrections = order.mattes.corrections
        self._carried = Carried(corrections, steps, plate.width, plate.height) if corrections and steps else None

    def check(self, frame: int) -> None:
        """Bring the mattes to one frame before any is keyed; raises as `read` does."""
        for source in (self._sources.hint, self._sources.garbage, self._sources.core):
            self._matte(source, frame)
        self._clean_plate(frame)

    def read(self, frame: int, picture: Picture) -> Mattes:
        """Return the mattes of ``frame``. Raises PlateMissing, PlateUnreadable or PlateMismatch."""
        garbage = self._matte(self._sources.garbage, frame)
        if self._garbage_from_plate and picture.alpha is not None:
            outside = torch.from_numpy(picture.alpha <= 0.0)[None].float()
            garbage = outside if garbage is None else torch.maximum(garbage, outside)
        return Mattes(
            hint=self._matte(self._sources.hint, frame),
            clean_plate=self._clean_plate(frame),
            garbage=garbage,
            core=self._matte(self._sources.core, frame),
            corrections=self._corrections(frame, picture),
        )

    def _corrections(self, frame: int, picture: Picture) -> torch.Tensor | None:
        if self._carried is None or self._steps is None:
            return None
        self._steps.offer(frame, picture.color)
        return self._carried.at(frame)

    def _matte(self, source: str | PolygonMatte | None, frame: int) -> torch.Tensor | None:
        if source is None:
            return None
        if isinstance(source, PolygonMatte):
            return self._draw(source.at(frame))
        if is_drawn(source):
            return self._draw(read_polygons(Path(source), within=self._within).at(frame))
        width, height = self._plate.width, self._plate.height
        return torch.from_numpy(read_matte(Path(source), frame, width, height, within=self._within))[None]

    def _draw(self, shapes: tuple[Polygon, ...]) -> torch.Tensor:
        if shapes not in self._drawn:
            if len(self._drawn) >= 2:  # garbage and core of the frame at hand
                self._drawn.clear()
            self._drawn[shapes] = rasterize(shapes, self._plate.width, self._plate.height)
        return self._drawn[shapes]

    def _clean_plate(self, frame: int) -> torch.Tensor | None:
        if self._sources.clean_plate is None:
            return None
        path = Path(self._sources.clean_plate)
        size = (self._plate.width, self._plate.height)
        color = read_clean_plate(path, frame, self._plate.encoding, *size, within=self._within)
        return torch.from_numpy(color).permute(2, 0, 1).contiguous()
