"""What a keyer is, and where the keyers are found by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from model.errors import UnknownKeyerError
from model.keying.behind import Behind
from model.settings import KEYER_NAMES, OWN_NAME, FrameNotes, KeySettings, Layer, Screen


@dataclass(frozen=True)
class Mattes:
    """Helpers for one frame, on the plate's device; each is optional. Shapes as the plate's height and width."""

    hint: Tensor | None = None  # (1, H, W), 0–1, a coarse alpha
    clean_plate: Tensor | None = None  # (3, H, W), scene-linear
    garbage: Tensor | None = None  # (1, H, W), 1 = outside for certain
    core: Tensor | None = None  # (1, H, W), 1 = inside for certain
    corrections: Tensor | None = None  # (3, H, W), 0–1: what strokes keep, remove, and leave to the keyer


@dataclass(frozen=True)
class KeyedFrame:
    """One keyed frame. Where alpha is 1 and there is no spill, ``foreground`` is the plate, bit for bit."""

    alpha: Tensor  # (1, H, W), 0–1
    foreground: Tensor  # (3, H, W), straight, scene-linear, unclamped; 0 where alpha is 0
    notes: FrameNotes
    layers: Mapping[Layer, Tensor] = field(default_factory=dict)  # those that were asked for; (1 or 3, H, W)
    doubt: Tensor | None = None  # (1, H, W), 0–1: how likely alpha is wrong by more than 0.02


class Keyer(Protocol):
    """Separates subject from screen. Pure: same inputs, same bits, whatever was keyed before."""

    name: str
    weights_id: str | None  # identifies the weights; None where a keyer has none

    def survey(self, plates: Sequence[Tensor], settings: KeySettings) -> Screen:
        """Look at sampled plates (3, H, W) of a shot and describe its screen.

        Raises NoScreenError when none of them shows a screen.
        """
        ...

    def key(self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Key one plate (3, H, W), scene-linear, any size, possibly holding NaN."""
        ...


@runtime_checkable
class SteadyKeyer(Protocol):
    """A keyer that hears the frames around one: `key` takes their glimpses as one more argument.

    A frame is keyed from its own plate; glimpses only steady what decides between subject and set. Without them a
    frame is keyed by itself.
    """

    reach: int
    """Frames before and after that it hears; 0: none."""

    def glimpse(self, plate: Tensor, screen: Screen) -> Any:
        """Return what neighbours need to know of one plate (3, H, W), small; pure as `key`."""
        ...

    def key(
        self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings, around: Any = None
    ) -> KeyedFrame:
        """Key one plate as `Keyer.key`; ``around`` is a `model.keying.steadiness.Around` of glimpses."""
        ...


@runtime_checkable
class FarSeeingKeyer(SteadyKeyer, Protocol):
    """A steady keyer that also learns of a shot what stands behind its subject, from frames spread over it."""

    def glimpse(self, plate: Tensor, screen: Screen, known: Any = None) -> Any:
        """Do as `SteadyKeyer.glimpse`, sooner where the plate's sample is ``known``."""
        ...

    def sample(self, plate: Tensor, screen: Screen) -> Any:
        """Return what is kept of one such plate (3, H, W), small; pure as `key`."""
        ...

    def behind(self, samples: Sequence[Any], screen: Screen) -> Behind | None:
        """Return what the samples of a shot, in the order of time, teach; it goes into the ``around`` of `key`."""
        ...


@runtime_checkable
class TwoStepKeyer(Protocol):
    """A keyer whose slow half can be kept: `key` is `finish` of `infer`.

    `infer` reads of the settings nothing that FINISHING names, and of the mattes hint, clean
    plate and corrections only.
    """

    def infer(self, plate: Tensor, screen: Screen, mattes: Mattes, settings: KeySettings, around: Any = None) -> Any:
        """Return the raw answer for one plate (3, H, W), in a form of the keyer's own; ``around`` as for `key`."""
        ...

    def finish(self, raw: Any, screen: Screen, mattes: Mattes, settings: KeySettings) -> KeyedFrame:
        """Choose refined or plain edges, apply levels, mattes and despill; the raw answer stays as it is."""
        ...


FINISHING = frozenset(
    {
        "alpha_floor",
        "alpha_ceiling",
        "refine_edges",
        "despill",
        "restore_luminance",
        "despill_bias",
        "despill_where",
        "spill_replacement",
        "choke",
        "soften",
        "edge_extend",
        "grain_match",
        "association",
        "compression",
        "delivery",
        "over_time",
    }
)
"""Settings that a raw answer does not depend on."""


def load_keyer(name: str, device: str | torch.device = "cpu", own_weights: Path | None = None) -> Keyer:
    """Return the keyer called ``name``, ready on ``device`` (``cuda``, ``mps`` or ``cpu``).

    ``neural:NAME`` is the neural keyer with the weights ``NAME.safetensors`` in the folder ``own_weights``, which a
    user trained. Raises UnknownKeyerError for a name that is none, KeyingError for weights that cannot be loaded.
    """
    place = torch.device(device)
    kind, colon, own = name.partition(":")
    if kind == "neural" and not (colon and (own_weights is None or not OWN_NAME.fullmatch(own))):
        from model.neural import NeuralKeyer

        weights = own_weights / f"{own}.safetensors" if own_weights is not None and own else None
        return NeuralKeyer(place, weights, name)
    if name == "difference":
        from model.difference import DifferenceKeyer

        return DifferenceKeyer(place)
    if name in KEYER_NAMES:
        from model.baselines import BaselineKeyer

        return BaselineKeyer(name, place)
    raise UnknownKeyerError(
        f"There is no keyer called '{name}'.",
        fix=f"Choose one of: {', '.join(KEYER_NAMES)}; or neural:NAME for weights of your own.",
    )
