"""The process that keys: loads a keyer once, takes orders on stdin, reports on stdout. Started by name, never imported.

It never opens the database and knows no HTTP. When its stdin ends, its service is gone, and it ends at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Literal

import psutil
from pydantic import BaseModel, ValidationError

from model.settings import KeySettings
from service.errors import DropKeyError, Misconfigured, NoScreen, OutOfMemory, Transient
from service.jobs import Problem
from service.messages import (
    KeyShot,
    MakePreview,
    PreviewFailed,
    ShotFailed,
    Shutdown,
    StopShot,
    ToWorker,
    WorkerFailed,
    WorkerReady,
    to_worker,
)
from service.settings import load_settings

if TYPE_CHECKING:
    from model.keyer import Keyer
    from service.pipeline.preview import Previewer

EXIT_UNUSABLE = 3  # no keyer, no device
EXIT_DEVICE_LOST = 4  # the driver's context is gone; only a new process gets a new one

KINDS = {"NoScreenError": NoScreen.kind, "UnknownKeyerError": "unknown_keyer"}  # of model.errors

log = logging.getLogger("dropkey.worker")


class DeviceLost(Exception):
    """The driver refuses all further work in this process."""


class Line:
    """The two pipes to the service, out of the reach of libraries that print or read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out = _take_away(1, "w")
        self._in = _take_away(0, "r")

    def send(self, message: BaseModel) -> None:
        """Write one message."""
        text = message.model_dump_json() + "\n"
        with self._lock:
            try:
                self._out.write(text)
                self._out.flush()
            except OSError:
                os._exit(0)  # nobody listens any more

    def listen(self, hear: Callable[[ToWorker], None]) -> None:
        """Hand over messages until the service closes its end, then end this process at once."""
        for text in self._in:
            try:
                hear(to_worker.validate_json(text))
            except ValidationError as error:
                log.error("not a message: %s", error)
        # Files are written under temporary names, so there is nothing to tidy up.
        os._exit(0)


def _take_away(descriptor: int, mode: str) -> IO[str]:
    """Keep the pipe behind ``descriptor`` for ourselves; libraries get stderr for stdout and nothing for stdin."""
    kept = os.dup(descriptor)
    if descriptor == 1:
        os.dup2(2, 1)
    else:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
    return os.fdopen(kept, mode, encoding="utf-8", newline="\n")


