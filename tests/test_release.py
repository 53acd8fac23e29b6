"""What `run.py release` makes: zips that start without a Python, a bill of materials that fits its schema, notes."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uv
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.version import Version

from service.client import Client
from service.release.__main__ import notes_of, release
from service.release.sbom import bill_of_materials
from service.release.zips import PLATFORMS, content, write_zip
from service.settings import Settings
from tests.service.running import until
from tests.service.serving import CHOICES
from tests.wheels import build, index

ROOT = Path(__file__).parent.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
DAY = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    file = tmp_path / f"dropkey-{VERSION}-py3-none-any.whl"
    file.write_bytes(b"a wheel")
    return file


def made(platform: str, wheel: Path, program: bytes = b"uv") -> Path:
    target = wheel.with_name(f"{platform}.zip")
    write_zip(target, content(platform, wheel, {PLATFORMS[platform][1]: program, "licenses/uv/LICENSE-MIT": b"MIT"}))
    return target


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_zip_holds_its_starter_uv_wheel_and_licenses_and_is_the_same_bytes_again(platform: str, wheel: Path) -> None:
    first = made(platform, wheel).read_bytes()
    assert made(platform, wheel).read_bytes() == first
    with zipfile.ZipFile(wheel.with_name(f"{platform}.zip")) as file:
        held = {name.removeprefix("DropKey/"): file.getinfo(name) for name in file.namelist()}
        _, program, starters = PLATFORMS[platform]
        assert {program, *starters, wheel.name, "run.py", "LICENSE", "NOTICE", "READ ME FIRST.txt"} <= set(held)
        for name in (*starters, *(["uv"] if platform != "windows" else [])):
            assert held[name].external_attr >> 16 & 0o111 == 0o111, f"{name} could not be started"
        if platform == "windows":
            text = file.read("DropKey/DropKey.cmd")
            assert text.count(b"\r\n") == text.count(b"\n"), "cmd misreads labels without"
            assert b"%~dp0run.py" in text and text.isascii()


class Unpacked:
    """The Linux zip in a folder with an odd name, where no Python is on the PATH but one that uv has brought before."""

    def __init__(self, archive: Path, place: Path) -> None:
        odd = place / 'Jörg\'s "R&D" $HOME'
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                target = Path(file.extract(entry, odd))
                target.chmod(entry.external_attr >> 16)
        self.folder, self.home = odd / "DropKey", place / "home"
        brought = self.folder / ".python" / f"cpython-{sys.version.split()[0]}-linux-{os.uname().machine}-gnu"
        brought.mkdir(parents=True)  # a link as a whole would not be seen
        for part in Path(sys.base_prefix).iterdir():
            (brought / part.name).symlink_to(part)
        tools = place / "tools"
        tools.mkdir()
        for name in ("sh", "dirname", "nohup"):
            (tools / name).symlink_to(f"/usr/bin/{name}" if Path(f"/usr/bin/{name}").exists() else f"/bin/{name}")
        self.known = {"PATH": str(tools), "HOME": str(place), "UV_PYTHON_DOWNLOADS": "never"}
        self.known |= {"DROPKEY_HOME": str(self.home)} | CHOICES
        self.place = place

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "dropkey.sh"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.known | more, cwd=self.place, check=False
        )


@pytest.mark.skipif(sys.platform != "linux", reason="a starter of another system")
def test_on_linux_the_starter_finds_what_uv_brought_where_no_python_is_on_the_path(wheel: Path, tmp_path: Path) -> None:
    dropkey = Unpacked(made("linux", wheel, Path(uv.find_uv_bin()).read_bytes()), tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    done = dropkey("--dry-run", "doctor", UV_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert wheel.name in done.stdout and "pip install --python" in done.stdout
    assert Path(sys.prefix).name not in done.stdout.splitlines()[0].split(" -m ")[0], "an environment at hand was taken"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="a starter of another system")
def test_an_unpacked_zip_sets_itself_up_keys_the_sample_shot_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """What a stranger does, but for the hand on the mouse; the packages come from where pip is told to look."""
    began = time.monotonic()
    told: list[str] = []

    def tell(what: str) -> None:
        told.append(f"{time.monotonic() - began:6.0f} s  {what}")

    archive = made("linux", build(tmp_path / "wheel", "--wheel"), Path(uv.find_uv_bin()).read_bytes())
    began = time.monotonic()
    dropkey = Unpacked(archive, tmp_path)
    dropkey.known |= {name: value for name, value in index().items() if name.startswith(("UV_", "SSL_", "HTTP"))}
    tell("unpacked")
    started = dropkey("start")
    assert started.returncode == 0, started.stdout + started.stderr
    tell("set up, and the service answers")
    assert len(started.stderr.splitlines()) <= 12, started.stderr
    settings = Settings(home=dropkey.home)
    with Client.of_running(settings) as client:
        asked = client.drop_sample()
        assert asked in ("painting", "there")
        done = until(lambda: [job for job in client.jobs() if job.state == "done"], "the sample is keyed", 1200, 1.0)
    tell(f"the sample shot is keyed, {done[0].frames_done} frames")
    assert "dropkey.sh" in "".join(dropkey("doctor", "--help").stdout.split()), "its help names what is called here"
    gone = dropkey("uninstall", "--yes", "--home")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    left = sorted(path.name for path in dropkey.home.iterdir())
    assert not dropkey.folder.exists() and left == ["drop", "output"]
    tell("removed, but for plates and results")
    sys.stdout.write("\n".join(told) + "\n")


def test_the_desktop_file_names_the_script_beside_it() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(ROOT / "service" / "release" / "starters" / "dropkey.desktop", encoding="utf-8")
    assert entry["Desktop Entry"]["Type"] == "Application"
    assert "dropkey.sh" in entry["Desktop Entry"]["Exec"] and entry["Desktop Entry"]["Exec"].endswith(" sh %k")


def test_the_bill_of_materials_fits_its_schema_names_every_library_and_is_the_same_again() -> None:
    bill = bill_of_materials(VERSION, DAY)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for requirement in wanted:
        name = re.split(r"[<>=\[]", requirement)[0].lower()
        assert f'"name": "{name}"' in bill
    assert '"neural.safetensors"' in bill and '"pytest"' not in bill
    assert bill_of_materials(VERSION, DAY) == bill


def test_the_changelog_is_cut_into_versions_newest_first_and_has_the_one_that_is_built() -> None:
    numbers = [Version(number) for number in re.findall(r"^## (\d+\.\d+\.\d+) – \d{4}-\d\d-\d\d$", CHANGELOG, re.M)]
    assert numbers == sorted(numbers, reverse=True) and Version(VERSION) == numbers[0] >= Version("0.2.0")
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.M)) <= {"Added", "Changed", "Fixed", "Removed", "Security"}
    day, notes = notes_of(VERSION, CHANGELOG)
    assert day.tzinfo is UTC and notes.count("\n- ") > 10
    with pytest.raises(SystemExit, match=r"9\.9\.9"):
        notes_of("9.9.9", CHANGELOG)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_release_is_the_same_bytes_twice_and_its_checksums_are_right(tmp_path: Path) -> None:
    first, second = ([file.read_bytes() for file in release(tmp_path / name)] for name in ("a", "b"))
    assert first == second
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "a", check=True)
