"""One shot that several workers key together: which piece of it comes next, and what their words mean for the whole.

First somebody looks at the shot (its screen, and what is finished already); then its frames are cut into parts, long
ones first and shorter ones towards the end; then somebody gathers the parts into one version. Knows no network.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from model.settings import Screen
from service.executor.poison import poisonous
from service.executor.port import ExecutorEvent, ShotLost
from service.jobs import FrameResult, FrameState, Problem
from service.messages import FrameFinished, FrameStarted, Role, ShotFailed, ShotFinished, ShotOrder, ShotStarted
from service.parts import part_folder

FIRST_FRAMES = 8  # of a part while nobody knows how long a frame takes
LEAST_SECONDS = 4.0  # a shorter part costs more than it brings
TIMES_ITS_BEGINNING = 20  # that a part is to last, as long as every worker gets one
READ_AHEAD = 3  # frames after those at hand that a dead worker may have been reading
HEARD_BEFORE = 2  # frames before one that its figures of quality are measured against
MOST_BARREN = 2  # workers that died before any frame was in sight

Said = ShotStarted | FrameStarted | FrameFinished | ShotFinished | ShotFailed
S = TypeVar("S", ShotStarted, FrameStarted, FrameFinished, ShotFinished, ShotFailed)


@dataclass(frozen=True)
class Cutting:
    """How long parts are to be."""

    seconds: float = 60.0
    most_frames: int = 0  # 0: as the seconds allow


@dataclass
class Pace:
    """What a frame took of late, in whatever shot: a shot goes by it until it has figures of its own."""

    seconds: float = 0.0  # 0: nobody knows
    beginning: float = 0.0  # from handing out a part to its first frame: plates around it are read, say


@dataclass
class Piece:
    """What one worker has in hand of a shot."""

    id: str
    order: ShotOrder
    begun: float  # when it was handed out
    in_flight: dict[int, float] = field(default_factory=dict)  # when each was begun, in that order
    keyed: int = 0
    shortened: bool = False

    def left(self, results: dict[int, FrameResult]) -> list[int]:
        """Return the frames of a part that it has not told of."""
        return [frame for frame in self.order.frames if frame not in results]


class SharedShot:
    """One attempt at one shot. Not thread-safe."""

    def __init__(
        self,
        job_id: str,
        attempt: int,
        order: ShotOrder,
        priority: int,
        cutting: Cutting | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.priority = priority
        self.pieces: dict[str, Piece] = {}
        self.over = False
        self._order = order
        self._cutting = cutting or Cutting()
        self._pace = pace or Pace()
        self._clock = clock
        self._step: Literal["look", "parts", "gather"] = "look"
        self._stopping = False
        self._numbers = 0
        self._frames: tuple[int, ...] = ()
        self._waiting: list[int] = []
        self._results: dict[int, FrameResult] = {}
        self._seams: set[int] = set()
        self._screen: Screen | None = order.screen
        self._surveyed: dict[int, str] = {}
        self._plates: dict[int, str] = {}
        self._warned: tuple[str, ...] = ()
        self._deaths: Counter[int] = Counter()
        self._suspects: set[int] = set()
        self._barren = 0
        self._fault: ShotFailed | ShotLost | None = None
        self._last: dict[str, float] = {}  # when a piece last told of a frame
        self._spent: list[float] = []  # seconds that one frame took one worker, of late
        self._alone = 0.0  # … that one took which had none before it in its part

    # ---- what to do

    def ready(self, workers: int) -> int:
        """Return how many pieces could be begun now, if there were ``workers``."""
        if self.over:
            return 0
        if self._step == "parts":
            return math.ceil(len(self._waiting) / self._length(workers)) if self._waiting else 0
        return 0 if self.pieces else 1

    def next_piece(self, workers: int) -> Piece | None:
        """Return what somebody should do now, of as many as ``workers``; None while there is nothing."""
        if not self.ready(workers):
            return None
        if self._step == "look":
            return self._piece("look", self._order.frames)
        if self._step == "gather":
            return self._piece("tidy" if self._stopping else "gather", self._order.frames)
        return self._piece("part", self._cut(workers))

    def longest(self) -> Piece | None:
        """Return the part whose rest is to be shared, now that workers are idle; None where that would not pay."""
        if self._step != "parts" or self._waiting or self._stopping:
            return None
        each = self._seconds_each()
        found = [
            (len(left) * each, piece)
            for piece in self.pieces.values()
            if not piece.shortened and piece.keyed and len(left := piece.left(self._results)) > 2
        ]
        seconds, piece = max(found, key=lambda pair: pair[0], default=(0.0, None))
        if piece is None or seconds < 2 * (LEAST_SECONDS + self._pace.beginning):
            return None
        piece.shortened = True
        return piece

    def stop(self) -> list[ExecutorEvent]:
        """Begin nothing new but to tidy up; the pieces at hand are to be stopped by who knows where they are."""
        self._stopping = True
        self._waiting.clear()
        return self._go_on()

    # ---- what happened

    def hear(self, piece_id: str, said: Said) -> list[ExecutorEvent]:
        """Take what a worker says of its piece; returns what that means for the shot."""
        piece = self.pieces.get(piece_id)
        if piece is None:
            return []  # late words of a piece that was given to another
        match said:
            case ShotStarted():
                return self._on_started(piece, said)
            case FrameStarted():
                piece.in_flight[said.frame] = self._clock()
                return [self._ours(said)]
            case FrameFinished():
                return self._on_frame(piece, said)
            case ShotFinished() | ShotFailed():
                del self.pieces[piece_id]
                return self._on_end(piece, said)

    def lost(self, piece_id: str, problem: Problem, *, blameless: bool) -> list[ExecutorEvent]:
        """A worker is gone with its piece; ``blameless``: for a reason that lies in no frame."""
        piece = self.pieces.pop(piece_id, None)
        if piece is None:
            return []
        told: list[ExecutorEvent] = []
        in_flight = tuple(frame for frame in piece.in_flight if frame not in self._results)
        if not blameless:
            self._deaths.update(in_flight)
            given_up = poisonous(in_flight, self._deaths, problem)
            if given_up is not None:
                self._results[given_up.frame] = given_up
                everything = (*self._order.given_up, given_up)
                self._order = self._order.model_copy(update={"given_up": everything})
                told.append(self._finished(given_up))
            left = piece.left(self._results)
            near = max((left.index(frame) for frame in in_flight if frame in left), default=-1) + 1 + READ_AHEAD
            self._suspects.update(left[:near])
            self._barren = 0 if in_flight or piece.keyed else self._barren + 1
            if self._barren >= MOST_BARREN:
                self._give_up(ShotLost(self.job_id, self.attempt, problem, blameless=True))
        if piece.order.role == "part":
            self._put_back(piece)
        elif piece.order.role == "tidy":
            return [*told, *self._end_stopped()]
        return told + self._go_on()

    def abandon(self, problem: Problem) -> list[ExecutorEvent]:
        """Nobody can be asked any more: end the attempt; the next one goes on with what is finished."""
        self.pieces.clear()
        self.over = True
        return [ShotLost(self.job_id, self.attempt, problem, blameless=True)]

    def set_aside(self) -> list[ExecutorEvent]:
        """End the attempt as stopped, without tidying up: the service ends, and its next start goes on."""
        self.pieces.clear()
        return self._end_stopped()

    def is_to_stop(self, piece_id: str) -> bool:
        """Tell whether a piece at hand is of no use any more: its shot was stopped, or fails."""
        return self.failing and self.pieces[piece_id].order.role != "tidy"

    # ---- inside

    def _on_started(self, piece: Piece, said: ShotStarted) -> list[ExecutorEvent]:
        if piece.order.role == "part":
            self._pace.beginning = self._clock() - piece.begun
            # Finished in an earlier life of this very part.
            self._results |= {kept.frame: kept for kept in said.kept}
            return [self._finished(kept) for kept in said.kept]
        if piece.order.role != "look":
            return []
        piece.in_flight.clear()
        self._frames, self._screen = said.frames, said.screen
        self._surveyed, self._plates = said.surveyed, said.plates
        known = {result.frame for result in (*said.kept, *self._order.given_up)}
        self._waiting = [] if self._stopping else [frame for frame in said.frames if frame not in known]
        return [self._ours(said).model_copy(update={"plates": {}})]

    def _on_frame(self, piece: Piece, said: FrameFinished) -> list[ExecutorEvent]:
        frame, now = said.result.frame, self._clock()
        begun = piece.in_flight.pop(frame, now)
        if said.result.state is FrameState.DONE:
            # From one frame to the next: what a worker begins with (a keyer that loads) is no frame's time.
            if piece.id in self._last:
                self._spent = [*self._spent[-49:], now - self._last[piece.id]]
            else:
                self._alone = now - begun
            self._pace.seconds = self._seconds_each()
            self._last[piece.id] = now
            piece.keyed += 1
            self._barren = 0
        if piece.order.role == "part":
            self._results[frame] = said.result
        return [self._ours(said)]

    def _on_end(self, piece: Piece, said: ShotFinished | ShotFailed) -> list[ExecutorEvent]:
        self._last.pop(piece.id, None)
        role = piece.order.role
        if role == "part":
            self._put_back(piece)
            if isinstance(said, ShotFailed) and piece.left(self._results):
                self._give_up(self._ours(said))
            return self._go_on()
        if role == "look":
            if isinstance(said, ShotFailed):
                self._give_up(self._ours(said))
            else:
                self._warned = said.warnings
                self._step = "gather" if self._stopping or not self._waiting else "parts"
            return self._go_on()
        if self._stopping and not (isinstance(said, ShotFinished) and said.outcome != "stopped"):
            return self._end_stopped()
        self.over = True
        if isinstance(said, ShotFailed):
            return [self._ours(said)]
        return [self._ours(said).model_copy(update={"manifest": self._order.output / "manifest.json"})]

    def _go_on(self) -> list[ExecutorEvent]:
        """Take the next step once nobody has a piece in hand any more."""
        if self.pieces or self.over:
            return []
        if self._fault is not None:
            self.over = True
            return [self._fault]
        if self._stopping and not self._results:
            return self._end_stopped()
        if self._step == "parts" and not self._waiting:
            self._step = "gather"
        return []

    def _give_up(self, fault: ShotFailed | ShotLost) -> None:
        """Let the shot end with ``fault`` once the other workers have ended, too."""
        self._fault = self._fault or fault
        self._waiting.clear()

    @property
    def failing(self) -> bool:
        """Whether the pieces at hand are of no use any more."""
        return self._fault is not None or self._stopping

    def _put_back(self, piece: Piece) -> None:
        if not self.failing:
            self._waiting = sorted({*self._waiting, *piece.left(self._results)})

    def _end_stopped(self) -> list[ExecutorEvent]:
        self.over = True
        ids = {"job_id": self.job_id, "attempt": self.attempt}
        return [ShotFinished(**ids, outcome="stopped", manifest=self._order.output / "manifest.json")]

    def _finished(self, result: FrameResult) -> FrameFinished:
        return FrameFinished(job_id=self.job_id, attempt=self.attempt, result=result)

    def _ours(self, said: S) -> S:
        return said.model_copy(update={"job_id": self.job_id, "attempt": self.attempt})

    def _piece(self, role: Role, frames: tuple[int, ...]) -> Piece:
        self._numbers += 1
        piece_id = f"{self.job_id}-{self.attempt}-{self._numbers}"
        changes: dict[str, object] = {"role": role, "frames": frames, "job_id": self.job_id}
        if role != "look":
            changes |= {"screen": self._screen, "surveyed": self._surveyed, "plates": self._plates}
        if role == "part":
            chosen = set(frames)
            changes["content"] = None  # of the whole shot, which who looks and who gathers hold it to
            changes["output"] = part_folder(self._order.output, frames)
            changes["reuse"] = None
            changes["given_up"] = ()
            changes["careful"] = self._order.careful or bool(chosen & self._suspects)
        if role in ("gather", "tidy"):
            changes |= {"known": self._known(), "warned": self._warned, "reuse": None}
        if role == "look" and self._barren:
            changes["careful"] = True
        piece = Piece(piece_id, self._order.model_copy(update=changes), self._clock())
        self.pieces[piece_id] = piece
        return piece

    def _known(self) -> tuple[FrameResult, ...]:
        """Return what the parts told, but for frames whose figures need some before them that were keyed elsewhere."""
        return tuple(
            result
            for frame, result in sorted(self._results.items())
            if frame not in self._seams or result.state is FrameState.FAILED
        )

    def _cut(self, workers: int) -> tuple[int, ...]:
        suspect = self._waiting[0] in self._suspects
        length = self._length(workers)
        frames: list[int] = []
        for frame in self._waiting[:length]:
            if (frame in self._suspects) is not suspect:
                break
            frames.append(frame)
        del self._waiting[: len(frames)]
        place = {frame: number for number, frame in enumerate(self._frames)}
        chosen = set(frames)
        for frame in frames:
            here = place[frame]
            if not chosen.issuperset(self._frames[max(0, here - HEARD_BEFORE) : here]):
                self._seams.add(frame)
        return tuple(frames)

    def _length(self, workers: int) -> int:
        """Return how many frames the next part has: towards the end of the shot fewer, so that all end together."""
        share = math.ceil(len(self._waiting) / (2 * max(workers, 1)))
        own = self._seconds_each()
        each = own or self._pace.seconds
        least = math.ceil(min(LEAST_SECONDS, self._cutting.seconds) / each) if each else 1
        most = max(1, int(self._cutting.seconds / each)) if own else FIRST_FRAMES
        worth = math.ceil(TIMES_ITS_BEGINNING * self._pace.beginning / each) if each else 1
        worth = min(worth, math.ceil(len(self._waiting) / max(workers, 1)))
        return max(1, min(self._cutting.most_frames or most, most, max(least, worth, share)))

    def _seconds_each(self) -> float:
        """Return what one frame takes one worker; 0 while nobody knows."""
        spent: Sequence[float] = self._spent
        return sum(spent) / len(spent) if spent else self._alone
