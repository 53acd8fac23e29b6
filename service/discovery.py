"""How panel and CLI find the service and prove who they are: discovery file, token, lock of the one instance."""

from __future__ import annotations

import json
import os
import secrets
import stat
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import Misconfigured
from service.settings import Settings

_TOKEN_BYTES = 32  # 256 bits


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


def load_token(settings: Settings) -> str:
    """Return the token, made at the first call (256 random bits, URL-safe base64).

    Raises Misconfigured when the file is there but holds no token.
    """
    file = settings.token_file
    if not file.exists():
        make_private_folder(settings.home)
        write_private(file, secrets.token_urlsafe(_TOKEN_BYTES) + "\n")
    elif os.name != "nt" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        file.chmod(0o600)
    token = file.read_text(encoding="utf-8").strip()
    if len(token) < len(secrets.token_urlsafe(_TOKEN_BYTES)):
        raise Misconfigured(f"{file} holds no token.", fix="Delete it; the service makes a new one at its next start.")
    return token


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
        raise _not_writable(settings.home, error) from error
    return lock


def make_private_folder(folder: Path) -> None:
    """Make ``folder``; what is new of it is the user's alone. Raises Misconfigured where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _not_writable(folder: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        f"The home folder {folder} cannot be used: {error.strerror}.",
        fix="Set DROPKEY_HOME to a folder that your user may write into.",
    )


def write_private(file: Path, text: str) -> None:
    """Write ``text`` so that only the user can read it and nobody ever sees half of it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            if os.name == "nt":
                _restrict_to_user(temporary)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _restrict_to_user(file: Path) -> None:
    """Windows knows no modes: take inherited rights off and leave the user's own."""
    user = f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"
    command = ["icacls", str(file), "/inheritance:r", "/grant:r", f"{user}:F"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise Misconfigured(f"The rights of {file} cannot be set.", fix="Put DROPKEY_HOME on an NTFS disk of your own.")
