"""How DropKey was installed here, and so which command works: texts that name one are worded by it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from enum import StrEnum
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[1]
STARTERS = {"win32": "DropKey.cmd", "darwin": "DropKey.command"}
"""What is double-clicked in the unpacked zip, by platform; elsewhere `dropkey.sh`."""


class Kind(StrEnum):
    """Ways to install."""

    CHECKOUT = "checkout"
    """A folder with all sources and `run.py`."""
    ZIP = "zip"
    """An unpacked release: `run.py`, a wheel and uv beside the environment."""
    UV = "uv"
    PIPX = "pipx"
    ENVIRONMENT = "environment"
    """An environment that somebody made and pip filled."""


def kind(root: Path = _ROOT, prefix: Path | None = None) -> Kind:
    """Tell how this DropKey was installed."""
    prefix = prefix or Path(sys.prefix)
    if (root / "run.py").is_file() and (root / "pyproject.toml").is_file():
        return Kind.CHECKOUT
    if (prefix.parent / "run.py").is_file():
        return Kind.ZIP
    if (prefix / "uv-receipt.toml").is_file():
        return Kind.UV
    return Kind.PIPX if (prefix / "pipx_metadata.json").is_file() else Kind.ENVIRONMENT


def folder() -> Path:
    """Return the folder that holds `run.py`, or the environment where there is none."""
    found = kind()
    return _ROOT if found is Kind.CHECKOUT else Path(sys.prefix).parent if found is Kind.ZIP else Path(sys.prefix)


@cache
def command(*, anywhere: bool = False) -> str:
    """Return what a person types to call DropKey here, the beginning of a line; ``anywhere``: in any folder."""
    found = kind()
    if found is Kind.CHECKOUT:
        here = Path.cwd() == _ROOT and not anywhere
        return f"{'py' if sys.platform == 'win32' else 'python3'} {'run.py' if here else _quoted(_ROOT / 'run.py')}"
    if found is Kind.ZIP:
        return _quoted(folder() / STARTERS.get(sys.platform, "dropkey.sh"))
    program = shutil.which("dropkey")
    ours = Path(sys.executable).with_name("dropkey.exe" if os.name == "nt" else "dropkey")
    if program and Path(program).resolve() == ours.resolve():
        return "dropkey"
    return _quoted(ours)


def fitting(text: str, *, anywhere: bool = False) -> str:
    """Return ``text`` with the command that works here in place of `dropkey …` and `python3 run.py …`.

    Every text that a person reads passes through here on its way out; ``anywhere``: it is read in no known folder.
    """
    found = kind()
    if found not in (Kind.CHECKOUT, Kind.ZIP):  # nothing there that builds the environment anew
        anew = f"{_quoted(Path(sys.executable))} -m pip install --force-reinstall torch OpenEXR OpenImageIO"
        text = text.replace("`python3 run.py --reinstall doctor`", f"`{anew}`")
    return _called(found).sub(lambda match: f"{match[1]}{command(anywhere=anywhere)}", text)


def _called(found: Kind) -> re.Pattern[str]:
    """Match our command in backticks, and at the beginning of a line, but for what a checkout alone has."""
    only_there = "" if found is Kind.CHECKOUT else r"(?! (?:test|release)\b)"
    return re.compile(rf"(`|^[ \t]*)(?:dropkey|python3 run\.py){only_there}(?= [a-z-]|`)", re.MULTILINE)


def farm_packages() -> str:
    """Say how the packages of the farm are brought into this installation."""
    if kind() in (Kind.CHECKOUT, Kind.ZIP):
        return "`dropkey farm --help` brings it."
    return f"Install it: {_quoted(Path(sys.executable))} -m pip install distributed cryptography"


def program(*arguments: str, windowless: bool = False) -> list[str]:
    """Return the command line with which other programs start DropKey: whole paths, no shell."""
    python = Path(sys.executable)
    quiet = python.with_name("pythonw.exe")
    return [str(quiet if windowless and quiet.is_file() else python), "-m", "service.cli", *arguments]


def _quoted(path: Path) -> str:
    if os.name == "nt":
        return subprocess.list2cmdline([str(path)])
    import shlex

    return shlex.quote(str(path))
