"""What a shot is: a sequence, a still or a movie with name, frames and padding. Pure: opens no picture."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Shot(BaseModel):
    """One shot on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """The stem, made unique under one output root by its parent's name."""

    kind: Literal["sequence", "still", "movie"]
    """`still` is a single picture without a frame number: frame 1."""

    folder: Path
    """Absolute folder that holds the files."""

    prefix: str
    """File name before the frame number (sequence), or the whole file name (still, movie)."""

    suffix: str = ""
    """File name after the frame number, extension included (sequence)."""

    padding: int = 4
    """Digits of the frame number; also used for the output."""

    frames: tuple[int, ...]
    """Frame numbers present, ascending; empty for a movie, whose pictures only the worker counts."""

    first_frame: int = 1
    """Number of a movie's first picture, or of a still."""

    files: dict[int, str] | None = None
    """Frame → file name, only where padding changes within the sequence and the pattern cannot say it."""

    def frame_path(self, frame: int) -> Path:
        """Return the file of ``frame`` (the movie itself, for a movie)."""
        if self.kind != "sequence":
            return self.folder / self.prefix
        if self.files and frame in self.files:
            return self.folder / self.files[frame]
        return self.folder / f"{self.prefix}{self.frame_number(frame)}{self.suffix}"

    def frame_number(self, frame: int) -> str:
        """Return ``frame`` padded as in the file names: -12 with padding 4 is '-0012'."""
        digits = f"{abs(frame):0{self.padding}d}"
        return f"-{digits}" if frame < 0 else digits

    @property
    def missing(self) -> tuple[int, ...]:
        """Frame numbers absent between the first and the last."""
        if self.kind != "sequence" or not self.frames:
            return ()
        present = set(self.frames)
        return tuple(n for n in range(self.frames[0], self.frames[-1] + 1) if n not in present)
