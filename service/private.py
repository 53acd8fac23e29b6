"""What only the user may read or change: the home folder, and the token that proves who asks."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from service.errors import Misconfigured
from service.settings import Settings

_TOKEN_BYTES = 32  # 256 bits
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def load_token(settings: Settings, tell: Callable[[str], None] = lambda _told: None) -> str:
    """Return the token, made at the first call (256 random bits, URL-safe base64); ``tell`` gets what was mended.

    One that others could read is replaced: who has read it keeps it. Raises Misconfigured when the file is there but
    holds no token.
    """
    file = settings.token_file
    if not file.exists():
        make_private_folder(settings.home)
        return _new_token(file)
    token = read_token(file)
    if os.name == "nt" or not _loose(file, _OTHERS_READ | _OTHERS_WRITE):
        return token
    if not _tightened(file, 0o600):
        tell(f"Others can read the token in {file}, and its disk keeps no rights. Put the home folder on another disk.")
        return token
    tell(f"Others could read the token in {file}: there is a new one, and browsers need a new link (`dropkey open`).")
    return _new_token(file)


def read_token(file: Path) -> str:
    """Return the token in ``file``; raises Misconfigured where there is none."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Misconfigured(f"The token in {file} cannot be read: {reason}.", fix=_NEW_TOKEN) from error
    if len(token) < len(secrets.token_urlsafe(_TOKEN_BYTES)) or not token.isascii() or not token.isprintable():
        raise Misconfigured(f"{file} holds no token.", fix=_NEW_TOKEN)
    return token


_NEW_TOKEN = "Delete it (or move the folder of that name away); the service makes a new one at its next start."


def close_home(settings: Settings, tell: Callable[[str], None]) -> None:
    """Take from others the right to write into the home folder, who could put files of their own there."""
    home = settings.home
    if os.name == "nt" or not home.is_dir() or not _loose(home, _OTHERS_WRITE):
        return
    if _tightened(home, stat.S_IMODE(home.stat().st_mode) & ~_OTHERS_WRITE):
        tell(f"Others could write into the home folder {home}; that right was taken from them.")
    else:
        tell(f"Others can write into the home folder {home}, and so replace token and settings. {_CLOSE}")


_CLOSE = "Take that right from them (chmod go-w), or set DROPKEY_HOME to a folder of your own."


def others_may_write(folder: Path) -> bool:
    """Tell whether the rights of ``folder`` let other users write into it."""
    return os.name != "nt" and _loose(folder, _OTHERS_WRITE)


def others_may_read(file: Path) -> bool:
    """Tell whether the rights of ``file`` let other users read or replace it."""
    return os.name != "nt" and _loose(file, _OTHERS_READ | _OTHERS_WRITE)


def _loose(path: Path, rights: int) -> bool:
    return bool(path.stat().st_mode & rights)


def _tightened(path: Path, mode: int) -> bool:
    """Set the rights of ``path``; return whether its disk keeps them."""
    try:
        path.chmod(mode)
        return stat.S_IMODE(path.stat().st_mode) == mode
    except OSError:
        return False


def _new_token(file: Path) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    write_private(file, token + "\n")
    return token


def make_private_folder(folder: Path) -> None:
    """Make ``folder``; what is new of it is the user's alone. Raises Misconfigured where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_writable(folder, error) from error


def not_writable(folder: Path, error: OSError) -> Misconfigured:
    """Return what is said of a home folder that cannot be made or written."""
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
