"""A home folder whose disk is full: told, waited for, gone on."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from service.discovery import read_discovery
from service.server import wait_for_room
from service.settings import Settings
from tests.service.running import until
from tests.service.serving import CHOICES, PATIENCE, POLL_SECONDS, serving
from tests.service.shots_on_disk import write_shot


@pytest.fixture
def small_home(tmp_path):
    """A home folder on a disk of its own of 24 MiB, where this test may mount one."""
    home = tmp_path / "home"
    home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(home)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("MAY NOT MOUNT A SMALL DISK HERE: a full home disk stays unproven")
    yield home
    subprocess.run(["umount", "-l", str(home)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that there is."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(2**20))
            except OSError:
                break
        while True:
            try:
                file.write(bytes(512))
            except OSError:
                return ballast


def test_a_start_with_a_full_home_is_told_waits_and_goes_on(small_home, tmp_path):
    ballast = fill(small_home)
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve"],
            env=os.environ | CHOICES | {"DROPKEY_HOME": str(small_home)},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            until(lambda: b"cannot start yet" in said.read_bytes(), "it is told", PATIENCE)
            assert process.poll() is None and read_discovery(Settings(home=small_home)) is None
            ballast.unlink()
            until(lambda: read_discovery(Settings(home=small_home)), "it starts", PATIENCE)
        finally:
            process.terminate()
            process.wait(PATIENCE)
    told = said.read_text(encoding="utf-8")
    assert told.count("cannot start yet") == 1 and str(small_home) in told
    assert "Traceback" not in told
    assert not list(small_home.glob(".*.tmp"))


def test_a_service_stopped_while_it_waits_for_room_ends(small_home):
    fill(small_home)
    stop, said = threading.Event(), []
    stop.set()
    assert not wait_for_room(Settings(home=small_home), stop, said.append)
    assert "full" in said[0] and "Make room" in said[0]


def test_a_home_that_fills_up_while_shots_are_keyed_is_told_and_gone_on_from(small_home, tmp_path):
    shot = tmp_path / "drop" / "hero"
    out = tmp_path / "out"
    out.mkdir()
    with serving(
        small_home, drop_folders=f'["{tmp_path / "drop"}"]', output_root=str(out), minimum_free_gib="0"
    ) as service:

        def ready() -> bool:
            token = service.found.token_file.read_text(encoding="utf-8").strip()
            reply = httpx.get(f"{service.found.url}/health/ready", headers={"authorization": f"Bearer {token}"})
            return reply.status_code == 200

        (tmp_path / "drop").mkdir()
        until(ready, "it is ready", PATIENCE, POLL_SECONDS)
        ballast = fill(small_home)
        until(lambda: not ready(), "it is told", PATIENCE, POLL_SECONDS)
        write_shot(shot, range(1, 4))
        ballast.unlink()
        until(ready, "it is over", PATIENCE, POLL_SECONDS)
        until(lambda: [job["state"] for job in service.jobs()] == ["done"], "the shot", PATIENCE, POLL_SECONDS)
    log = (small_home.parent / f"{small_home.name}.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
