"""Looks at everything DropKey needs from a machine, and says what to do about each thing that is wrong."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from service.atomic import is_full, write_error
from service.discovery import other_version, read_discovery
from service.errors import Misconfigured
from service.installation import fitting
from service.names import RENAME, unreadable_in
from service.private import others_may_write, read_token
from service.settings import Settings, swallowed_drop_folders

Verdict = Literal["fine", "note", "problem"]
OPENEXR_MINIMUM = (3, 4, 13)  # below: CVE-2026-55059, -45696, -27622, CVE-2025-48071
COMFORTABLE_GIB = 20.0
FEW_FILES = 1024
FEW_WATCHES = 8192
# The WAL-reset fault can corrupt a database: https://sqlite.org/wal.html ("The WAL-Reset Bug").
SQLITE_SOUND_WAL = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    message: str
    fix: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; a check that itself fails becomes a finding."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        check_python,
        check_torch,
        check_folders,
        check_space,
        check_port,
        check_watching,
        check_pictures,
        check_database,
        check_limits,
        check_prefixes,
    )
    found = [finding for check in checks for finding in look(check, settings)]
    return [replace(finding, fix=fitting(finding.fix)) for finding in found]


def look(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    """Return what one check finds."""
    findings: list[Finding] = []
    try:
        findings.extend(check(settings))
    except Exception as error:
        findings.append(Finding(check.__name__.removeprefix("check_"), "problem", f"could not be checked: {error}"))
    return findings


def show(findings: list[Finding]) -> None:
    """Print the findings as a table, and below it what to do."""
    console = Console()
    colors = {"fine": "green", "note": "yellow", "problem": "bold red"}
    table = Table(show_lines=False)
    for column in ("what", "", "finding"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(finding.name, f"[{colors[finding.verdict]}]{finding.verdict}[/]", finding.message)
    console.print(table)
    for finding in findings:
        if finding.fix:
            console.print(f"[bold]{finding.name}[/]: {finding.fix}", soft_wrap=True)


# ---- the checks


def check_python(_settings: Settings) -> Iterator[Finding]:
    """Python and DropKey."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("dropkey", "fine", f"{importlib.metadata.version('dropkey')} on Python {version}, {sys.platform}")


