"""The service's side of the reader of pictures: starts it when somebody looks, ends it when it hangs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from service.errors import BadInput, DropKeyError, NotFound, PlateMissing, PlateUnreadable, Transient, WorkerLost
from service.executor.process import window_flags
from service.jobs import Problem
from service.previews.messages import Answer, Ask, Look, Pixel, ReadPixel, ShowPicture, Source
from service.settings import Settings

MOST_WAITING = 32
MOST_BYTES = 512 * 2**20
_BAD_INPUT = {kind.kind: kind for kind in (BadInput, PlateUnreadable)}
_PASSED_ON = ("maximum_side_pixels", "maximum_picture_mib")


class Reader:
    """One process that is asked from any thread, one question after the other."""

    def __init__(
        self, environment: Mapping[str, str], *, deadline_seconds: float = 60.0, command: Sequence[str] | None = None
    ) -> None:
        """``environment`` is that of the process; ``command`` starts another one than ours."""
        self._environment = environment
        self._deadline = deadline_seconds
        self._command = command or (sys.executable, "-m", "service.previews")
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def picture(self, source: Source, look: Look) -> bytes:
        """Return a PNG. Raises NotFound, BadInput, and Transient when the reader dies of it or is asked too much."""
        return self._ask(ShowPicture(source=source, look=look))[1]

    def pixel(self, source: Source, x: int, y: int) -> Pixel:
        """Return the linear values at ``x``, ``y``; raises as `picture` does."""
        found = self._ask(ReadPixel(source=source, x=x, y=y))[0].pixel
        if found is None:
            raise WorkerLost("The reader of pictures did not answer what it was asked.")
        return found

    def close(self) -> None:
        """End the process, and start none any more."""
        self._closed = True
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
        with self._turn:
            self._forget()

    def _ask(self, ask: Ask) -> tuple[Answer, bytes]:
        with self._my_turn():
            answer, content = self._exchange(ask) or self._exchange(ask) or self._died(None)
        if answer.problem is not None:
            raise _error(answer.problem)
        return answer, content

    def _exchange(self, ask: Ask) -> tuple[Answer, bytes] | None:
        """Ask once; None when the process had ended by itself, for want of questions."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        overdue = threading.Timer(self._deadline, process.kill)
        overdue.start()
        try:
            process.stdin.write(ask.model_dump_json().encode() + b"\n")
            process.stdin.flush()
            answer = Answer.model_validate_json(process.stdout.readline())
            content = process.stdout.read(answer.size) if 0 <= answer.size <= MOST_BYTES else b""
            if len(content) == answer.size:
                return answer, content
        except (OSError, ValidationError):
            pass
        finally:
            overdue.cancel()
        process.kill()
        code = process.wait()
        self._forget()
        return None if code == 0 else self._died(code)

    def _died(self, code: int | None) -> tuple[Answer, bytes]:
        raise WorkerLost(
            f"The reader of pictures ended on this one (exit code {code}).",
            fix="The file may be damaged, or too large for this machine; other pictures can still be seen.",
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._forget()
        if self._closed:
            raise Transient("The service is stopping.", fix="Ask again when it runs.")
        if self._process is None:
            self._process = subprocess.Popen(
                list(self._command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment,
                cwd=Path(__file__).parents[2],
                start_new_session=sys.platform != "win32",
                creationflags=window_flags(),
            )
        return self._process

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            process.wait()

    @contextlib.contextmanager
    def _my_turn(self) -> Iterator[None]:
        with self._counting:
            if self._waiting >= MOST_WAITING:
                raise Transient("Too many pictures are asked for at once.", fix="Ask again in a moment.")
            self._waiting += 1
        try:
            with self._turn:
                yield
        finally:
            with self._counting:
                self._waiting -= 1


def _error(problem: Problem) -> DropKeyError:
    if problem.kind == PlateMissing.kind:
        return NotFound(problem.message, fix=problem.fix)
    return _BAD_INPUT.get(problem.kind, PlateUnreadable)(problem.message, fix=problem.fix)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment of the process: flags of `serve` reach it like this; it reads the file by itself."""
    passed_on = {f"DROPKEY_{name.upper()}": str(getattr(settings, name)) for name in _PASSED_ON}
    return {**os.environ, "DROPKEY_HOME": str(settings.home), "PYTHONUTF8": "1", **passed_on}
