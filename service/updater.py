"""Changes DropKey's environment from outside it, and puts the old one back unless the new one passes `doctor`.

Run as a file by the Python below the environment, with a plan as JSON: it imports nothing but the standard library, as
all else is what it exchanges.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 60.0
_SMALL_BYTES = 2**20  # such files at an environment's top are written in place, by pip, pipx or uv


class Failed(Exception):
    """Why the new version is not taken."""


def update(plan: dict[str, Any], say: Callable[[str], None] = print) -> int:
    """Carry out ``plan``: environment, files to lay, commands, python, problems known before, commands afterwards."""
    environment, log = Path(plan["environment"]), Path(plan["log"])
    before = environment.with_name(f"{environment.name}.before")
    lays = {Path(target): Path(source) for target, source in plan["lay"].items()}
    gone = [Path(file) for file in plan["remove"]]
    log.parent.mkdir(parents=True, exist_ok=True)
    _wait_for(plan["wait_for"])
    _step(say, "keeping what is installed", lambda: keep(environment, before, [*lays, *gone]))
    failure, code = "", 1
    try:
        exchange(lays, gone)
        for name, command in plan["commands"]:
            _step(say, name, lambda command=command: run(command, log))  # type: ignore[misc]
        _step(say, "doctor looks at it", lambda: examine(plan["python"], plan["problems"], log))
        code = 0
    except (Failed, OSError) as error:
        failure = str(error)
        _step(say, "putting back what was installed", lambda: put_back(environment, before, lays))
    for command in plan["afterwards"]:
        with suppress(Failed, OSError):
            run(command, log)
    if code:
        say(f"DropKey {plan['new']} was not taken: {failure}\n{plan['old']} is installed as before. Log: {log}")
    else:
        _remove(before)
        say(f"DropKey {plan['new']} is installed.")
    return code


def keep(environment: Path, before: Path, files: Sequence[Path]) -> None:
    """Copy the environment beside itself, by links where the disk has them, and the files that will be exchanged."""
    _remove(before)
    shutil.copytree(environment, before / "environment", symlinks=True, copy_function=_link)
    for number, file in enumerate(sorted(set(files))):
        if file.exists():
            kept = before / "files" / str(number)
            kept.mkdir(parents=True)
            shutil.copy2(file, kept / file.name)
            (kept / "place").write_text(str(file.parent), encoding="utf-8")


def put_back(environment: Path, before: Path, laid: Sequence[Path] | dict[Path, Path]) -> None:
    """Return to what `keep` kept."""
    for file in laid:
        file.unlink(missing_ok=True)
    _remove(environment)
    _patiently(lambda: os.replace(before / "environment", environment))
    for place in (before / "files").glob("*/place"):
        for file in place.parent.iterdir():
            if file != place:
                shutil.copy2(file, Path(place.read_text(encoding="utf-8")) / file.name)
    _remove(before)


def exchange(lays: dict[Path, Path], gone: Sequence[Path]) -> None:
    """Take files away, and lay others."""
    for file in gone:
        file.unlink(missing_ok=True)
    for target, source in lays.items():
        shutil.copy2(source, target)


def run(command: Sequence[str], log: Path) -> None:
    """Run a command, its words into the log. Raises Failed."""
    with log.open("ab") as words:
        words.write(f"$ {subprocess.list2cmdline(command)}\n".encode())
        words.flush()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, check=False)
    if done.returncode:
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        told = [line for line in lines if "error" in line.casefold()] or lines
        raise Failed(told[-1] if told else f"{command[0]} ended with {done.returncode}.")


def examine(python: str, known: Sequence[str], log: Path) -> None:
    """Let the new version's `doctor` look at the machine. Raises Failed where it finds what the old one did not."""
    command = [python, "-m", "service.cli", "doctor", "--json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    with log.open("ab") as words:
        words.write(done.stdout + done.stderr)
    try:
        findings = json.loads(done.stdout)
    except ValueError:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-400:]
        raise Failed(f"doctor cannot run: {said or 'it says nothing'}") from None
    new = [found for found in findings if found["verdict"] == "problem" and found["name"] not in known]
    if new:
        raise Failed("; ".join(f"{found['name']}: {found['message']}" for found in new))


def _link(source: str, target: str) -> str:
    top = Path(source)
    if top.stat().st_size < _SMALL_BYTES and "site-packages" not in top.parts:
        return str(shutil.copy2(source, target))
    try:
        os.link(source, target)
    except OSError:
        return str(shutil.copy2(source, target))
    return target


def _remove(folder: Path) -> None:
    if folder.exists():
        _patiently(lambda: shutil.rmtree(folder))


def _patiently(act: Callable[[], None]) -> None:
    """Try again while Windows holds files of programs that are ending."""
    deadline = time.monotonic() + (_PATIENCE_SECONDS if os.name == "nt" else 0.0)
    while True:
        try:
            return act()
        except OSError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.5)


def _wait_for(process: int | None) -> None:
    """Wait for the end of the command that called us: on Windows it holds files of the environment."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x00100000, False, process or 0)  # SYNCHRONIZE
        if handle:
            kernel.WaitForSingleObject(handle, int(_PATIENCE_SECONDS * 1000))
            kernel.CloseHandle(handle)


def _step(say: Callable[[str], None], name: str, act: Callable[[], None]) -> None:
    say(f"  {name} …")
    began = time.monotonic()
    act()
    seconds = time.monotonic() - began
    say(f"    {seconds // 60:.0f}:{seconds % 60:02.0f}")


if __name__ == "__main__":
    ended = update(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    if sys.platform == "win32":
        input("Press Enter to close this window.")
    sys.exit(ended)
