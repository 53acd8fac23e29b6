"""Why a worker ended, or there is none: in words, with a guess at what to do, and as a reason that can be counted."""

from __future__ import annotations

from service.errors import NotFound, WorkerLost
from service.executor.port import RestartReason
from service.jobs import Problem

EXIT_DEVICE_LOST = 4  # as in service.worker, which must not be imported
_KILLED = (-9, 137)
_CRASHES = (-11, -7, -6, -4, 139, 134)
_WINDOWS_CRASHES = (0xC0000005, 0xC0000409, 0xC000001D)  # access violation, fast fail, illegal instruction


def nobody_ready() -> WorkerLost:
    """Return what is raised where a preview finds no worker."""
    return WorkerLost("No worker is ready.", fix="Wait until the keyer is loaded, then ask again.")


def no_such_worker(name: str) -> NotFound:
    """Return what is raised where nobody is called ``name``."""
    return NotFound(f"There is no worker {name}.", fix="See which there are.")


def reason_of(exit_code: int) -> RestartReason:
    """Return why a process ended that nobody condemned."""
    if exit_code == EXIT_DEVICE_LOST:
        return "device_lost"
    if exit_code in _CRASHES or exit_code & 0xFFFFFFFF in _WINDOWS_CRASHES:
        return "crashed"
    return "killed" if exit_code in _KILLED else "exited"


def condemned(verdict: str, name: str) -> Problem:
    """Return what is said of the worker ``name`` that was killed because it ``verdict``."""
    return Problem(kind=WorkerLost.kind, message=f"The worker {verdict} and was killed.", fix=_see_log(name))


def lost(exit_code: int, last_words: str, name: str) -> Problem:
    """Say what became of the worker ``name``, with a guess at the reason."""
    hint = ""
    if exit_code < 0 or exit_code in (137, 1):
        hint = "It was killed; the machine might have run out of memory."
    if reason_of(exit_code) == "crashed":
        hint = "It crashed in native code: a damaged file, a driver, or too little memory."
    if exit_code == EXIT_DEVICE_LOST:
        hint = "The graphics driver gave up: it was reset, or the card is gone."
    words = last_words.splitlines()
    last = f" Its last words: {words[-1][:200]}" if words and not hint else ""
    message = f"The worker died with exit code {exit_code}."
    return Problem(kind=WorkerLost.kind, message=message, fix=f"{hint}{last} {_see_log(name)}".strip())


def _see_log(name: str) -> str:
    return f"See logs/worker-{name}.log in the home folder."
