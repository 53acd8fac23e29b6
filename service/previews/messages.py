"""All that the service and its reader of pictures say to each other: JSON lines, and the bytes of a picture."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from model.settings import KeySettings
from service.jobs import Problem
from service.shots import Shot


class Pass(StrEnum):
    """What can be looked at."""

    PLATE = "plate"
    ALPHA = "alpha"
    FOREGROUND = "foreground"  # as stored
    COMPOSITE = "composite"  # the foreground over something


class Over(StrEnum):
    """What a composite lies on."""

    GREY = "grey"
    CHECKER = "checker"
    BLACK = "black"
    WHITE = "white"


class Channels(StrEnum):
    """Which channels a picture shows."""

    RGB = "rgb"
    R = "r"
    G = "g"
    B = "b"
    A = "a"
    STATUS = "status"  # alpha in three colors: 0, 1, and what is between


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Message):
    """One frame of one pass of a job."""

    shot: Shot
    settings: KeySettings  # encoding and layer of the plate
    output: Path  # version folder
    frame: int
    name: Pass
    over: Over = Over.GREY


class Look(_Message):
    """How a picture is shown."""

    exposure: float = 0.0  # stops
    gamma: float = 1.0  # on top of the display's own curve
    size: int | None = None  # longest side in pixels at most; None: as large as it is
    channels: Channels = Channels.RGB


class ShowPicture(_Message):
    """Answer with a PNG."""

    type: Literal["show_picture"] = "show_picture"
    source: Source
    look: Look


class ReadPixel(_Message):
    """Answer with the linear values at x, y (pixels from the top left)."""

    type: Literal["read_pixel"] = "read_pixel"
    source: Source
    x: int
    y: int


class Pixel(_Message):
    """The linear values of one pixel."""

    x: int
    y: int
    width: int
    height: int
    values: dict[str, float | None]  # channel name → value; None where it is NaN or infinite


class Answer(_Message):
    """One line of the reader; `size` bytes of PNG follow it."""

    size: int = 0
    pixel: Pixel | None = None
    problem: Problem | None = None


Ask = ShowPicture | ReadPixel
asks: TypeAdapter[Ask] = TypeAdapter(Annotated[Ask, Field(discriminator="type")])
