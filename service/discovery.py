"""How panel and CLI find the service: discovery file, and the lock of the one instance."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from service.atomic import is_full, write_error
from service.private import make_private_folder, not_writable, write_private
from service.settings import Settings

_PROBE_BYTES = 2**20  # what the files of a start take at least


class Discovery(BaseModel):
    """The content of `service.json`."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    url: str
    """Where the service listens, without a slash at the end."""

    token_file: Path
    """File that holds the token; only the user can read it."""

    version: str
    """DropKey's version."""

    pid: int
    """The service's process."""


def write_discovery(settings: Settings, url: str) -> Discovery:
    """Say where this process listens."""
    found = Discovery(url=url, token_file=settings.token_file, version=version("dropkey"), pid=os.getpid())
    write_private(settings.discovery_file, found.model_dump_json(indent=2) + "\n")
    return found


def read_discovery(settings: Settings) -> Discovery | None:
    """Return where the running service listens, or None when none runs (a file that a crash left does not count)."""
    try:
        found = Discovery.model_validate(json.loads(settings.discovery_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None
    return found if psutil.pid_exists(found.pid) else None


def other_version(found: Discovery) -> str:
    """Return a sentence where the running service is of another version than this installation; empty where not."""
    ours = version("dropkey")
    if found.version == ours:
        return ""
    return f"The service that runs is DropKey {found.version}, this is {ours}: end it and start it anew; its jobs stay."


def remove_discovery(settings: Settings) -> None:
    """Take the discovery file away, if it is this process's."""
    found = read_discovery(settings)
    if found is not None and found.pid == os.getpid():
        settings.discovery_file.unlink(missing_ok=True)


def claim_instance(settings: Settings) -> FileLock | None:
    """Return the held lock of this home folder, or None when another instance holds it.

    The system frees it when the process ends, however it ends. Raises Misconfigured when nothing can be written there.
    """
    make_private_folder(settings.home)
    lock = FileLock(settings.home / "service.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise not_writable(settings.home, error) from error
    return lock


def lacks_room(settings: Settings) -> str | None:
    """Return what is wrong, and what to do, where the home folder takes no file because its disk or quota is full.

    Raises Misconfigured when it takes none for another reason.
    """
    probe = settings.home / f".probe.{os.getpid()}.tmp"
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        if is_full(error):
            told = write_error(error, probe)
            return f"{told.message} Make room there."
        raise not_writable(settings.home, error) from error
    return None
