"""Looks at a few frames of a shot to find its screen: always the same ones, whatever was keyed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from model.errors import NoScreenError
from model.keyer import Keyer
from model.keying.behind import spread
from model.settings import KeySettings, Screen
from service.errors import BadInput, NoScreen, PlateMissing
from service.pipeline.screen_doubts import doubts_about, is_no_screen, likely_color, written
from service.pipeline.sources import Sources
from service.plates import Plate

SAMPLES = 5


@dataclass(frozen=True)
class Survey:
    """A screen, and the plates that it was found in."""

    screen: Screen
    plates: dict[int, str]  # frame → fingerprint


def sampled(frames: Sequence[int], count: int = SAMPLES) -> tuple[int, ...]:
    """Return up to ``count`` of ``frames``, evenly spread, first and last among them."""
    return spread(frames, count)


def survey(
    plate: Plate,
    frames: Sequence[int],
    keyer: Keyer,
    settings: KeySettings,
    sources: Sources,
    starting: Callable[[int], None],
) -> Survey:
    """Describe the screen of the shot; ``starting`` is told before a frame is read.

    Samples that cannot be read, or are not what they were, are passed over. Raises NoScreen, or the reader's error
    when no frame at all can be read.
    """
    chosen = sampled(frames)
    plate.watch(chosen)
    pictures: list[torch.Tensor] = []
    seen: dict[int, str] = {}
    fault: BadInput | None = None
    for frame in (*chosen, *(frame for frame in frames if frame not in set(chosen))):
        if pictures and frame not in chosen:
            break
        starting(frame)
        try:
            color = plate.read(frame).color
            sources.check(frame)
        except BadInput as error:
            error.located(frame=frame)
            fault = fault or error
            continue
        pictures.append(torch.from_numpy(np.ascontiguousarray(np.moveaxis(color, -1, 0))))
        seen[frame] = sources.plate(frame) or ""
    if not pictures:
        raise fault or PlateMissing("None of the frames is there.", fix="Name frames that are in the plate.")
    return Survey(_found(plate, pictures, keyer, settings), seen)


def _found(plate: Plate, pictures: Sequence[torch.Tensor], keyer: Keyer, settings: KeySettings) -> Screen:
    """Have the keyer find the screen, and say what is doubtful about it. Raises NoScreen."""
    asked = settings.screen_color != "auto"
    try:
        screen = keyer.survey(pictures, settings)
    except NoScreenError as error:
        likely = likely_color(pictures)
        named = f" The border is mostly {written(likely)}." if likely is not None else ""
        raise NoScreen(error.message, fix=f"{error.fix}{named}") from error
    if not asked and is_no_screen(screen.color):
        color = written(screen.color)
        raise NoScreen(
            f"No screen was found: the most screen-like color, {color}, is that of skin, wood or a wall.",
            fix=f"If it is the screen all the same, set screen_color to {color}.",
        )
    return screen.model_copy(update={"doubt": doubts_about(screen, pictures, plate.empty_share(), asked=asked)})