def check_torch(settings: Settings) -> Iterator[Finding]:
    """The build of torch against the cards that the driver shows."""
    cards = _ask("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    report = _ask(sys.executable, "-c", _TORCH_REPORT)
    if report is None:
        yield Finding("torch", "problem", "torch cannot be loaded.", "Run `python3 run.py --reinstall doctor`.")
        return
    version, built_for, seen, apple = report.splitlines()[-1].split("|")
    yield judge_torch(version, built_for, seen, bool(apple), cards, settings.device)


_TORCH_REPORT = (
    "import torch; cuda = torch.cuda.is_available();"
    "print(torch.__version__, torch.version.cuda or '', torch.cuda.get_device_name(0) if cuda else '',"
    "'yes' if torch.backends.mps.is_available() else '', sep='|')"
)


def judge_torch(version: str, built_for: str, seen: str, apple: bool, cards: str | None, device: str) -> Finding:
    """Say whether torch and cards fit each other (pure).

    ``built_for`` is the CUDA version of the torch build, ``seen`` the card that torch can use, ``cards`` the answer of
    nvidia-smi (None: no such program, or no driver).
    """
    build = f"torch {version}" + (f" for CUDA {built_for}" if built_for else "")
    names = (cards or "").strip().replace("\n", "; ")
    if seen:
        return Finding("torch", "fine", f"{build}, keys on {seen}")
    if names and not built_for:
        fix = "Run `python3 run.py --reinstall doctor`: it installs the CUDA build."
        return Finding("torch", "problem", f"{build} is a CPU build, but there is a card: {names}", fix)
    if names:
        fix = "Update the NVIDIA driver, then run `python3 run.py --reinstall doctor`."
        return Finding("torch", "problem", f"{build} cannot use the card: {names}", fix)
    if apple:
        return Finding("torch", "fine", f"{build}, keys on the Apple GPU")
    if device in ("cuda", "mps"):
        fix = 'Set device = "auto" in dropkey.toml, or install the driver of the card.'
        return Finding("torch", "problem", f"{build} finds no '{device}' device, which the settings ask for", fix)
    return Finding(
        "torch", "note", f"{build}, no card: keys on the CPU", "With an NVIDIA card and its driver, keying runs there."
    )


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Whether home, drop and output folders can be used as they must be."""
    for name, folder, writes in (
        ("home folder", settings.home, True),
        *(("drop folder", root, False) for root in settings.roots),
        ("output folder", settings.output, True),
    ):
        yield _judge_folder(name, folder, writes=writes)
    for root, output in swallowed_drop_folders(settings).items():
        fix = "Give each a folder of its own: output_root and drop_folders in dropkey.toml."
        yield Finding("drop folder", "problem", f"{root} lies in the output folder {output}: no shot is taken", fix)
    for root in settings.roots:
        yield from _judge_names(root)


def _judge_names(root: Path) -> Iterator[Finding]:
    """Find names in a drop folder, and in its folders, of which no shot can be made."""
    inside = (found for found in sorted(root.glob("*"))[:1000] if found.is_dir())
    for folder in (root, *inside):
        if odd := unreadable_in(folder):
            yield Finding("drop folder", "problem", f"names in {folder} are not UTF-8: {', '.join(odd[:5])}", RENAME)


def _judge_folder(name: str, folder: Path, *, writes: bool) -> Finding:
    place = _nearest_existing(folder)
    if not place.is_dir():
        return Finding(name, "problem", f"{place} is a file", f"Move it away, or choose another {name}.")
    if not os.access(place, os.R_OK | os.X_OK):
        return Finding(name, "problem", f"{place} cannot be read", "Give your user the right to read it.")
    if writes or place != folder:
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".dropkey-doctor-"):
                pass
        except OSError as error:
            if is_full(error):
                told = write_error(error, place / "file")
                return Finding(name, "problem", told.message, told.fix)
            fix = f"Give your user the right to write into {place}, or choose another {name}."
            return Finding(name, "problem", f"{folder} cannot be written: {error.strerror}", fix)
    if name == "home folder" and place == folder and others_may_write(folder):
        fix = "Take that right from them (chmod go-w), as the service does at its next start if the disk keeps rights."
        return Finding(name, "note", f"others may write into {folder}, and so replace token and settings", fix)
    return Finding(name, "fine", str(folder) if place == folder else f"{folder} (made at the first start)")


def check_space(settings: Settings) -> Iterator[Finding]:
    """Room on the disks of home and output."""
    for name, folder in (("space, home", settings.home), ("space, output", settings.output)):
        free = shutil.disk_usage(_nearest_existing(folder)).free / 2**30
        text = f"{free:.1f} GiB free"
        if free < settings.minimum_free_gib:
            fix = (
                f"Make room, or set output_root to another disk: below {settings.minimum_free_gib:g} GiB keying waits."
            )
            yield Finding(name, "problem", text, fix)
        elif free < COMFORTABLE_GIB:
            yield Finding(name, "note", text, "A minute of HD as float32 EXR takes several GiB.")
        else:
            yield Finding(name, "fine", text)


def check_port(settings: Settings) -> Iterator[Finding]:
    """Whether the port is free, or our own service holds it."""
    discovery = read_discovery(settings)
    if discovery is not None:
        try:
            alive = httpx.get(f"{discovery.url}/health/live", timeout=5.0, trust_env=False).is_success
        except httpx.HTTPError:
            alive = False
        if alive:
            other = other_version(discovery)
            text = f"runs at {discovery.url} (process {discovery.pid})"
            yield Finding("service", "note" if other else "fine", text, other)
            return
        fix = f"End process {discovery.pid} if it is DropKey and hangs, then start the service again."
        yield Finding("service", "problem", f"{discovery.url} does not answer, though it should", fix)
        return
    if settings.port == 0:
        yield Finding("port", "fine", "any free one")
        return
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            fix = "End the program that holds it, or choose another: `dropkey serve --port 8766`."
            yield Finding("port", "problem", f"{settings.host}:{settings.port} is taken: {error.strerror}", fix)
            return
    yield Finding("port", "fine", f"{settings.host}:{settings.port} is free")


def check_watching(settings: Settings) -> Iterator[Finding]:
    """How the running service, if there is one, watches its drop folders."""
    discovery = read_discovery(settings)
    if discovery is None:
        return
    try:
        token = read_token(discovery.token_file)
        headers = {"Authorization": f"Bearer {token}"}
        # While anything is wrong it answers 503, and tells as much.
        told = httpx.get(f"{discovery.url}/health/ready", headers=headers, timeout=5.0, trust_env=False).json()
    except (OSError, ValueError, Misconfigured, httpx.HTTPError):
        return  # `check_port` tells that it does not answer
    for name, check in (told.get("checks") or {}).items():
        if name.startswith("drop folder"):
            fix = "" if check["ok"] else "See to its disk or share, and to the service's log."
            yield Finding(f"watching, {name}", "fine" if check["ok"] else "problem", check.get("detail", ""), fix)


def check_pictures(_settings: Settings) -> Iterator[Finding]:
    """The libraries that decode and write pictures."""
    versions = {name: importlib.metadata.version(name) for name in ("OpenEXR", "OpenImageIO", "opencolorio", "av")}
    text = ", ".join(f"{name} {version}" for name, version in versions.items())
    if _numbers(versions["OpenEXR"]) < OPENEXR_MINIMUM:
        fix = "Run `python3 run.py --reinstall doctor`: older ones have known holes that a hostile EXR can use."
        yield Finding("pictures", "problem", text, fix)
    else:
        yield Finding("pictures", "fine", text)


def check_database(_settings: Settings) -> Iterator[Finding]:
    """SQLite."""
    version = sqlite3.sqlite_version_info
    sound = version >= SQLITE_SOUND_WAL[-1] or any(
        version[:2] == fixed[:2] and version >= fixed for fixed in SQLITE_SOUND_WAL
    )
    mode = "write-ahead log" if sound else "rollback journal, as this version's write-ahead log has a known fault"
    yield Finding("database", "fine", f"SQLite {sqlite3.sqlite_version}, {mode}")


def check_limits(settings: Settings) -> Iterator[Finding]:
    """Limits of the system on open files and watched folders."""
    if os.name == "posix":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < FEW_FILES:
            yield Finding("open files", "problem", f"at most {soft}", f"Raise it: `ulimit -n {min(4096, hard)}`.")
        else:
            yield Finding("open files", "fine", f"at most {soft}")
    watches = Path("/proc/sys/fs/inotify/max_user_watches")
    if settings.watch != "poll" and watches.exists():
        number = int(watches.read_text(encoding="ascii"))
        if number < FEW_WATCHES:
            fix = (
                f"Raise it: `sudo sysctl fs.inotify.max_user_watches={FEW_WATCHES * 16}`; until then scans find shots."
            )
            yield Finding("watched folders", "note", f"at most {number}", fix)
        else:
            yield Finding("watched folders", "fine", f"at most {number}")
    yield Finding("memory", "fine", f"{psutil.virtual_memory().total / 2**30:.1f} GiB, {psutil.cpu_count()} CPU cores")


def check_prefixes(settings: Settings) -> Iterator[Finding]:
    """The folders that other machines name differently."""
    for entry in settings.prefix_map:
        text = f"{entry.theirs} is {entry.ours}"
        if entry.ours.is_dir():
            yield Finding("prefix map", "fine", text)
        else:
            yield Finding("prefix map", "problem", f"{text}, which is not there", "Mount it, or correct prefix_map.")


# ---- asking the system


def _ask(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=120, check=False, text=True, encoding="utf-8", errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
