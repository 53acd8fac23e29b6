"""What an update brings, and how this installation takes it: asks the index, reads the notes, makes a plan."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.version import Version

from service import updater
from service.errors import BadInput, Misconfigured, NotFound, Transient
from service.installation import Kind, folder, kind
from service.settings import Settings

NAME = "dropkey"
CHANGES = "service/docs/CHANGELOG.md"
SETUP = "service/run.py"
"""Where a wheel keeps `run.py`, for unpacked releases that it updates."""
_WHEEL = re.compile(rf"{NAME}-([^-]+)-py3-none-any\.whl")
_SECTION = re.compile(r"^## (\d+\.\d+\.\d+) – \S+\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
# What uv was told of the index, and how pip is told the same.
_SAME = {
    "UV_FIND_LINKS": "PIP_FIND_LINKS",
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_INDEX_URL": "PIP_INDEX_URL",
    "UV_INDEX": "PIP_EXTRA_INDEX_URL",
    "UV_OFFLINE": "PIP_NO_INDEX",
}


@dataclass(frozen=True)
class Offer:
    """A version that can be had."""

    version: str
    """Its number."""

    notes: str
    """What changed since the one that is installed, in Markdown."""

    wheel: Path | None
    """Its file, where it was had as one."""

    content: Path
    """Folder with what is in the wheel."""


def find_offer(place: Path, given: Path | None = None) -> Offer:
    """Return what ``given`` holds, a wheel or a release's zip, else the index's newest; files into ``place``.

    Raises NotFound where the index has none, Transient where it cannot be asked, BadInput where it is not DropKey.
    """
    if given is not None:
        return _read(_wheel_in(given, place), place)
    if find_spec("pip") is not None:
        asked = ["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
        _ask([sys.executable, *asked, "--dest", str(place), NAME], _for_pip())
        return _read(max(place.glob(f"{NAME}-*.whl")), place)
    content = place / "content"
    ask = [_uv(), "pip", "install", "--python", sys.executable, "--no-deps", "--no-build", "--target", str(content)]
    _ask([*ask, NAME], None)
    return _offer(content, None)


def is_newer(offer: Offer) -> bool:
    """Tell whether it is newer than what is installed."""
    return Version(offer.version) > Version(version(NAME))


def notes_since(changes: str, old: str) -> str:
    """Return the sections of a changelog about versions after ``old``, newest first."""
    found = [f"## {number}\n{text.rstrip()}" for number, text in _SECTION.findall(changes) if _after(number, old)]
    return "\n\n".join(found)


def _after(number: str, old: str) -> bool:
    return Version(number) > Version(old)


def make_plan(offer: Offer, settings: Settings) -> dict[str, Any]:
    """Return what the updater is to do. Raises Misconfigured for a checkout, which is no installation."""
    found = kind()
    if found is Kind.CHECKOUT:
        raise Misconfigured(
            f"DropKey runs from the sources in {folder()}.",
            fix="Update those, with `git pull`; the next command sets up what has changed.",
        )
    files = _release(offer) if found is Kind.ZIP else {"lay": {}, "remove": [], "commands": _commands(found, offer)}
    return files | {
        "old": version(NAME),
        "new": offer.version,
        "environment": str(Path(sys.prefix)),
        "python": sys.executable,
        "problems": _problems(),
        "afterwards": [],
        "wait_for": os.getpid() if sys.platform == "win32" else None,
        "log": str(settings.home / "logs" / "update.log"),
    }


def hand_over(plan: dict[str, Any], place: Path) -> int | None:
    """Let the updater carry out the plan, with the Python below the environment; None where it goes on in a window."""
    script, told = place / "updater.py", place / "plan.json"
    shutil.copy2(updater.__file__, script)
    told.write_text(json.dumps(plan, indent=1), encoding="utf-8")
    base = getattr(sys, "_base_executable", None) or sys.executable
    command = [base, "-I", str(script), str(told)]
    if sys.platform == "win32":  # our own process holds files that are to be exchanged
        subprocess.Popen(command, cwd=place, creationflags=subprocess.CREATE_NEW_CONSOLE)
        return None
    return subprocess.run(command, cwd=place, check=False).returncode


def _release(offer: Offer) -> dict[str, Any]:
    """An unpacked release: its wheel and `run.py` are exchanged, then it sets itself up as on the first day."""
    if offer.wheel is None:
        raise Misconfigured("The new wheel could not be had as a file.", fix="Download the new release's zip.")
    place = folder()
    lay = {str(place / offer.wheel.name): str(offer.wheel)}
    if (script := offer.content / SETUP).is_file():
        lay[str(place / "run.py")] = str(script)
    base = getattr(sys, "_base_executable", None) or sys.executable
    return {
        "lay": lay,
        "remove": [str(file) for file in place.glob(f"{NAME}-*.whl")],
        "commands": [[f"DropKey {offer.version}", [base, str(place / "run.py"), "--version"]]],
    }


def _commands(found: Kind, offer: Offer) -> list[list[Any]]:
    wanted = str(offer.wheel) if offer.wheel is not None and not _from_index(offer) else f"{NAME}=={offer.version}"
    if found is Kind.UV:
        line = [_uv(), "tool", "install", "--python", _base_python(), wanted]
    elif find_spec("pip") is not None:
        line = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--upgrade",
            wanted,
        ]
    else:
        line = [_uv(), "pip", "install", "--python", sys.executable, "--upgrade-package", NAME, wanted]
    return [[f"DropKey {offer.version}", line]]


def _from_index(offer: Offer) -> bool:
    """Tell whether the index has it: what pip downloaded lies beside what was unpacked of it."""
    return offer.wheel is not None and offer.wheel.parent == offer.content.parent


def _base_python() -> str:
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _problems() -> list[str]:
    """Return the names of what `doctor` finds wrong with the machine already."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "doctor", "--json"], capture_output=True, text=True, check=False
    )
    try:
        return [found["name"] for found in json.loads(done.stdout) if found["verdict"] == "problem"]
    except ValueError:
        return []


