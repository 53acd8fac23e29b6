"""`dropkey update`: a newer version from an index that lies here is taken, and one that does not work is put back."""

from __future__ import annotations

import hashlib
import os
import shutil
import site
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from service.client import Client
from service.discovery import Discovery, read_discovery
from service.settings import Settings
from service.updating import notes_since
from tests.service.running import until
from tests.service.serving import CHOICES, PATIENCE
from tests.wheels import NEWER, OURS, ROOT, light, newer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the update goes on in a window of its own")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This version as a wheel."""
    return light(tmp_path_factory.mktemp("released"))


class Installed:
    """DropKey in an environment of its own: the libraries are those of the tests, the index is a folder."""

    def __init__(self, place: Path, wheel: Path, environment: Path) -> None:
        self.place, self.index, self.home = place, place / "index", place / "home"
        self.index.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        self.python = environment / "bin" / "python"
        (packages,) = environment.glob("lib/python*/site-packages")
        (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
        for inherited in site.getsitepackages():  # a checkout's own environment may hold such a file, too
            for file in Path(inherited).glob("*.pth"):
                lines = [x for x in file.read_text(encoding="utf-8").splitlines() if Path(x).name == "site-packages"]
                (packages / f"inherited-{file.name}").write_text("\n".join(lines), encoding="utf-8")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DROPKEY_", "PIP_", "PYTHON"))
        }
        self.known = (
            kept | CHOICES | {"DROPKEY_HOME": str(self.home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        )
        self.known["XDG_CONFIG_HOME"] = str(place / "config")
        self.call("-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
        self.packages = packages

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), *arguments], cwd=self.place, env=self.known, capture_output=True, text=True, check=False
        )

    def dropkey(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("-m", "service.cli", *arguments)

    def running(self) -> Discovery | None:
        return read_discovery(Settings(home=self.home))

    def jobs(self) -> list[str]:
        with Client.of_running(Settings(home=self.home)) as client:
            return [job.id for job in client.jobs()]

    def version(self) -> str:
        return self.dropkey("--version").stdout.strip().removeprefix("dropkey ")


@pytest.fixture
def installed(tmp_path: Path, released: Path) -> Iterator[Installed]:
    made = Installed(tmp_path, released, tmp_path / "env")
    assert made.version() == OURS
    yield made
    if (left := made.running()) is not None:
        psutil.Process(left.pid).kill()


@pytest.mark.timeout(300)
def test_a_newer_version_is_shown_with_its_notes_and_taken_and_jobs_go_on_in_it(
    installed: Installed, released: Path
) -> None:
    newer(released, installed.index)
    shown = installed.dropkey("update", "--check")
    assert NEWER in shown.stdout and "Something new." in shown.stdout and "Old." not in shown.stdout, shown.stderr
    waiting = installed.home / "drop" / "hero"
    waiting.mkdir(parents=True)
    (waiting / "hero.0001.png").write_bytes(b"no picture")
    assert installed.dropkey("start").returncode == 0
    old = installed.running()
    assert old is not None and old.version == OURS
    job = until(installed.jobs, "the shot is a job", PATIENCE)[0]
    done = installed.dropkey("update", "--yes")
    assert done.returncode == 0 and "its jobs go on" in done.stdout, done.stdout + done.stderr
    new = installed.running()
    assert new is not None and new.version == NEWER and new.pid != old.pid
    assert installed.jobs() == [job]
    installed.dropkey("stop")
    assert not (installed.place / "env.before").exists()
    assert "is the newest" in installed.dropkey("update", "--yes").stdout


@pytest.mark.timeout(300)
def test_a_version_whose_doctor_fails_is_put_back_and_the_service_started_again(
    installed: Installed, released: Path
) -> None:
    newer(released, installed.index, **{"service/doctor.py": "raise RuntimeError('broken on purpose')\n"})
    before = snapshot(installed.packages)
    assert installed.dropkey("start").returncode == 0
    done = installed.dropkey("update", "--yes")
    assert done.returncode == 1 and "was not taken" in done.stdout, done.stdout + done.stderr
    assert "broken on purpose" in done.stdout
    assert snapshot(installed.packages) == before and not (installed.place / "env.before").exists()
    found = installed.running()
    assert found is not None and found.version == OURS
    installed.dropkey("stop")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_version_of_which_nothing_starts_is_put_back(installed: Installed, released: Path) -> None:
    newer(released, installed.index, **{"service/cli/__init__.py": "import nothing_of_that_name\n"})
    done = installed.dropkey("update", "--yes")
    assert done.returncode == 1 and "nothing_of_that_name" in done.stdout, done.stdout + done.stderr
    assert installed.version() == OURS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_unpacked_release_takes_the_wheel_of_a_release_and_its_run_py(tmp_path: Path, released: Path) -> None:
    release = tmp_path / "Drop Key"
    release.mkdir()
    shutil.copy2(released, release)
    shutil.copy2(ROOT / "run.py", release)
    installed = Installed(tmp_path, released, release / ".venv")
    setup = (ROOT / "run.py").read_text(encoding="utf-8")
    renewed = {"service/run.py": f"{setup}\n# newer\n"}
    broken = newer(released, tmp_path / "broken", **renewed | {"service/doctor.py": "raise RuntimeError('broken')\n"})
    done = installed.dropkey("update", str(zipped(broken)), "--yes")
    assert done.returncode == 1 and "was not taken" in done.stdout, done.stdout + done.stderr
    assert installed.version() == OURS and [file.name for file in release.glob("*.whl")] == [released.name]
    assert (release / "run.py").read_text(encoding="utf-8") == setup
    wheel = newer(released, tmp_path / "better", **renewed)
    done = installed.dropkey("update", str(zipped(wheel)), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed.version() == NEWER and [file.name for file in release.glob("*.whl")] == [wheel.name]
    assert (release / "run.py").read_text(encoding="utf-8") == renewed["service/run.py"]


def zipped(wheel: Path) -> Path:
    """Put a wheel into a zip as a release holds it."""
    download = wheel.with_name("DropKey-99.1.0-linux.zip")
    with zipfile.ZipFile(download, "w") as file:
        file.write(wheel, f"DropKey/{wheel.name}")
    return download


def test_notes_are_those_of_the_versions_between() -> None:
    changes = "## 0.10.0 – 2027-01-01\n\n- c\n\n## 0.3.0 – 2026-12-01\n\n- b\n\n## 0.2.0 – 2026-11-30\n\n- a\n"
    assert notes_since(changes, "0.2.0") == "## 0.10.0\n\n- c\n\n## 0.3.0\n\n- b"


def test_an_index_without_us_and_another_project_of_our_name_are_told_before_anything_is_installed(
    installed: Installed,
) -> None:
    assert "The index has no DropKey" in installed.dropkey("update", "--yes").stderr
    with zipfile.ZipFile(installed.index / f"dropkey-{NEWER}-py3-none-any.whl", "w") as file:
        info = f"dropkey-{NEWER}.dist-info"
        file.writestr("dropkey.py", "")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: dropkey\nVersion: {NEWER}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    done = installed.dropkey("update", "--yes")
    assert done.returncode != 0 and "is not DropKey" in done.stderr
    assert installed.version() == OURS


def test_a_checkout_is_told_to_update_its_sources(
    dropkey: Callable[..., object], released: Path, tmp_path: Path
) -> None:
    done = dropkey("update", newer(released, tmp_path), "--yes")
    assert done.exit_code == 2 and "git pull" in done.stderr  # type: ignore[attr-defined]


def snapshot(packages: Path) -> dict[str, str]:
    return {
        str(file.relative_to(packages)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in packages.rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
