"""Looks at a few frames of a shot to find its screen: always the same ones, whatever was keyed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from model.errors import NoScreenError
from model.keyer import Keyer
from model.settings import KeySettings, Screen
from service.errors import BadInput, NoScreen, PlateMissing
from service.plates import Plate

SAMPLES = 5


def sampled(frames: Sequence[int], count: int = SAMPLES) -> tuple[int, ...]:
    """Return up to ``count`` of ``frames``, evenly spread, first and last among them."""
    if len(frames) <= count:
        return tuple(frames)
    return tuple(frames[round(index * (len(frames) - 1) / (count - 1))] for index in range(count))


def survey(
    plate: Plate, frames: Sequence[int], keyer: Keyer, settings: KeySettings, starting: Callable[[int], None]
) -> Screen:
    """Describe the screen of the shot; ``starting`` is told before a frame is read.

    Unreadable samples are passed over. Raises NoScreen, or the reader's error when no frame at all can be read.
    """
    chosen = sampled(frames)
    pictures: list[torch.Tensor] = []
    fault: BadInput | None = None
    for frame in (*chosen, *(frame for frame in frames if frame not in set(chosen))):
        if pictures and frame not in chosen:
            break
        starting(frame)
        try:
            color = plate.read(frame).color
        except BadInput as error:
            error.located(frame=frame)
            fault = fault or error
            continue
        pictures.append(torch.from_numpy(np.ascontiguousarray(np.moveaxis(color, -1, 0))))
    if not pictures:
        raise fault or PlateMissing("None of the frames is there.", fix="Name frames that are in the plate.")
    try:
        return keyer.survey(pictures, settings)
    except NoScreenError as error:
        raise NoScreen(error.message, fix=error.fix) from error