def _ask(command: Sequence[str], environment: dict[str, str] | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 0:
        return
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if any("No matching distribution" in line or "not found in the package registry" in line for line in said):
        raise NotFound(
            "The index has no DropKey.",
            fix="Download a release, and name its wheel or zip: `dropkey update FILE`.",
        )
    raise Transient(
        f"The index cannot be asked: {said[-1] if said else 'no answer'}",
        fix="See to the network, or a proxy (HTTPS_PROXY); or download a release: `dropkey update FILE`.",
    )


def _for_pip() -> dict[str, str]:
    told = {theirs: os.environ[ours] for ours, theirs in _SAME.items() if ours in os.environ}
    return told | dict(os.environ)


def _uv() -> str:
    found = shutil.which("uv")
    if found is None:
        raise Misconfigured("uv installed DropKey here, and is not on the PATH.", fix="Put it there, or install anew.")
    return found


def _wheel_in(given: Path, place: Path) -> Path:
    """Return the wheel: the file itself, or the one in a release's zip."""
    if not given.is_file():
        raise NotFound(f"There is no file {given}.", fix="Name a wheel, or the zip of a release.")
    if given.suffix != ".zip":
        return given.absolute()
    with zipfile.ZipFile(given) as release:
        inside = [name for name in release.namelist() if _WHEEL.fullmatch(name.rpartition("/")[2])]
        if len(inside) != 1:
            raise BadInput(f"{given.name} is not a release of DropKey.", fix="Name a wheel, or the zip of a release.")
        target = place / "given" / inside[0].rpartition("/")[2]
        target.parent.mkdir(parents=True)
        target.write_bytes(release.read(inside[0]))
    return target


def _read(wheel: Path, place: Path) -> Offer:
    content = place / "content"
    try:
        with zipfile.ZipFile(wheel) as file:
            file.extractall(content)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"{wheel.name} cannot be read: {error}.", fix="Download it again.") from None
    return _offer(content, wheel)


def _offer(content: Path, wheel: Path | None) -> Offer:
    """Read what was found. An index may have something else under our name: that is refused before it is installed."""
    names = list(content.glob(f"{NAME}-*.dist-info"))
    changes = content / CHANGES
    entry = names[0] / "entry_points.txt" if names else Path()
    if len(names) != 1 or not changes.is_file() or "service.cli:main" not in entry.read_text(encoding="utf-8"):
        raise BadInput("What was found under the name dropkey is not DropKey.", fix="See which index is asked.")
    number = names[0].name.removeprefix(f"{NAME}-").removesuffix(".dist-info")
    return Offer(number, notes_since(changes.read_text(encoding="utf-8"), version(NAME)), wheel, content)
