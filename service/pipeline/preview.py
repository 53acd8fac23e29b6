"""Keys one frame for people to look at, small and soon; what is slow about it is kept for the next look."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray

from model.keyer import FINISHING, KeyedFrame, Keyer, Mattes, TwoStepKeyer
from model.keying.behind import SAMPLES, spread
from model.keying.steadiness import REACH, Around
from model.settings import Screen
from service.atomic import replace_file
from service.errors import BadInput
from service.exr import ExrHeader, write_alpha, write_foreground
from service.messages import PreviewMade, PreviewOrder, ShotOrder, View
from service.pipeline.carried import Steps
from service.pipeline.delivery import Delivery
from service.pipeline.limits import Limits
from service.pipeline.mattes import MatteReader
from service.pipeline.memory import freed_memory_kept
from service.pipeline.neighbours import Glimpses, Neighbours, drawn_frames, key_around, learn_behind, reach_of
from service.pipeline.sources import Sources
from service.pipeline.stages import deliverable
from service.pipeline.survey import survey
from service.plates import Plate, open_plate
from service.previews.frames import Frame
from service.previews.messages import Channels, Look, Over, Pass
from service.previews.pictures import picture
from service.shots import file_fingerprint

KEPT = 4  # frames whose plate and raw answer stay in memory
KEPT_SCREENS = 32
KEPT_STEPS = 300  # frames whose motion stays known: some 700 KiB each
KEPT_SHOTS = 2  # of which it is known what stands behind the subject: some 50 MiB each
_PASSES: dict[View, Pass] = {
    "grey": Pass.COMPOSITE,
    "alpha": Pass.ALPHA,
    "foreground": Pass.FOREGROUND,
    "plate": Pass.PLATE,
}


@dataclass
class _Looked:
    """What is known about one frame of one shot at one size."""

    plate: torch.Tensor  # (3, h, w), scene-linear
    mattes: Mattes
    screen: Screen
    around: Around | None  # what is heard of the frames beside it
    scale: float  # of a side, by the plate's
    raw: Any = None


class Previewer:
    """Makes previews in the worker, between the frames of a shot. One thread uses it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._looked: OrderedDict[str, _Looked] = OrderedDict()
        self._screens: OrderedDict[str, Screen] = OrderedDict()
        self._shots: OrderedDict[str, Neighbours] = OrderedDict()
        self._followed: tuple[str, Steps] | None = None  # of the last shot with strokes

    @freed_memory_kept()
    def make(self, preview_id: str, order: PreviewOrder, keyer: Keyer) -> PreviewMade:
        """Key the frame and write its pictures, and its floats where they are asked for.

        At full size and with the screen of the job it is the frame that the job makes, bit for bit. Raises what the
        pipeline raises.
        """
        started = time.perf_counter()
        looked, mark = self._look(order, keyer)
        inferred = looked.raw is None
        keyed = _key(looked, keyer, order)
        self._keep(mark, looked)
        _write(order, looked.plate, keyed)
        height, width = keyed.alpha.shape[-2:]
        return PreviewMade(
            preview_id=preview_id,
            width=width,
            height=height,
            seconds=round(time.perf_counter() - started, 3),
            inferred=inferred,
            screen=looked.screen,
            notes=keyed.notes,
        )

    def _look(self, order: PreviewOrder, keyer: Keyer) -> tuple[_Looked, str]:
        """Return what is kept of the frame, else read it."""
        mark = _mark(order)
        if mark in self._looked:
            return self._looked[mark], mark
        with open_plate(
            order.shot,
            order.settings,
            maximum_side_pixels=self._limits.maximum_side_pixels,
            maximum_picture_mib=self._limits.maximum_picture_mib,
        ) as plate:
            screen = order.screen or self._screen(order, plate, keyer)
            seen = plate.read(order.frame)
            reader = MatteReader(_as_shot_order(order), plate.format, self._steps(order, plate))
            mattes = reader.read(order.frame, seen)
            side = order.longest_side
            color = _planes(seen.color, side)
            around = self._around(order, plate, keyer, screen, color)
        small = Mattes(
            hint=_reduced(mattes.hint, side),
            clean_plate=_reduced(mattes.clean_plate, side),
            garbage=_reduced(mattes.garbage, side),
            core=_reduced(mattes.core, side),
            corrections=_reduced(mattes.corrections, side),
        )
        return _Looked(color, small, screen, around, color.shape[-1] / seen.color.shape[1]), mark

    def _around(
        self, order: PreviewOrder, plate: Plate, keyer: Keyer, screen: Screen, color: torch.Tensor
    ) -> Around | None:
        """Look at the frames around as a job does; a reduced picture is to be there soon, and is keyed by itself."""
        reduced = color.shape[-2:] != (plate.format.height, plate.format.width)
        reach = 0 if reduced else reach_of(keyer, order.settings)
        neighbours = self._learned(order, plate, keyer, screen, Neighbours(frozenset(plate.format.frames), reach))
        glimpses = Glimpses(keyer, screen, neighbours)
        for frame in neighbours.to_read((order.frame,)):
            try:
                glimpses.look(frame, color if frame == order.frame else _planes(plate.read(frame).color, None))
            except BadInput:
                glimpses.look(frame, None)
        return glimpses.around(order.frame)

    def _learned(
        self, order: PreviewOrder, plate: Plate, keyer: Keyer, screen: Screen, neighbours: Neighbours
    ) -> Neighbours:
        """Learn of the shot as its job does, once while its plates stay the same."""
        if neighbours.reach == 0:
            return neighbours
        files = {order.shot.frame_path(frame) for frame in spread(sorted(neighbours.frames), SAMPLES)}
        stamps = [file_fingerprint(file) for file in sorted(files) if file.is_file()]
        given = (order.shot.model_dump_json(), _chosen(order), screen.model_dump_json(), repr(neighbours), *stamps)
        mark = xxhash.xxh3_128_hexdigest("\n".join(given).encode())
        if mark not in self._shots:
            self._shots[mark] = learn_behind(plate, neighbours, keyer, screen)
            while len(self._shots) > KEPT_SHOTS:
                self._shots.popitem(last=False)
        return self._shots[mark]

    def _steps(self, order: PreviewOrder, plate: Plate) -> Steps | None:
        """Return what follows the shot's strokes; what it found of the last shot's plates it remembers."""
        if order.mattes.corrections is None:
            return None
        mark = order.shot.model_dump_json() + _chosen(order)
        remembered = self._followed[1] if self._followed is not None and self._followed[0] == mark else None
        stamp = cache(lambda path: file_fingerprint(path) if path.is_file() else "")
        steps = Steps(
            lambda frame: plate.read(frame).color,
            lambda frame: stamp(order.shot.frame_path(frame)),
            kept=KEPT_STEPS,
            earlier=remembered,
        )
        self._followed = (mark, steps)
        return steps

    def _screen(self, order: PreviewOrder, plate: Plate, keyer: Keyer) -> Screen:
        """Survey the shot as its job would, once."""
        mark = "\n".join((order.shot.model_dump_json(), _chosen(order), str(order.frames), _stamp(order)))
        if mark not in self._screens:
            present = set(plate.format.frames)
            wanted = [frame for frame in order.frames if frame in present] or list(plate.format.frames)
            sources = Sources(order.shot)
            self._screens[mark] = survey(plate, wanted, keyer, order.settings, sources, _nobody).screen
            while len(self._screens) > KEPT_SCREENS:
                self._screens.popitem(last=False)
        return self._screens[mark]

    def _keep(self, mark: str, looked: _Looked) -> None:
        self._looked[mark] = looked
        self._looked.move_to_end(mark)
        while len(self._looked) > KEPT:
            self._looked.popitem(last=False)


