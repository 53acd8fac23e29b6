"""The port through which the queue gets shots keyed, whoever keys them: processes here, or a farm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

from service.jobs import Problem
from service.messages import (
    FrameFinished,
    FrameStarted,
    PreviewMade,
    PreviewOrder,
    ShotFailed,
    ShotFinished,
    ShotOrder,
    ShotStarted,
)


@dataclass(frozen=True)
class ShotLost:
    """Whoever keyed the shot died or hung; nothing more will come from this attempt."""

    job_id: str
    attempt: int
    problem: Problem
    blameless: bool = False  # no frame is to be suspected of it: the line broke, or it was looked into already


@dataclass(frozen=True)
class CapacityChanged:
    """A worker became free, came or went."""


ExecutorEvent = ShotStarted | FrameStarted | FrameFinished | ShotFinished | ShotFailed | ShotLost | CapacityChanged


RestartReason = Literal[
    "hung",  # said nothing for too long, and was killed
    "garbled",  # said what is no message, and was killed
    "crashed",  # in native code
    "killed",  # by the system or a person
    "device_lost",  # its graphics driver gave up
    "unable",  # said itself why it cannot work
    "not_started",  # the system would not start it
    "exited",  # for another reason
]


WorkerState = Literal[
    "starting",
    "ready",
    "busy",
    "waiting",  # died, is started again after a delay
    "stopped",
    "refused",  # of a farm: the problem says why it gets no shot
]


@dataclass(frozen=True)
class WorkerMemory:
    """What a worker takes of its machine, and of its card where the driver tells."""

    used_bytes: int | None
    total_bytes: int
    gpu_used_bytes: int | None = None
    gpu_total_bytes: int | None = None


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, for `/health/ready`, `/workers` and `doctor`."""

    name: str
    state: WorkerState
    device: str | None = None  # cuda:0, mps or cpu, once it said so
    device_name: str | None = None
    pid: int | None = None
    deaths_in_a_row: int = 0
    problem: Problem | None = None  # why it last died, or could not work
    restarts: Mapping[RestartReason, int] = field(default_factory=dict)  # how often, by why the one before ended
    card: str | None = None  # the only CUDA card that it sees, as CUDA_VISIBLE_DEVICES takes it: number or UUID
    host: str | None = None  # the machine that it runs on; unset: the service's own
    shot: str | None = None  # that it keys
    frame: int | None = None  # … and which frame it came to last
    drained: bool = False  # takes nothing new
    memory: WorkerMemory | None = None  # unset: of the service's own machine, to be measured there


class Executor(Protocol):
    """Keys shots somewhere; calls back with events, from any thread, in order for each attempt.

    Each accepted attempt ends with exactly one ShotFinished, ShotFailed or ShotLost, unless the executor is closed.
    """

    def start(self, listener: Callable[[ExecutorEvent], None]) -> None:
        """Begin to work; ``listener`` must not block."""

    def capacity(self, priority: int) -> int:
        """Return how many shots of that priority could start now."""

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        """Start a shot; False when nobody is free after all. Never blocks."""

    def stop(self, job_id: str) -> None:
        """Ask for the shot to end between two frames; no effect when it is not running."""

    def set_priority(self, job_id: str, priority: int) -> None:
        """Let what is left of a shot go sooner or later; no effect when it is not running, or is keyed as a whole."""

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Have one frame keyed between two frames of whatever runs; the future fails with a DropKeyError."""

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the workers are."""

    def drain(self, name: str, drained: bool) -> None:
        """Give a worker nothing new, or take it back. Raises NotFound."""

    def close(self) -> None:
        """Let the frames at hand finish, then end all workers; returns when they are gone."""
