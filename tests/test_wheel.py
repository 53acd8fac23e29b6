"""The wheel holds all that users need, twice the same bytes; in a fresh environment it does the main job."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from tests.wheels import NEWER, build, index, newer

MOST_ERROR = 0.01  # of the demo's alpha, as the checkout has it


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

    def __init__(self, program: Path, folder: Path, places: dict[str, str]) -> None:
        self._program, self.folder = program, folder
        kept = {name: value for name, value in index().items() if not name.startswith(("DROPKEY_", "PYTHON"))}
        self._known = kept | places | {"DROPKEY_HOME": str(folder / "home"), "DROPKEY_DEVICE": "cpu"}
        self._known["PATH"] = os.pathsep.join((str(Path(uv.find_uv_bin()).parent), kept["PATH"]))

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._program), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=self._known, check=False)


def with_pip(wheel: Path, folder: Path) -> Installed:
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(wheel), "torch"], check=True)
    return Installed(python.with_name("dropkey"), folder, {})


def with_uv(wheel: Path, folder: Path) -> Installed:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    command = ["-m", "uv", "tool", "install", "--python", sys.executable, str(wheel)]
    subprocess.run([sys.executable, *command], check=True, env=index() | places)
    return Installed(folder / "bin" / "dropkey", folder, places)


def with_pipx(wheel: Path, folder: Path) -> Installed:
    places = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    command = [sys.executable, "-m", "pipx", "install", "--python", sys.executable, str(wheel)]
    subprocess.run(command, check=True, env=dict(os.environ) | places)
    return Installed(folder / "bin" / "dropkey", folder, places)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name == "nt", reason="the paths of another system")
@pytest.mark.parametrize("way", [with_pip, with_uv, with_pipx], ids=["pip", "uv tool", "pipx"])
def test_a_fresh_environment_does_the_main_job_and_updates_itself(
    wheel: Path, tmp_path: Path, way: Callable[[Path, Path], Installed]
) -> None:
    dropkey = way(wheel, tmp_path)
    demo = dropkey("demo", "--frames", "3", "--output", "out")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    error = re.search(r"Alpha error: (\S+)", demo.stdout)
    assert error and float(error[1]) < MOST_ERROR, demo.stdout
    panels = tmp_path / "panels"
    assert dropkey("panel", "install", "--folder", str(panels)).returncode == 0
    assert (panels / "DropKey.jsx").stat().st_size > 100_000
    page = Path(dropkey("docs", "install", "--print").stdout.strip())
    assert page.is_file()
    assert "run.py" not in dropkey("doctor").stdout, "there is none here"
    torch = build_of_torch(dropkey)
    done = dropkey("update", str(newer(wheel, tmp_path / "index")), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert NEWER in dropkey("--version").stdout
    assert build_of_torch(dropkey) == torch, "the build of torch is that which was there"


def build_of_torch(dropkey: Installed) -> str:
    findings = json.loads(dropkey("doctor", "--json").stdout)
    return next(str(found["message"]) for found in findings if found["name"] == "torch")
