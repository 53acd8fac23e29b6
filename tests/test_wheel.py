"""The wheel holds all that users need, twice the same bytes; in a fresh environment it does the main job."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.wheels import build


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"), "--wheel")


def test_the_wheel_holds_panel_docs_licenses_and_weights_but_no_tool_of_ours(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        panel = file.read("service/DropKey.jsx").decode("ascii")
        metadata = next(name for name in held if name.endswith("dist-info/METADATA"))
        version = re.search(r"^Version: (.+)$", file.read(metadata).decode(), re.MULTILINE)
    assert version and f'PANEL_VERSION = "{version[1]}"' in panel
    wanted = {"service/docs/README.md", "service/docs/install.md", "service/docs/images/demo.jpg"}
    wanted |= {f"{metadata.rpartition('/')[0]}/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    wanted |= {"model/weights/neural.safetensors", "service/web/index.html", "service/store/migrations/env.py"}
    assert wanted - held == set()
    assert [name for name in held if name.startswith(("tests/", "service/release", "run.py"))] == []


def test_it_is_the_same_bytes_whenever_it_is_built(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path, "--wheel").read_bytes() == wheel.read_bytes()


class Installed:
    """DropKey in an environment of its own, called from a folder that is no checkout."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self.folder = program, folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DROPKEY_", "PYTHON"))}
        known = kept | {"DROPKEY_HOME": str(self.folder / "home"), "DROPKEY_DEVICE": "cpu"}
        return subprocess.run(
            [str(self._program), *arguments], capture_output=True, text=True, cwd=self.folder, env=known
        )


def index() -> dict[str, str]:
    """Let uv look where pip was told to look."""
    links = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.find-links"], capture_output=True, text=True
    ).stdout.strip()
    found = os.environ.get("PIP_FIND_LINKS") or links
    return dict(os.environ) | ({"UV_FIND_LINKS": found} if found else {})


def with_pip(wheel: Path, folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(wheel), "torch"], check=True)
    return python.with_name("dropkey")


def with_uv(wheel: Path, folder: Path) -> Path:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    command = ["-m", "uv", "tool", "install", "--python", sys.executable, str(wheel)]
    subprocess.run([sys.executable, *command], check=True, env=index() | places)
    return folder / "bin" / "dropkey"


def with_pipx(wheel: Path, folder: Path) -> Path:
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    command = [sys.executable, "-m", "pipx", "install", "--python", sys.executable, str(wheel)]
    subprocess.run(command, check=True, env=dict(os.environ) | places)
    return folder / "bin" / "dropkey"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name == "nt", reason="the paths of another system")
@pytest.mark.parametrize("way", [with_pip, with_uv, with_pipx], ids=["pip", "uv tool", "pipx"])
def test_a_fresh_environment_does_the_main_job(wheel: Path, tmp_path: Path, way: object) -> None:
    assert callable(way)
    dropkey = Installed(way(wheel, tmp_path), tmp_path)
    demo = dropkey("demo", "--frames", "3", "--output", "out")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert list((tmp_path / "out").rglob("manifest.json"))
    panels = tmp_path / "panels"
    assert dropkey("panel", "install", "--folder", str(panels)).returncode == 0
    assert (panels / "DropKey.jsx").stat().st_size > 100_000
    page = Path(dropkey("docs", "install", "--print").stdout.strip())
    assert page.is_file()
    doctor = dropkey("doctor")
    assert "run.py" not in doctor.stdout, "there is none here"
