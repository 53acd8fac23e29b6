"""Wheels of DropKey as tests want them: light, and the same with a higher number and changed files."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS, NEWER = version("dropkey"), "99.1.0"
NOTES = f"# Changes\n\n## {NEWER} – 2030-01-01\n\n### Added\n\n- Something new.\n\n## {OURS} – 2026-11-30\n\n- Old.\n"


def build(folder: Path, *what: str, sources: Path = ROOT) -> Path:
    """Build the wheel of ``sources`` into ``folder``."""
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(folder), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def index() -> dict[str, str]:
    """Let uv look where pip was told to look."""
    links = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"], capture_output=True, text=True, check=False
    ).stdout.strip()
    found = os.environ.get("PIP_FIND_LINKS") or links
    return dict(os.environ) | ({"UV_FIND_LINKS": found} if found else {})


def light(folder: Path) -> Path:
    """Build this version without weights and pictures: nothing is keyed with it."""
    copy = folder / "sources"
    copy.mkdir()
    heavy = shutil.ignore_patterns("*.safetensors", "images", "__pycache__", "node_modules")
    kept = ("service", "model", "ae_scripts", "docs", "pyproject.toml", "run.py", "README.md", "CHANGELOG.md")
    for name in (*kept, "LICENSE", "NOTICE"):
        place = ROOT / name
        shutil.copytree(place, copy / name, ignore=heavy) if place.is_dir() else shutil.copy2(place, copy / name)
    return build(folder, "--wheel", sources=copy)


def newer(wheel: Path, index: Path, **changed: str) -> Path:
    """Lay the same with a higher number, its notes, and ``changed`` files into an index."""
    held: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as file:
        for name in file.namelist():
            renamed = name.replace(f"dropkey-{OURS}.dist-info", f"dropkey-{NEWER}.dist-info")
            held[renamed] = file.read(name)
    metadata = f"dropkey-{NEWER}.dist-info/METADATA"
    held[metadata] = held[metadata].replace(f"Version: {OURS}".encode(), f"Version: {NEWER}".encode(), 1)
    held["service/docs/CHANGELOG.md"] = NOTES.encode()
    held |= {name: text.encode() for name, text in changed.items()}
    record = f"dropkey-{NEWER}.dist-info/RECORD"
    held.pop(record)
    lines = io.StringIO()
    for name, content in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.write(f"{name},sha256={digest},{len(content)}\n")
    lines.write(f"{record},,\n")
    index.mkdir(exist_ok=True)
    target = index / f"dropkey-{NEWER}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as file:
        for name, content in (held | {record: lines.getvalue().encode()}).items():
            file.writestr(name, content)
    return target
