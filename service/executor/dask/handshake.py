"""Who may key for this service: the same DropKey with the same weights, that sees the same files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from service.errors import PathRefused
from service.executor.dask.words import Introduction, Question
from service.jobs import Problem
from service.paths import Paths
from service.settings import Settings
from service.weights import weights_here

REFUSED = "worker_refused"
_PREFIX = ".dropkey-farm-"


class Test:
    """The test files that one service lays into its folders."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        home = f"{socket.gethostname()} {settings.home}"
        self._name = _PREFIX + hashlib.sha256(home.encode()).hexdigest()[:12]
        self._secret = secrets.token_hex(16)

    def question(self) -> Question:
        """Lay the files, where there is none yet, and return what to ask for. Folders that are away are left out."""
        files: dict[str, str] = {}
        for folder in self._folders():
            file = folder / self._name
            with contextlib.suppress(OSError):  # read-only, or away: nothing can be asked of it
                if not file.is_file() or file.read_text(encoding="utf-8") != self._secret:
                    file.write_text(self._secret, encoding="utf-8")
                files[str(file)] = self._secret
        return Question(files=files, writable=(str(self._settings.output.absolute()),))

    def remove(self) -> None:
        """Take the files away."""
        for folder in self._folders():
            with contextlib.suppress(OSError):
                (folder / self._name).unlink(missing_ok=True)

    def _folders(self) -> Iterable[Path]:
        return dict.fromkeys(root.path for root in Paths(self._settings).roots)


def introduction(question: Question, settings: Settings) -> Introduction:
    """Answer for this machine."""
    paths = Paths(settings)
    problems = [why for file, secret in question.files.items() if (why := _unseen(file, secret, paths))]
    problems += [why for folder in question.writable if (why := _unwritable(folder, paths))]
    return Introduction(
        dropkey=version("dropkey"),
        python=".".join(map(str, sys.version_info[:2])),
        weights=weights_here(settings),
        problems=tuple(dict.fromkeys(problems)),
    )


def refusal(theirs: Introduction, settings: Settings) -> Problem | None:
    """Say why a worker gets no shot of this service; None where it may have them."""
    ours = version("dropkey")
    if theirs.dropkey != ours:
        return _refused(
            f"It has DropKey {theirs.dropkey}, the service {ours}.", "Install the same version on all machines."
        )
    others = [name for name, mark in weights_here(settings).items() if theirs.weights.get(name, mark) != mark]
    if others:
        return _refused(
            f"It has other weights: {', '.join(others)}.",
            "Install the same version on all machines, and copy your own weights to each.",
        )
    if theirs.problems:
        return _refused(
            " ".join(theirs.problems),
            "Mount the folder there, or map its name: prefix_map in that machine's dropkey.toml.",
        )
    return None


def _refused(message: str, fix: str) -> Problem:
    return Problem(kind=REFUSED, message=message, fix=fix)


def _unseen(file: str, secret: str, paths: Paths) -> str:
    try:
        here = paths.ours(file)
        if here.read_text(encoding="utf-8") == secret:
            return ""
        return f"Its {here.parent} is another folder than the service's."
    except PathRefused as error:
        return error.message
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        return f"It cannot read {here.parent} ({reason})."


def _unwritable(folder: str, paths: Paths) -> str:
    try:
        here = paths.ours(folder)
        probe = here / f"{_PREFIX}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        probe.write_bytes(b"")
        probe.unlink()
    except PathRefused as error:
        return error.message
    except OSError as error:
        return f"It cannot write into {here} ({error.strerror})."
    return ""
