"""One attempt at a job while the executor has it in hand: which frames it is at, and how fast it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from service.executor import ExecutorEvent
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


def same_frames(first: ExecutorEvent, other: ExecutorEvent) -> bool:
    """Tell whether two events are about frames of one attempt."""
    if not isinstance(first, FrameFinished | FrameStarted) or not isinstance(other, FrameFinished | FrameStarted):
        return False
    return (first.job_id, first.attempt) == (other.job_id, other.attempt)
