"""Runs every check of the project, in the environment that calls it: `python3 run.py test`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
# As many as a small machine has cores; more would starve the services that tests start, whose workers give way to all.
WORKERS = "2"


def check_commands(pytest_arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return every check by name."""
    python = sys.executable
    return {
        "formatting": [python, "-m", "ruff", "format", "--check", "."],
        "ruff": [python, "-m", "ruff", "check", "."],
        "mypy": [python, "-m", "mypy"],
        "imports": [str(Path(python).with_name("lint-imports.exe" if sys.platform == "win32" else "lint-imports"))],
        "pytest": [python, "-m", "pytest", "-n", WORKERS, "--dist", "worksteal", *pytest_arguments],
    }


def run_checks(commands: dict[str, list[str]]) -> int:
    """Run every check, also after one failed, sum up, and return the first bad exit code."""
    codes = {}
    for name, command in commands.items():
        print(f"$ {subprocess.list2cmdline(command)}", flush=True)
        codes[name] = wait(subprocess.Popen(command, cwd=ROOT))
        if codes[name] == 130:
            break
    print("\n" + "   ".join(f"{name}: {'passed' if code == 0 else f'FAILED ({code})'}" for name, code in codes.items()))
    return next((code for code in codes.values() if code), 0)


def wait(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code. Ctrl-C reaches the check as well: it decides how to end, we wait for it."""
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(run_checks(check_commands(sys.argv[1:])))