class Worker:
    """Keys one shot after the other."""

    def __init__(self, line: Line, device: str, first_keyer: str) -> None:
        self._settings = load_settings()
        self._line = line
        self._wish = device
        self._first_keyer = first_keyer
        self._device = "cpu"
        self._keyers: dict[str, Keyer] = {}
        self._orders: queue.SimpleQueue[tuple[KeyShot, threading.Event] | Literal["look"] | None] = queue.SimpleQueue()
        self._previews: queue.SimpleQueue[MakePreview] = queue.SimpleQueue()
        self._previewer: Previewer | None = None
        self._lock = threading.Lock()
        self._stopped: dict[str, threading.Event] = {}
        self._ending = threading.Event()

    def hear(self, message: ToWorker) -> None:
        """Take a message; called from the listening thread while a shot is keyed."""
        match message:
            case KeyShot():
                stopped = threading.Event()
                with self._lock:
                    self._stopped[message.job_id] = stopped
                self._orders.put((message, stopped))
            case StopShot():
                with self._lock:
                    if message.job_id in self._stopped:
                        self._stopped[message.job_id].set()
            case MakePreview():
                self._previews.put(message)
                self._orders.put("look")
            case Shutdown():
                self._ending.set()
                self._orders.put(None)

    def run(self) -> int:
        """Load, then key until told to end; returns the exit code."""
        try:
            from model.device import find_device

            self._device, device_name = find_device(self._wish)
            self._keyer(self._first_keyer)
        except Exception as error:
            log.exception("cannot work")
            self._line.send(WorkerFailed(problem=problem_of(error)))
            return EXIT_UNUSABLE
        self._line.send(WorkerReady(pid=os.getpid(), device=self._device, device_name=device_name))
        while True:
            taken = self._orders.get()
            if taken is None:
                return 0
            try:
                self._make_previews()
                if taken != "look":
                    self._key(*taken)
            except DeviceLost:
                return EXIT_DEVICE_LOST

    def _key(self, message: KeyShot, stopped: threading.Event) -> None:
        from service.pipeline import Limits, key_shot

        try:
            finished = key_shot(
                message.order,
                self._keyer(message.order.settings.keyer),
                job_id=message.job_id,
                attempt=message.attempt,
                report=self._line.send,
                stopped=lambda: self._between_frames(stopped),
                limits=Limits.of(self._settings),
            )
        except Exception as error:
            log.exception("job %s, attempt %d", message.job_id, message.attempt)
            if device_is_lost(self._device):
                # Without a word about the shot: the service then takes it up again with the worker that comes next.
                raise DeviceLost from error
            expected = isinstance(error, DropKeyError) or hasattr(error, "fix")
            self._line.send(
                ShotFailed(
                    job_id=message.job_id,
                    attempt=message.attempt,
                    problem=problem_of(error),
                    # What nobody foresaw may be a mood of driver or network; the attempts are counted.
                    transient=isinstance(error, Transient) or not expected,
                )
            )
        else:
            self._line.send(finished)
        finally:
            with self._lock:
                # The next order for the same job may be here already, with an event of its own.
                if self._stopped.get(message.job_id) is stopped:
                    del self._stopped[message.job_id]

    def _between_frames(self, stopped: threading.Event) -> bool:
        """Make the previews that somebody waits for, then say whether the shot is to end; asked between frames."""
        self._make_previews()
        return stopped.is_set() or self._ending.is_set()

    def _make_previews(self) -> None:
        while not self._ending.is_set():
            try:
                message = self._previews.get_nowait()
            except queue.Empty:
                return
            self._make_preview(message)

    def _make_preview(self, message: MakePreview) -> None:
        from service.pipeline import Limits
        from service.pipeline.preview import Previewer

        if self._previewer is None:
            self._previewer = Previewer(Limits.of(self._settings))
        try:
            keyer = self._keyer(message.order.settings.keyer)
            made = self._previewer.make(message.preview_id, message.order, keyer)
        except Exception as error:
            log.exception("preview %s", message.preview_id)
            self._line.send(PreviewFailed(preview_id=message.preview_id, problem=problem_of(error)))
            if device_is_lost(self._device):
                raise DeviceLost from error
        else:
            self._line.send(made)

    def _keyer(self, name: str) -> Keyer:
        from model.keyer import load_keyer

        if name not in self._keyers:
            self._keyers[name] = load_keyer(name, self._device, self._settings.weights_folder)
        return self._keyers[name]


def device_is_lost(device: str) -> bool:
    """Tell whether the driver refuses all further work in this process (reset, card gone, bad kernel)."""
    if not device.startswith("cuda"):
        return False
    import torch

    try:
        torch.cuda.synchronize()
    except RuntimeError:
        log.exception("the device is lost")
        return True
    return False


def problem_of(error: Exception) -> Problem:
    """Return an error as data; the traceback stays in the log."""
    if isinstance(error, DropKeyError):
        return Problem(kind=error.kind, message=error.message, fix=error.fix, frame=error.frame)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Problem(
            kind=OutOfMemory.kind,
            message=f"Memory ran out: {first_line(error)}.",
            fix="Close other programs that use the card, or key on a machine with more memory.",
        )
    if hasattr(error, "fix"):  # model.errors, known here without loading torch
        return Problem(kind=KINDS.get(type(error).__name__, "keying"), message=str(error), fix=str(error.fix))
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" ({os.path.basename(where[0].filename)}:{where[0].lineno})" if where else ""
    return Problem(
        kind="unexpected",
        message=f"Something unforeseen went wrong: {type(error).__name__}: {first_line(error)}{place}",
        fix="The worker's log in the home folder has the details; please report it.",
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, bounded."""
    return (str(error).splitlines() or [""])[0].rstrip(".")[:500]


def lower_priority() -> None:
    """Let After Effects go first; it runs on the same machine."""
    try:
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(10)
    except (psutil.AccessDenied, OSError):
        log.warning("the priority cannot be lowered")


def main(arguments: list[str] | None = None) -> int:
    """Run the worker."""
    parser = argparse.ArgumentParser(prog="python -m service.worker", description=__doc__)
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "mps", "cpu"))
    parser.add_argument("--keyer", default=KeySettings().keyer, help="keyer to load at the start")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: torch decides")
    options = parser.parse_args(arguments)
    line = Line()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    lower_priority()
    try:
        worker = Worker(line, options.device, options.keyer)
    except Misconfigured as error:
        line.send(WorkerFailed(problem=problem_of(error)))
        return EXIT_UNUSABLE
    threading.Thread(target=line.listen, args=(worker.hear,), daemon=True, name="listen").start()
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    code = worker.run()
    # Threads of decoders and of CUDA may linger; everything worth keeping is on disk.
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
