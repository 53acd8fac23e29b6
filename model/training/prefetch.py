"""Makes scenes ahead of the training, on the CPU in processes of their own: a GPU would wait for small steps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.util import Finalize

import torch
from torch.utils.data import DataLoader, Dataset

from model.training.scenes import Scene, SceneSource

_PREFETCHED = 3  # scenes that each process may be ahead
_LAST = 2**40
_LAST_OF_ALL = -100


@dataclass
class PrefetchedSource:
    """Hands out the scenes of ``source``, made by ``processes`` processes, in order: the bits are those of one process.

    ``source`` must be able to travel to another process, and make its scenes on the CPU. Another number than the next
    one begins anew there. The processes end with the object.
    """

    source: SceneSource
    processes: int
    pinned: bool = False  # whether a GPU is to fetch the scenes by itself

    def __post_init__(self) -> None:
        """Begin with nothing made."""
        self._next, self._scenes = -1, iter(())  # type: tuple[int, Iterator[Scene]]

    def __call__(self, number: int) -> Scene:
        """Return the scene of ``number``, waiting for it where need be."""
        if number != self._next:
            self._scenes = self._from(number)
        self._next = number + 1
        return next(self._scenes)

    def _from(self, first: int) -> Iterator[Scene]:
        loader: DataLoader[Scene] = DataLoader(
            _Numbered(self.source),
            batch_size=None,
            sampler=range(first, _LAST),
            num_workers=self.processes,
            prefetch_factor=_PREFETCHED,
            pin_memory=self.pinned,
            worker_init_fn=_leave_at_once,
            multiprocessing_context="spawn",  # a forked process cannot use what CUDA has begun
        )
        return iter(loader)


def _leave_at_once(_worker: int) -> None:
    """Let this process end without the destructors of C++: one of them may meet a thread that still runs, and aborts.

    A process that aborts spoils the run of whoever reads from it, although all its scenes were right. It holds nothing
    that would have to be written; what it has sent is flushed before (that finalizer has the priority -5).
    """
    Finalize(None, os._exit, args=(0,), exitpriority=_LAST_OF_ALL)


@dataclass(frozen=True)
class _Numbered(Dataset[Scene]):
    source: SceneSource

    def __getitem__(self, number: int) -> Scene:
        torch.set_num_threads(1)
        return self.source(number)
