"""The functions that travel to a worker, by name only; each finds the host of the keying there."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from distributed import Worker, get_worker

from service.jobs import Problem

if TYPE_CHECKING:
    from service.executor.dask.host import Host

HOST = "dropkey"


def key_piece(errand: str) -> None:
    """Key a piece; what happens to it is told under the errand's topic."""
    _host(get_worker()).key(errand)


def make_preview(errand: str) -> tuple[str, dict[str, bytes]]:
    """Key one frame between two frames of whatever runs; return the answer and the files."""
    return _host(get_worker()).preview(errand)


def introduce(question: str) -> str:
    """Say what this worker is and sees."""
    return _host(get_worker()).introduce(question)


def stop_piece(piece: str, dask_worker: Worker) -> None:
    """End a piece between two frames."""
    _host(dask_worker).stop(piece)


def drain(place: str, drained: bool, dask_worker: Worker) -> None:
    """Give a place nothing new, or take it back."""
    _host(dask_worker).drain(place, drained)


def be_told(service: str, problem: str | None, dask_worker: Worker) -> None:
    """Hear that a service takes or refuses this worker."""
    _host(dask_worker).hear_verdict(service, None if problem is None else Problem.model_validate_json(problem))


def _host(worker: Worker) -> Host:
    return cast("Host", worker.plugins[HOST])
