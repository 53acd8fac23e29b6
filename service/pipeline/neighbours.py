"""Which frames around one are heard when it is keyed: the same ones in a part, a preview, and a whole run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import xxhash

from model.keyer import FarSeeingKeyer, Keyer, Mattes, SteadyKeyer
from model.keying.behind import FEWEST, SAMPLES, Behind, spread
from model.keying.steadiness import Around
from model.settings import KeySettings, MatteSources, Screen
from service.errors import BadInput, PlateChanged
from service.pipeline.sources import Sources
from service.plates import Plate


def reach_of(keyer: Keyer, settings: KeySettings) -> int:
    """Return how many frames before and after one are heard when it is keyed."""
    return keyer.reach if settings.temporal == "auto" and isinstance(keyer, SteadyKeyer) else 0


def drawn_frames(mattes: MatteSources) -> tuple[int, ...]:
    """Return the frames with strokes, ascending."""
    return tuple(sorted(mattes.corrections.frames)) if mattes.corrections else ()


@dataclass(frozen=True)
class Neighbours:
    """The frames of a plate, whatever part of them is keyed, and how far around each is listened."""

    frames: frozenset[int]
    reach: int
    behind: Behind | None = None  # what stands behind the subject of the shot
    samples: Mapping[int, Any] = field(default_factory=dict)  # what told that, by frame
    drawn: tuple[int, ...] = ()  # frames with strokes, ascending, which are carried to all others
    _marks: dict[tuple[int, int], str] = field(default_factory=dict, repr=False, compare=False)

    def before(self, frame: int) -> tuple[int, ...]:
        """Return the frames before one, the nearest first, up to a gap."""
        return self._row(frame, -1)

    def after(self, frame: int) -> tuple[int, ...]:
        """Return the frames after one, the nearest first, up to a gap."""
        return self._row(frame, 1)

    def around(self, frame: int) -> tuple[int, ...]:
        """Return the frames around one in the order of time."""
        return (*reversed(self.before(frame)), *self.after(frame))

    @property
    def spread(self) -> tuple[int, ...]:
        """Return the frames of the whole plate that may tell what stands behind its subject."""
        return spread(sorted(self.frames), SAMPLES)

    def to_read(self, frames: Iterable[int]) -> tuple[int, ...]:
        """Return ``frames`` and all that are around them, ascending."""
        wanted = set(frames)
        return tuple(sorted(wanted.union(*(self.around(frame) for frame in wanted))))

    def mark(self, frame: int, sources: Sources, unread: Collection[int] = ()) -> str | None:
        """Identify the plates around a frame as they were at the first look; None where none is heard.

        What could not be read is marked as such: a frame that was keyed without it is keyed anew once it is there. What
        stands behind the subject is identified by the plates that taught it: as a number it differs in its last bits
        with threads and machines. Strokes that are carried here followed all plates on the way.
        """
        around = self.around(frame)
        if not around and self.behind is None and not self.drawn:
            return None
        seen = [f"{other - frame}:{'' if other in unread else sources.plate(other)}" for other in around]
        if self.behind is not None:
            seen += [f"behind {other}:{sources.plate(other)}" for other in sorted(self.samples)]
        if self.drawn:
            seen += [self._marked(self.drawn[0], frame, sources), self._marked(self.drawn[-1], frame, sources)]
        return xxhash.xxh3_128_hexdigest("\n".join(seen).encode())

    def followed(self, frames: Iterable[int]) -> tuple[int, ...]:
        """Return all frames that strokes are carried over to come to ``frames``, those included."""
        if not self.drawn:
            return ()
        wanted = {*frames, *self.drawn}
        return tuple(frame for frame in sorted(self.frames) if min(wanted) <= frame <= max(wanted))

    def _marked(self, first: int, last: int, sources: Sources) -> str:
        """Identify the plates from one frame to another, each once for all that lie beyond it."""
        step = 1 if first <= last else -1
        known = next((at for at in range(last, first - step, -step) if (first, at) in self._marks), first - step)
        mark = self._marks.get((first, known), "")
        for frame in range(known + step, last + step, step):
            plate = sources.plate(frame) if frame in self.frames else None
            mark = self._marks[first, frame] = xxhash.xxh3_64_hexdigest(f"{mark}{plate}".encode())
        return mark

    def _row(self, frame: int, step: int) -> tuple[int, ...]:
        found: list[int] = []
        for away in range(1, self.reach + 1):
            if frame + away * step not in self.frames:
                break
            found.append(frame + away * step)
        return tuple(found)


@dataclass
class Glimpses:
    """What was seen of the last frames that were read; it waits here until their neighbours are keyed."""

    keyer: Keyer
    screen: Screen
    neighbours: Neighbours
    _seen: dict[int, Any] = field(default_factory=dict)

    def look(self, frame: int, plate: torch.Tensor | None) -> None:
        """Look at a plate (3, H, W) that was read; None: it could not be, and what lies beyond it is not heard."""
        if self.neighbours.reach == 0:
            return
        assert isinstance(self.keyer, SteadyKeyer)
        known = self.neighbours.samples.get(frame)  # of a keyer that sees far, so it takes them
        told = () if known is None else (known,)
        self._seen[frame] = None if plate is None else self.keyer.glimpse(plate, self.screen, *told)
        for passed in [other for other in self._seen if other < frame - 2 * self.neighbours.reach]:
            del self._seen[passed]

    @property
    def unread(self) -> frozenset[int]:
        """Frames among the last ones that could not be read."""
        return frozenset(frame for frame, seen in self._seen.items() if seen is None)

    @property
    def waiting(self) -> int:
        """How many frames are remembered."""
        return len(self._seen)

    def missing(self, frame: int) -> tuple[int, ...]:
        """Return what must still be read before ``frame`` can be keyed, itself left out."""
        return tuple(other for other in self.neighbours.around(frame) if other not in self._seen)

    def around(self, frame: int) -> Around | None:
        """Return what is heard when ``frame`` is keyed; None: it is keyed by itself."""
        if self.neighbours.reach == 0 or self._seen.get(frame) is None:
            return None
        return Around(
            self._seen[frame],
            self._up_to_a_hole(self.neighbours.before(frame)),
            self._up_to_a_hole(self.neighbours.after(frame)),
            self.neighbours.behind,
        )

    def _up_to_a_hole(self, frames: Sequence[int]) -> tuple[Any, ...]:
        found: list[Any] = []
        for frame in frames:
            if self._seen.get(frame) is None:
                break
            found.append(self._seen[frame])
        return tuple(found)


def learn_behind(
    plate: Plate,
    neighbours: Neighbours,
    keyer: Keyer,
    screen: Screen,
    starting: Callable[[int], None] = lambda _frame: None,
    check: Callable[[int], None] = lambda _frame: None,
) -> Neighbours:
    """Return the neighbours with what stands behind the subject of the whole shot.

    Each frame is given to ``starting`` before it is read, and to ``check`` after. What is learned is worked out from a
    few frames of the plate, the same ones whatever part of it is keyed. Those that cannot be read are passed over.
    """
    if neighbours.reach == 0 or not isinstance(keyer, FarSeeingKeyer) or len(neighbours.frames) < FEWEST:
        return neighbours
    samples: dict[int, Any] = {}
    for frame in neighbours.spread:
        starting(frame)
        try:
            color = plate.read(frame).color
            check(frame)
        except PlateChanged:
            raise
        except BadInput:
            continue
        samples[frame] = keyer.sample(torch.from_numpy(np.ascontiguousarray(np.moveaxis(color, -1, 0))), screen)
    return replace(neighbours, behind=keyer.behind(list(samples.values()), screen), samples=samples)


def key_around(
    keyer: Callable[..., Any],
    plate: torch.Tensor,
    screen: Screen,
    mattes: Mattes,
    settings: KeySettings,
    around: Around | None,
) -> Any:
    """Call ``keyer`` (a keyer's `key` or `infer`) with what is around a frame, where there is anything to hear."""
    if around is None:
        return keyer(plate, screen, mattes, settings)
    return keyer(plate, screen, mattes, settings, around)
