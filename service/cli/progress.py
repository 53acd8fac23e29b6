"""How far a shot is, on the terminal or as lines that a farm reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from model.errors import KeyingError
from service.errors import DropKeyError


class Progress(Protocol):
    """Is told what happens."""

    def start(self, total: int) -> None:
        """Say how many frames there are."""
        ...

    def advance(self, frame: int) -> None:
        """Say that ``frame`` is finished."""
        ...


class Bar:
    """A bar on stderr."""

    def __init__(self, bar: RichProgress, shot: str) -> None:
        self._bar = bar
        self._task = bar.add_task(shot, total=None)

    def start(self, total: int) -> None:
        """Give the bar its length."""
        self._bar.update(self._task, total=total)

    def advance(self, _frame: int) -> None:
        """Move it by one frame."""
        self._bar.advance(self._task)


class Lines:
    """Writes to stdout what a program is to read of each finished frame, flushed."""

    def __init__(self, said: Callable[[float, int], str]) -> None:
        """``said`` makes the lines of percent and frame; empty: nothing to say."""
        self._said = said
        self._total = 0
        self._done = 0

    def start(self, total: int) -> None:
        """Remember the length."""
        self._total = total

    def advance(self, frame: int) -> None:
        """Write the lines of one frame."""
        self._done += 1
        sys.stdout.write(self._said(100 * self._done / max(self._total, 1), frame))
        sys.stdout.flush()


_SAID: dict[str, Callable[[float, int], str]] = {
    "none": lambda _percent, _frame: "",
    "lines": lambda percent, frame: f"PROGRESS {int(percent)}% frame={frame}\n",
    # Open Job Description, "How jobs are run": messages that a task writes to stdout.
    "openjd": lambda percent, frame: f"openjd_progress: {percent:.1f}\nopenjd_status: frame {frame}\n",
}


@contextmanager
def failure_told(style: str) -> Iterator[None]:
    """Tell Open Job Description why a task fails; the error goes on its way."""
    try:
        yield
    except (DropKeyError, KeyingError) as error:
        if style == "openjd":
            tell_failure(str(error))
        raise


def tell_failure(reason: str) -> None:
    """Write why a task of Open Job Description fails, in its one line."""
    sys.stdout.write(f"openjd_fail: {' '.join(reason.split())}\n")
    sys.stdout.flush()


@contextmanager
def open_progress(style: str, *, quiet_output: bool, shot: str) -> Iterator[Progress]:
    """Yield where to report to: `bar`, `lines`, `none`, or `auto` (a bar on a terminal, else lines), `openjd`.

    ``quiet_output`` keeps `auto` from writing lines to stdout, for callers that read JSON there.
    """
    console = Console(stderr=True)
    if style == "auto":
        style = "bar" if console.is_terminal else "none" if quiet_output else "lines"
    if style != "bar":
        yield Lines(_SAID[style])
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=console) as bar:
        yield Bar(bar, shot)
