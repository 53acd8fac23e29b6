"""Everything that can be scored, behind one interface: our keyers and, found by name, the peers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from model.errors import UnknownKeyerError
from model.keyer import FarSeeingKeyer, Keyer, Mattes, SteadyKeyer, load_keyer
from model.keying.behind import FEWEST, SAMPLES, Behind, spread
from model.keying.steadiness import Around
from model.settings import KEYER_NAMES, KeySettings, Screen

Picture = NDArray[np.float32]

NEURAL = "neural"
"""The keyer of whose parts some can be left out."""


@dataclass(frozen=True)
class Keyed:
    """What a contender made of one plate."""

    alpha: Picture  # (H, W), 0–1
    foreground: Picture  # (H, W, 3), straight, scene-linear


class Contender(Protocol):
    """A keyer or peer under test, with fixed settings: nobody turns a knob for a picture."""

    name: str
    about: str  # one sentence for the table: what runs, in which settings, at which depth
    longest: int | None  # a slow one gets pictures with at most this longer side …
    longest_when_quick: int | None  # … and smaller ones in a quick run

    def unavailable(self) -> str:
        """Say why it cannot run here; empty where it can."""
        ...

    def prepare(self) -> None:
        """Load and compile, so that it is not counted as keying."""
        ...

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Key the frames of one shot: (H, W, 3), scene-linear. Raises KeyingError for a plate it refuses."""
        ...


class OurKeyer:
    """A keyer of ``model.keyer`` with its default settings; a neural one may leave named parts out."""

    longest: int | None = None

    def __init__(
        self,
        name: str,
        device: str = "cpu",
        *,
        weights: Path | None = None,
        keyer: Keyer | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        left_out = f" without {', '.join(sorted(without))}" if without else ""
        self.name = name + left_out
        # Half a minute for a full-HD frame on two cores: too much for a quick run.
        self.longest_when_quick: int | None = 400 if name == "classification" else None
        self.about = f"DropKey's `{name}` keyer, default settings{left_out}"
        self._kind, self._device, self._weights, self._without = name, device, weights, without
        self._keyer = keyer
        self._settings = KeySettings(keyer=name)

    def unavailable(self) -> str:
        """Ours always run."""
        return ""

    def prepare(self) -> None:
        """Load the keyer."""
        self._load()

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Survey up to eight frames, then key every frame."""
        yield from self.key_within(plates, (), ())

    def key_within(
        self, plates: Sequence[Picture], before: Sequence[Picture], after: Sequence[Picture]
    ) -> Iterator[Keyed]:
        """Key ``plates`` as `key_shot` does, where the shot has frames before and after them, the nearest first."""
        keyer = self._load()
        sampled = plates[:: max(1, len(plates) // 8)][:8]
        screen = keyer.survey([self._tensor(plate) for plate in sampled], self._settings)
        row = [*reversed(before), *plates, *after]
        behind = self._behind(keyer, row, screen)
        seen: dict[int, Any] = {}
        for number, plate in enumerate(plates, len(before)):
            tensor = self._tensor(plate)
            if isinstance(keyer, SteadyKeyer) and keyer.reach:
                first, end = max(0, number - keyer.reach), min(len(row), number + keyer.reach + 1)
                for at in range(first, end):
                    seen[at] = seen.get(at) or keyer.glimpse(self._tensor(row[at]), screen)
                around = Around(
                    seen[number],
                    tuple(seen[at] for at in range(number - 1, first - 1, -1)),
                    tuple(seen[at] for at in range(number + 1, end)),
                    behind,
                )
                keyed = keyer.key(tensor, screen, Mattes(), self._settings, around)
            else:
                keyed = keyer.key(tensor, screen, Mattes(), self._settings)
            yield Keyed(keyed.alpha[0].cpu().numpy(), keyed.foreground.permute(1, 2, 0).cpu().numpy())

    def _behind(self, keyer: Keyer, row: Sequence[Picture], screen: Screen) -> Behind | None:
        """Learn what stands behind the subject of a shot, as a job does."""
        if not isinstance(keyer, FarSeeingKeyer) or not keyer.reach or len(row) < FEWEST:
            return None
        chosen = spread(range(len(row)), SAMPLES)
        return keyer.behind([keyer.sample(self._tensor(row[at]), screen) for at in chosen], screen)

    def _load(self) -> Keyer:
        if self._keyer is None:
            own = self._weights is not None or bool(self._without)
            self._keyer = self._own() if own else load_keyer(self._kind, self._device)
        return self._keyer

    def _own(self) -> Keyer:
        from model.neural import NeuralKeyer

        return NeuralKeyer(torch.device(self._device), self._weights, without=self._without)

    def _tensor(self, plate: Picture) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(plate.transpose(2, 0, 1))).to(self._device)


def contender_names() -> tuple[str, ...]:
    """Every name that ``load_contender`` knows: our keyers, then the peers."""
    from model.evaluation.peers import PEER_NAMES

    return (*KEYER_NAMES, *PEER_NAMES)


def parts() -> tuple[str, ...]:
    """Return the names of what a neural keyer can be judged without: evidence, steadiness, and each refinement."""
    from model.keying.refinements import REFINEMENTS
    from model.neural import OPTIONAL

    return (*sorted(OPTIONAL), *(one.name for one in REFINEMENTS))


def load_contender(name: str, device: str = "cpu", without: frozenset[str] = frozenset()) -> Contender:
    """Return the contender called ``name``, of which `neural` leaves ``without`` out; raises UnknownKeyerError."""
    from model.evaluation.peers import PEER_NAMES, load_peer

    if name in KEYER_NAMES:
        return OurKeyer(name, device, without=without if name == NEURAL else frozenset())
    if name in PEER_NAMES:
        return load_peer(name)
    raise UnknownKeyerError(
        f"There is no keyer or peer called '{name}'.", fix=f"Choose among: {', '.join(contender_names())}."
    )