def _nobody(frame: int) -> None:
    del frame


def _key(looked: _Looked, keyer: Keyer, order: PreviewOrder) -> KeyedFrame:
    settings = order.settings.at(order.frame).in_pixels_of(looked.scale)
    if not isinstance(keyer, TwoStepKeyer):
        keyed: KeyedFrame = key_around(keyer.key, looked.plate, looked.screen, looked.mattes, settings, looked.around)
        return keyed
    if looked.raw is None:
        looked.raw = key_around(keyer.infer, looked.plate, looked.screen, looked.mattes, settings, looked.around)
    return keyer.finish(looked.raw, looked.screen, looked.mattes, settings)


def _mark(order: PreviewOrder) -> str:
    """Identify all that the raw answer depends on."""
    parts = (
        order.shot.model_dump_json(),
        str(order.frame),
        str(order.frames),
        str(order.longest_side),
        _chosen(order),
        order.mattes.model_dump_json(),
        order.screen.model_dump_json() if order.screen else "",
        _stamp(order, far=True),
    )
    return "\n".join(parts)


def _chosen(order: PreviewOrder) -> str:
    return order.settings.model_dump_json(exclude=set(FINISHING))


def _stamp(order: PreviewOrder, *, far: bool = False) -> str:
    """Identify the files that the frame and those around it lie in, so that plates rendered anew are read anew.

    ``far``: those that strokes are carried over to it, too.
    """
    near = range(order.frame - REACH, order.frame + REACH + 1) if order.shot.kind == "sequence" else (order.frame,)
    ends = (order.frame, *drawn_frames(order.mattes)) if far and order.shot.kind == "sequence" else ()
    known = set(order.shot.frames)
    wanted = {*near, *range(min(ends, default=0), max(ends, default=-1) + 1)} & known | {order.frame}
    files = [order.shot.frame_path(frame) for frame in sorted(wanted)]
    return " ".join(file_fingerprint(file) if file.is_file() else "" for file in files)


