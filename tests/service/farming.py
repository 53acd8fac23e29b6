"""Runs a farm on this machine as a studio would: certificates, a scheduler, workers and the service as processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.service.running import WORKERS, until
from tests.service.serving import PATIENCE, Service, serving

ROOT = Path(__file__).parents[2]


class Farm:
    """A scheduler, and whatever was started for it; all of it ends with the ``with`` that it came from."""

    def __init__(self, folder: Path, stack: ExitStack, **settings: str) -> None:
        self.folder = folder
        self.certificates = folder / "certificates"
        self.port = free_port()
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = stack
        self._settings = {f"farm__{name}": value for name, value in settings.items()}

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        (self.folder / "scheduler.log").unlink(missing_ok=True)
        command = ("farm", "scheduler", "--listen", self.address)
        self.scheduler = self.start("scheduler", *command, **self._settings)
        self.until_said("scheduler", "listens on")
        return self.scheduler

    def start_worker(self, name: str, scheduler: str | None = None, **settings: str) -> subprocess.Popen[bytes]:
        command = ("farm", "worker", "--name", name, "--scheduler", scheduler or self.address)
        self.workers[name] = self.start(name, *command, **settings)
        return self.workers[name]

    def offer(self, name: str, fixture: str, scheduler: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker whose processes are `fixtures/<fixture>.py`."""
        script = str(WORKERS / "offers_to_farm.py")
        self.workers[name] = self._run(name, (script, scheduler, name, fixture), settings)
        return self.workers[name]

    def serve(self, **settings: str) -> Service:
        return self._stack.enter_context(
            serving(
                self.folder / "home",
                farm__scheduler=self.address,
                farm__certificates=str(self.certificates),
                **settings,
            )
        )

    def start(self, name: str, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        """Run a `dropkey` command in the background, with a home and a log of its own."""
        return self._run(name, ("-m", "service.cli", *command), settings)

    def _run(self, name: str, arguments: Sequence[str], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self.folder / f"{name}.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={k: v for k, v in os.environ.items() if not k.startswith("DROPKEY_")}
            | {"DROPKEY_HOME": str(self.folder / name), "DROPKEY_FARM__CERTIFICATES": str(self.certificates)}
            | {"DROPKEY_DEVICE": "cpu", "DROPKEY_WORKER_THREADS": "1", "DROPKEY_RESTART_DELAY_SECONDS": "0.1"}
            | {"DROPKEY_KEY_DEFAULTS__KEYER": "difference"}
            | {f"DROPKEY_{key.upper()}": value for key, value in settings.items()},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        self._stack.callback(end, process)
        return process

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def until_said(self, name: str, words: str) -> str:
        return until(lambda: (said := self.said(name)) if re.search(words, self.said(name)) else "", words, PATIENCE)


@contextmanager
def farming(folder: Path, **settings: str) -> Iterator[Farm]:
    """Make the certificates of a farm and start its scheduler; ``settings`` are those of `[farm]`."""
    with ExitStack() as stack:
        farm = Farm(folder, stack, **settings)
        made = farm.start("init", "farm", "init", "--folder", str(farm.certificates))
        assert made.wait(PATIENCE) == 0, farm.said("init")
        farm.start_scheduler()
        yield farm


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
