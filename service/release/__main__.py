"""`python3 run.py release`: fills `dist` with what a download page needs; the same sources, the same bytes."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path

from service.panel_bundle import NAME, bundle
from service.release.sbom import bill_of_materials
from service.release.zips import PLATFORMS, ROOT, content, uv_of, write_zip

DIST = ROOT / "dist"
_SECTION = re.compile(r"^## (\d+\.\d+\.\d+) – (\d{4}-\d{2}-\d{2})\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def notes_of(version: str, changelog: str) -> tuple[datetime, str]:
    """Return when a version was released and what changed with it. Raises SystemExit where the changelog lacks it."""
    for number, date, text in _SECTION.findall(changelog):
        if number == version:
            return datetime.fromisoformat(date).replace(tzinfo=UTC), text.strip()
    raise SystemExit(f"CHANGELOG.md has no section “## {version} – YYYY-MM-DD”: cut it out of Unreleased first.")


def release(folder: Path = DIST) -> list[Path]:
    """Build everything anew into ``folder``; returns the files."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    released, notes = notes_of(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise SystemExit(f"wheel and sdist cannot be built:\n{built.stdout}{built.stderr}")
    (wheel,) = folder.glob("*.whl")
    uv = installed_version("uv")
    for platform in PLATFORMS:
        write_zip(folder / f"DropKey-{version}-{platform}.zip", content(platform, wheel, uv_of(platform, uv)))
    _write(folder / NAME, bundle(release=version))
    _write(folder / f"dropkey-{version}.cdx.json", bill_of_materials(version, released))
    _write(folder / "RELEASE-NOTES.md", f"# DropKey {version}\n\n{notes}\n")
    files = sorted(folder.iterdir())
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    _write(folder / "SHA256SUMS", sums)
    return [*files, folder / "SHA256SUMS"]


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    for made in release():
        sys.stdout.write(f"{made.stat().st_size / 2**20:8.1f} MiB  {made.relative_to(ROOT)}\n")
