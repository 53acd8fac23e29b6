"""The port through which the queue gets shots keyed, whoever keys them: local processes now, a farm later."""

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


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, for `/health/ready` and `doctor`."""

    name: str
    state: Literal["starting", "ready", "busy", "waiting", "stopped"]  # waiting: died, is started again after a delay
    device: str | None = None  # cuda:0, mps or cpu, once it said so
    device_name: str | None = None
    pid: int | None = None
    deaths_in_a_row: int = 0
    problem: Problem | None = None  # why it last died, or could not work
    restarts: Mapping[RestartReason, int] = field(default_factory=dict)  # how often, by why the one before ended
    card: str | None = None  # the only CUDA card that it sees, as CUDA_VISIBLE_DEVICES takes it: number or UUID


class Executor(Protocol):
    """Keys shots somewhere; calls back with events, from any thread, in order for each attempt.

    Each accepted attempt ends with exactly one ShotFinished, ShotFailed or ShotLost, unless the executor is closed.
    """

    def start(self, listener: Callable[[ExecutorEvent], None]) -> None:
        """Begin to work; ``listener`` must not block."""

    def capacity(self) -> int:
        """Return how many shots could start now."""

    def submit(self, job_id: str, attempt: int, order: ShotOrder) -> bool:
        """Start a shot; False when nobody is free after all. Never blocks."""

    def stop(self, job_id: str) -> None:
        """Ask for the shot to end between two frames; no effect when it is not running."""

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Have one frame keyed between two frames of whatever runs; the future fails with a DropKeyError."""

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the workers are."""

    def close(self) -> None:
        """Let the frames at hand finish, then end all workers; returns when they are gone."""
