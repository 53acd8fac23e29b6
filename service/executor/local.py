"""Workers on this machine: one process per CUDA card, else one on Apple's GPU or the CPU."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from service.executor.endings import no_such_worker, nobody_ready
from service.executor.orphans import Register
from service.executor.port import ExecutorEvent, WorkerStatus
from service.executor.process import window_flags
from service.executor.slot import Slot
from service.logs import Quietly
from service.messages import PreviewMade, PreviewOrder, ShotOrder
from service.settings import Settings

LOG_BYTES = 5_000_000
LOG_FILES = 3
PASSED_ON = ("minimum_free_gib", "maximum_side_pixels", "maximum_picture_mib")


class LocalExecutor:
    """Supervises worker processes; satisfies `Executor`."""

    def __init__(
        self,
        settings: Settings,
        *,
        command: Sequence[str] | None = None,
        cards: Sequence[str] | None = None,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``command`` starts another worker than ours, ``cards`` names the CUDA cards instead of looking for them.

        ``folder`` holds the logs of the workers and what is remembered of them; unset: the home folder.
        """
        self._settings = settings
        self._command = command
        self._cards = cards
        self._folder = folder or settings.home
        self._clock = clock
        self._slots: list[Slot] = []
        self._previewing: Slot | None = None
        self._logs: list[logging.Handler] = []

    def start(self, listener: Callable[[ExecutorEvent], None]) -> None:
        """Start the workers; they report through ``listener``."""
        register = Register(self._folder / "workers")
        register.end_orphans()
        cards: Sequence[str | None] = self._find_cards() or [None]
        threads = self._settings.worker_threads or max(1, (os.cpu_count() or 1) // len(cards))
        for number, card in enumerate(cards):
            environment = {"DROPKEY_HOME": str(self._settings.home)} | {
                # Flags of `serve` reach the worker like this; it reads the file by itself.
                f"DROPKEY_{name.upper()}": str(getattr(self._settings, name))
                for name in PASSED_ON
            }
            if card is not None:
                environment |= {"CUDA_VISIBLE_DEVICES": card, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
            slot = Slot(
                name=str(number),
                command=self._command or worker_command(self._settings, threads),
                environment=environment,
                settings=self._settings,
                register=register,
                log=self._open_log(number),
                clock=self._clock,
            )
            self._slots.append(slot)
        for slot in self._slots:
            slot.start(listener)

    def capacity(self, priority: int) -> int:
        """Return how many workers are free, for shots of whatever priority."""
        del priority
        return sum(slot.free for slot in self._slots)

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        """Give a shot to a free worker."""
        del priority
        return any(slot.submit(job_id, attempt, order) for slot in self._slots)

    def stop(self, job_id: str) -> None:
        """End that shot between two frames."""
        for slot in self._slots:
            slot.stop(job_id)

    def set_priority(self, job_id: str, priority: int) -> None:
        """Change nothing: a worker has the whole shot in hand."""

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        """Have one frame keyed soon, by the worker that made the last preview where it is as free as any other."""
        slots = sorted(self._slots, key=lambda slot: (not slot.free, slot is not self._previewing))
        for slot in slots:
            future = slot.preview(preview_id, order)
            if future is not None:
                self._previewing = slot  # it has the plate and the raw answer in memory
                return future
        raise nobody_ready()

    def workers(self) -> tuple[WorkerStatus, ...]:
        """Return how the workers are."""
        return tuple(slot.status for slot in self._slots)

    def drain(self, name: str, drained: bool) -> None:
        """Give a worker nothing new, or take it back. Raises NotFound."""
        for slot in self._slots:
            if slot.name == name:
                slot.drain(drained)
                return
        raise no_such_worker(name)

    def close(self) -> None:
        """Let workers finish the frame at hand, end them, and wait; the stop deadline bounds it."""
        for slot in self._slots:
            slot.begin_close()
        for slot in self._slots:
            slot.join()
        for handler in self._logs:
            handler.close()

    def _find_cards(self) -> Sequence[str]:
        if self._cards is not None:
            return self._cards
        return find_cards() if self._settings.device in ("auto", "cuda") else ()

    def _open_log(self, number: int) -> logging.Logger:
        folder = self._folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"worker-{number}.log"
        handler = Quietly(file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(message)s"))
        # Not in the tree of loggers: what a worker prints belongs in its own file only.
        log = logging.Logger(f"dropkey.worker-{number}")
        log.addHandler(handler)
        self._logs.append(handler)
        return log


def worker_command(settings: Settings, threads: int) -> list[str]:
    """Return the command line of our worker."""
    options = ["--device", settings.device, "--keyer", settings.key_defaults.keyer, "--threads", str(threads)]
    return [sys.executable, "-m", "service.worker", *options]


def find_cards(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the CUDA cards, as CUDA_VISIBLE_DEVICES takes them; asks the driver's tool, not torch."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip() and name.strip() != "-1")
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, timeout=20, check=True, text=True, creationflags=window_flags()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return cards_in(listing)


def cards_in(listing: str) -> tuple[str, ...]:
    """Read `nvidia-smi -L`: one unindented line per card (parts of a card are indented)."""
    return tuple(re.findall(r"^GPU \d+: .*\(UUID: (GPU-[0-9a-f-]+)\)\s*$", listing, flags=re.MULTILINE))
