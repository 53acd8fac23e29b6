"""One zip per platform: unpack it, double-click the starter. It brings uv, which brings Python and the libraries."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
STARTERS = Path(__file__).with_name("starters")
# What uv's wheels are called (PyPI), its program, and what is double-clicked. torch has no builds for Intel Macs.
PLATFORMS = {
    "windows": ("win_amd64", "uv.exe", ("DropKey.cmd",)),
    "macos": ("macosx_11_0_arm64", "uv", ("DropKey.command", "dropkey.sh")),
    "linux": ("manylinux2014_x86_64", "uv", ("dropkey.desktop", "dropkey.sh")),
}
_READ_ME = """Double-click {starter}.

The first start takes minutes: it brings what DropKey needs into this folder (2 GB; with an NVIDIA card 8 GB), and says
what it does. Then DropKey's page opens, and says the rest.

Other commands: {starter} --help
The newest version: {starter} update
To be rid of it: {starter} uninstall
"""


def uv_of(platform: str, version: str) -> dict[str, bytes]:
    """Return uv's program for a platform, and its licenses, out of its wheel."""
    tag, program, _ = PLATFORMS[platform]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--platform", tag, "--dest", folder, f"uv=={version}"], check=True)
        (wheel,) = Path(folder).glob("uv-*.whl")
        with zipfile.ZipFile(wheel) as file:
            names = file.namelist()
            found = {program: file.read(next(name for name in names if name.endswith(f"/scripts/{program}")))}
            for name in names:
                if "/licenses/" in name:
                    found[f"licenses/uv/{name.rpartition('/')[2]}"] = file.read(name)
    return found


def content(platform: str, wheel: Path, uv: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a platform's zip by name."""
    starters = PLATFORMS[platform][2]
    files = {wheel.name: wheel.read_bytes(), **uv}
    for name in ("run.py", "LICENSE", "NOTICE"):
        files[name] = (ROOT / name).read_bytes()
    for name in starters:
        files[name] = (STARTERS / name).read_bytes()
    files["READ ME FIRST.txt"] = _READ_ME.format(starter=starters[0]).encode()
    if platform == "windows":
        for name in (*starters, "READ ME FIRST.txt"):
            files[name] = files[name].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return files


def write_zip(target: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` in one folder: same files, same bytes. What is to be started may be executed."""
    started = {"uv", *(name for _, _, names in PLATFORMS.values() for name in names)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"DropKey/{name}", (2020, 2, 2, 0, 0, 0))
            entry.create_system = 3  # unix: its modes count
            entry.external_attr = (0o100755 if name in started else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            file.writestr(entry, files[name])