def _as_shot_order(order: PreviewOrder) -> ShotOrder:
    return ShotOrder(
        shot=order.shot, frames=(order.frame,), settings=order.settings, output=order.folder, mattes=order.mattes
    )


def _reduced(planes: torch.Tensor | None, longest_side: int | None) -> torch.Tensor | None:
    """Average areas of (C, H, W) so that no side is longer than asked for; in linear light, so that edges stay true."""
    if planes is None or longest_side is None or max(planes.shape[-2:]) <= longest_side:
        return planes
    scale = longest_side / max(planes.shape[-2:])
    size = [max(1, round(length * scale)) for length in planes.shape[-2:]]
    return torch.nn.functional.interpolate(planes[None], size=size, mode="area")[0]


def _planes(pixels: NDArray[np.float32], longest_side: int | None) -> torch.Tensor:
    """Return pixels (H, W, 3) as planes (3, h, w), no longer than asked for."""
    planes = _reduced(torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, 0))), longest_side)
    assert planes is not None
    return planes


def _write(order: PreviewOrder, plate: torch.Tensor, keyed: KeyedFrame) -> None:
    """Write the views as they are shown of a job's frame, and the frame itself where its floats are asked for."""
    premultiplied = order.settings.association == "premultiplied"
    planes = deliverable(keyed, premultiplied=premultiplied)
    result = Frame(np.ascontiguousarray(np.moveaxis(planes[:3], 0, -1)), planes[3], premultiplied)
    order.folder.mkdir(parents=True, exist_ok=True)
    if order.floats:
        _write_floats(order, result)
    look = Look(exposure=0.0, gamma=1.0, size=None, channels=Channels.RGB)
    for view in order.views:
        shown = Frame(_pixels(plate), None) if view == "plate" else result
        replace_file(order.folder / f"{view}.png", picture(shown, _PASSES[view], Over.GREY, look))


def _write_floats(order: PreviewOrder, result: Frame) -> None:
    """Write both passes as a job does, but packed quickly rather than small: they are looked at soon, then removed."""
    assert result.color is not None and result.alpha is not None
    header = ExrHeader(compression="rle", association=order.settings.association)
    delivery = Delivery(order.shot, order.folder)
    foreground, alpha = (delivery.file(name, order.frame) for name in ("foreground", "alpha"))
    for path in (foreground, alpha):
        path.parent.mkdir(exist_ok=True)
    write_foreground(foreground, result.color, result.alpha, header)
    write_alpha(alpha, result.alpha, header)


def _pixels(planes: torch.Tensor) -> NDArray[np.float32]:
    """Return (C, H, W) as (H, W, C) for the picture maker."""
    pixels: NDArray[np.float32] = planes.movedim(0, -1).float().cpu().numpy()
    return np.ascontiguousarray(pixels)
