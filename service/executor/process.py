"""One worker process and its four pipes' ends: starts, talks, ends. Knows no job and no deadline."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO

from pydantic import BaseModel, ValidationError

from service.messages import FromWorker, from_worker

MAX_LINE_BYTES = 256 * 2**20  # the kept frames of a long shot travel in one message
KEPT_LINES = 40


class Rubbish(BaseModel):
    """A line that is no message: the process is not what it should be."""

    text: str


class Ended(BaseModel):
    """The process is gone."""

    exit_code: int


Heard = FromWorker | Rubbish | Ended


class WorkerProcess:
    """A running worker; ``heard`` yields its messages, and Ended last."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: logging.Logger) -> None:
        self.heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._log = log
        self._out: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment, "PYTHONUTF8": "1"},
            # A Ctrl-C in the terminal is for the service, which then lets workers finish their frame.
            start_new_session=sys.platform != "win32",
            creationflags=window_flags(),
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._threads = [
            threading.Thread(target=run, args=args, name=f"worker-{self._process.pid}-{run.__name__}", daemon=True)
            for run, args in (
                (self._write, (self._process.stdin,)),
                (self._keep_log, (self._process.stderr,)),
                (self._read, (self._process.stdout,)),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """What it wrote to stderr last: where a crash in native code leaves its only trace."""
        return "\n".join(self._last_lines)

    def send(self, message: BaseModel) -> None:
        """Send a message; never blocks, not even when the process hangs."""
        self._out.put(message.model_dump_json() + "\n")

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Let go of everything, after it has ended."""
        self._out.put(None)
        for thread in self._threads:
            thread.join()
        self._process.wait()

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError), pipe:
            while (text := self._out.get()) is not None:
                pipe.write(text.encode())
                pipe.flush()
        while text is not None:  # the process ended first; wait for `close`, so that `send` always has a taker
            text = self._out.get()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(MAX_LINE_BYTES):
                try:
                    self.heard.put(from_worker.validate_json(line))
                except ValidationError:
                    self.heard.put(Rubbish(text=line[:200].decode("utf-8", "replace").strip()))
        # A process that closed its stdout and lives on is of no use, and would hold up `wait`.
        self.kill()
        self.heard.put(Ended(exit_code=self._process.wait()))

    def _keep_log(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(65536):
                text = line.decode("utf-8", "replace").rstrip()
                self._last_lines.append(text)
                self._log.info("%s", text)


def window_flags() -> int:
    """On Windows: no console window that pops up in front of After Effects, and Ctrl-C kept away."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
