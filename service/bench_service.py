"""A real service in a process of its own, for benchmarks that ask it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.client import Client
from service.discovery import read_discovery
from service.errors import Transient
from service.settings import Settings

START_SECONDS = 120.0


@dataclass(frozen=True)
class BenchService:
    """A service that answers."""

    settings: Settings
    process: psutil.Process
    client: Client


@contextmanager
def running_service(place: Path, choices: Mapping[str, str] | None = None) -> Iterator[BenchService]:
    """Run `dropkey serve` with home, drop folder and output in ``place`` until left; ``choices`` are DROPKEY_* ones."""
    settings = Settings(home=place / "home")
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--device", "cpu", "--stop-with-stdin"]
    (place / "drop").mkdir(exist_ok=True)
    process = subprocess.Popen(
        command, env=environment(place, choices or {}), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stdin is not None
    try:
        wait(lambda: read_discovery(settings), "the service answers")
        with Client.of_running(settings) as client:
            yield BenchService(settings, psutil.Process(process.pid), client)
    finally:
        process.stdin.close()
        process.wait(60)


def environment(place: Path, choices: Mapping[str, str]) -> dict[str, str]:
    """Return what every process of the benchmark at ``place`` is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DROPKEY_")}
    folders = {"DROP_FOLDERS": f'["{(place / "drop").as_posix()}"]', "OUTPUT_ROOT": str(place / "output")}
    given = {"HOME": str(place / "home")} | folders | dict(choices)
    return kept | {f"DROPKEY_{name}": value for name, value in given.items()}


def wait(there: Callable[[], object], what: str, seconds: float = START_SECONDS, every: float = 0.1) -> None:
    """Return once ``there`` returns something true. Raises Transient after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            raise Transient(f"Waited for nothing: {what}.", fix="Look at what the service says.")
        time.sleep(every)


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)
