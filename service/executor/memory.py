"""What workers take of their machine's memory, and of their cards' as the driver's tool says."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psutil

from service.executor.port import WorkerMemory, WorkerStatus
from service.executor.process import window_flags

_CARD_SECONDS = 5.0  # asking the driver takes a tenth of a second

Memory = tuple[int, int]
"""Bytes in use, and all that there are."""


class Cards:
    """Memory of the CUDA cards by worker process, as the driver's tool says; asked every few seconds at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = -_CARD_SECONDS
        self._known = _Driver()

    def measured(self, workers: Sequence[WorkerStatus]) -> tuple[WorkerStatus, ...]:
        """Return ``workers`` with the memory of those of this machine; what others told of theirs stays.

        Windows' driver tells no process's share, and one asked in a container does not know its processes: what the
        whole card has in use stands in for it there.
        """
        known = self._ask([worker for worker in workers if worker.memory is None])
        total = psutil.virtual_memory().total
        return tuple(
            worker if worker.memory is not None else replace(worker, memory=_memory(worker, known, total))
            for worker in workers
        )

    def _ask(self, workers: Sequence[WorkerStatus]) -> _Driver:
        if not any(_is_on_card(worker) for worker in workers):
            return _Driver()
        with self._lock:
            if time.monotonic() - self._asked >= _CARD_SECONDS:
                self._known = _ask_driver()
                self._asked = time.monotonic()
            return self._known


def _is_on_card(worker: WorkerStatus) -> bool:
    return (worker.device or "").startswith("cuda") and worker.pid is not None


def _memory(worker: WorkerStatus, known: _Driver, total: int) -> WorkerMemory:
    on_card = known.processes.get(worker.pid or 0) or known.card(worker.card) if _is_on_card(worker) else None
    return WorkerMemory(_memory_of(worker.pid), total, *(on_card or (None, None)))


@dataclass(frozen=True)
class _Driver:
    """What the driver's tool told."""

    processes: dict[int, Memory] = field(default_factory=dict)
    cards: tuple[tuple[str, str, Memory], ...] = ()  # number and UUID of each

    def card(self, name: str | None) -> Memory | None:
        """Return the memory of a card that is named as CUDA_VISIBLE_DEVICES does, the UUID perhaps cut short."""
        fits = [memory for number, uuid, memory in self.cards if name and (number == name or uuid.startswith(name))]
        return fits[0] if len(fits) == 1 else None


def _ask_driver() -> _Driver:
    rows = _driver_rows("--query-gpu=index,uuid,memory.used,memory.total")
    cards = tuple((row[0], row[1], (_bytes(row[2]), _bytes(row[3]))) for row in rows if _all_numbers(row[2:]))
    sizes = {uuid: size for _, uuid, (_, size) in cards}
    rows = _driver_rows("--query-compute-apps=gpu_uuid,pid,used_memory")
    told = [row for row in rows if row[0] in sizes and _all_numbers(row[1:])]
    return _Driver({int(pid): (_bytes(used), sizes[card]) for card, pid, used in told}, cards)


def _all_numbers(cells: Sequence[str]) -> bool:
    """Tell whether the driver knows them all; else it writes `[N/A]`."""
    return all(cell.isascii() and cell.isdigit() for cell in cells)


def _bytes(mebibytes: str) -> int:
    return int(mebibytes) * 2**20


def _driver_rows(query: str) -> list[list[str]]:
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            command, capture_output=True, timeout=5, check=True, text=True, creationflags=window_flags()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if line.strip()]


def _memory_of(pid: int | None) -> int | None:
    try:
        return None if pid is None else int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
