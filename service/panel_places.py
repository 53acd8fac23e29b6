"""Where After Effects looks for this user's panels, and putting ours there."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from service.atomic import replace_file
from service.panel_bundle import NAME

PANELS = ("Scripts", "ScriptUI Panels")


def panel_folders(platform: str = sys.platform, environment: dict[str, str] | None = None) -> list[Path]:
    """Return the user's panel folder of every After Effects that was started here once, oldest first."""
    known = dict(os.environ) if environment is None else environment
    if platform == "win32":
        roots = [Path(known["APPDATA"]) / "Adobe" / "After Effects"] if "APPDATA" in known else []
    elif platform == "darwin":
        roots = [Path(known.get("HOME", "~")).expanduser() / "Library" / "Preferences" / "Adobe" / "After Effects"]
    else:
        roots = []
    versions = [folder for root in roots if root.is_dir() for folder in root.iterdir() if folder.is_dir()]
    numbered = [folder for folder in versions if re.fullmatch(r"\d+(\.\d+)*", folder.name)]
    return [folder.joinpath(*PANELS) for folder in sorted(numbered, key=_version_number)]


def _version_number(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))


def put_panel(folder: Path, text: str) -> Path:
    """Lay the panel into ``folder``, which is made where it is missing; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / NAME, text.encode())
    return folder / NAME
