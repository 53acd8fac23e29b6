"""One attempt at a job while the executor has it in hand: which frames it is at, and how fast it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.executor import CapacityChanged, ExecutorEvent
from service.messages import FrameFinished, FrameStarted

RATE_OVER_FRAMES = 30


@dataclass
class Run:
    """One attempt that the executor has in hand."""

    attempt: int
    started: float
    keyed: int = 0
    in_flight: dict[int, None] = field(default_factory=dict)  # frames, in the order in which they were started
    finished: deque[float] = field(default_factory=lambda: deque(maxlen=RATE_OVER_FRAMES))

    def rate(self) -> float | None:
        """Frames per second of late."""
        if len(self.finished) < 2 or self.finished[-1] <= self.finished[0]:
            return None
        return (len(self.finished) - 1) / (self.finished[-1] - self.finished[0])


def next_together(events: Sequence[ExecutorEvent]) -> list[ExecutorEvent]:
    """Return the first event, and of its attempt all that tell of frames before anything else: one commit does for all.

    What others tell in between waits: many workers speak at once, and no two attempts are about one frame.
    """
    first = events[0]
    if not isinstance(first, FrameFinished | FrameStarted):
        return [first]
    together: list[ExecutorEvent] = []
    for event in events:
        if isinstance(event, CapacityChanged) or (event.job_id, event.attempt) != (first.job_id, first.attempt):
            continue
        if not isinstance(event, FrameFinished | FrameStarted):
            break
        together.append(event)
    return together
