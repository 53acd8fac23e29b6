"""Finds an interpreter that has Blender's package ``bpy``, and runs Blender in a process of its own.

``bpy`` for Python 3.11 asks for numpy below 2, DropKey for numpy 2: so it may live in another environment.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "DROPKEY_BLENDER_PYTHON"
"""Names the interpreter; unset: this one."""


def unavailable() -> str:
    """Say why Blender cannot run here, as the rest of "not available here: …"; empty where its package is at hand."""
    named = os.environ.get(VARIABLE)
    if named:
        return "" if Path(named).is_file() else f"{VARIABLE} names {named}, which does not exist"
    if importlib.util.find_spec("bpy"):
        return ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"this Python {version} has no bpy. Its wheels exist for Python 3.11 (bpy 5.0) and 3.13 (bpy 5.2); "
        f"install one, or name an interpreter that has it in {VARIABLE} (docs/score.md says how)"
    )


def run(arguments: list[str], *, folder: Path, result: Path, deadline_seconds: float) -> None:
    """Run the interpreter with ``arguments`` in ``folder``; raises RuntimeError with Blender's last words.

    Blender may end with 0 without having done anything, so ``result`` must be there afterwards.
    """
    done = subprocess.run(
        [os.environ.get(VARIABLE) or sys.executable, "-s", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=deadline_seconds,
        check=False,
    )
    if done.returncode or not result.is_file():
        raise RuntimeError(f"Blender ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
