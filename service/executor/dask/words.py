"""What the service and a farm's workers say to each other, as JSON: the same orders and events as on one machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from service.executor.port import WorkerStatus
from service.jobs import Problem
from service.messages import FrameFinished, FrameStarted, PreviewMade, ShotFailed, ShotFinished, ShotStarted


class _Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Errand(_Word):
    """An order for one worker; its paths are the service's, and become the worker's own there."""

    id: str
    order: dict[str, Any]
    topic: str = ""  # where to tell of it


class PieceLost(_Word):
    """Whoever keyed the piece on that machine died, or none is ready there."""

    type: Literal["piece_lost"] = "piece_lost"
    problem: Problem
    blameless: bool = False


Said = Annotated[
    ShotStarted | FrameStarted | FrameFinished | ShotFinished | ShotFailed | PieceLost, Field(discriminator="type")
]


class Told(_Word):
    """Something that happened to a piece."""

    piece: str
    said: Said


class Question(_Word):
    """What the service wants to know before a worker gets a shot: what it is, and whether it sees this."""

    files: dict[str, str]  # a test file in each folder, in the service's words → what it holds
    writable: tuple[str, ...]  # folders that results go to


class Introduction(_Word):
    """What a worker is."""

    dropkey: str
    python: str
    weights: dict[str, str]
    problems: tuple[str, ...]  # about the folders


class PreviewAnswer(_Word):
    """What came of a preview; its pictures travel beside."""

    made: PreviewMade | None = None
    problem: Problem | None = None


statuses: TypeAdapter[tuple[WorkerStatus, ...]] = TypeAdapter(tuple[WorkerStatus, ...])
