"""The whole road with nothing replaced: the real service, its real worker, real plates, and kills in the middle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import OpenImageIO as oiio
import psutil
import pytest

from service.discovery import Discovery, read_discovery
from service.exr import checksum
from service.manifest import read_manifest
from service.settings import Settings
from tests.service.running import until
from tests.service.shots_on_disk import plate_pixels, write_plate

PATIENCE = 120.0
POLL_SECONDS = 0.3  # asking over HTTP takes time from the worker, which runs at low priority
FRAMES = range(1001, 1025)
WIDTH, HEIGHT = 96, 64
CHOICES = {
    "DROPKEY_SETTLE_STABLE_SECONDS": "0.2",
    "DROPKEY_SETTLE_QUIET_SECONDS": "1.0",
    "DROPKEY_SCAN_SECONDS": "0.2",
    "DROPKEY_RESTART_DELAY_SECONDS": "0.1",
    "DROPKEY_DEVICE": "cpu",
    "DROPKEY_PORT": "0",
}


@dataclass
class Service:
    """A running `dropkey serve`."""

    process: subprocess.Popen[bytes]
    found: Discovery

    def jobs(self) -> list[dict[str, Any]]:
        return list(self._get("/jobs")["jobs"])

    def job(self, job_id: str) -> dict[str, Any]:
        return self._get(f"/jobs/{job_id}")

    def frames(self, job_id: str) -> list[dict[str, Any]]:
        return list(self._get(f"/jobs/{job_id}/frames")["frames"])

    def worker(self) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next((child for child in children if "service.worker" in child.cmdline()), None)

    def _get(self, path: str) -> dict[str, Any]:
        token = self.found.token_file.read_text(encoding="utf-8").strip()
        reply = httpx.get(self.found.url + path, headers={"authorization": f"Bearer {token}"}, timeout=30)
        reply.raise_for_status()
        content: dict[str, Any] = reply.json()
        return content


@contextmanager
def serving(home: Path) -> Iterator[Service]:
    log = (home.parent / f"{home.name}.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve"],
        env={k: v for k, v in os.environ.items() if not k.startswith("DROPKEY_")}
        | CHOICES
        | {"DROPKEY_HOME": str(home)},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )

    def answers() -> Discovery | None:
        assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
        found = read_discovery(Settings(home=home))
        return found if found is not None and found.pid == process.pid else None

    try:
        yield Service(process, until(answers, "the service answers", PATIENCE))
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        log.close()


def write_plates(folder: Path) -> None:
    """Write the same motion as a 16-bit PNG sequence and as a float32 EXR sequence, in a folder each."""
    for frame in FRAMES:
        pixels = plate_pixels(frame, WIDTH, HEIGHT)
        write_plate(folder / "exr" / f"linear.{frame}.exr", pixels)
        (folder / "png").mkdir(parents=True, exist_ok=True)
        png = oiio.ImageBuf(np.clip(pixels, 0, 1) ** np.float32(1 / 2.2))
        assert png.write(str(folder / "png" / f"painted.{frame}.png"), "uint16"), png.geterror()


def results(home: Path) -> dict[str, str]:
    """Return every EXR under the output folder with its checksum."""
    output = home / "output"
    return {path.relative_to(output).as_posix(): checksum(path) for path in sorted(output.rglob("*.exr"))}


def all_done(service: Service, home: Path) -> bool:
    jobs = service.jobs()
    trouble = [job for job in jobs if job["state"] in ("failed", "cancelled", "needs_attention")]
    assert not trouble, (trouble, [p.read_text(encoding="utf-8") for p in (home / "logs").glob("worker*")])
    return len(jobs) == 2 and all(job["state"] == "done" for job in jobs)


def written(home: Path) -> int:
    return len(list((home / "output").rglob("*_foreground.*.exr")))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.timeout(400)
def test_killed_workers_and_a_killed_service_change_nothing_in_the_result(tmp_path: Path) -> None:
    plates = tmp_path / "plates"
    write_plates(plates)
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"

    with serving(calm) as service:
        shutil.copytree(plates, calm / "drop", dirs_exist_ok=True)
        until(lambda: all_done(service, calm), "the uninterrupted run is done", PATIENCE, POLL_SECONDS)
    expected = results(calm)
    assert len(expected) == 2 * 2 * len(FRAMES)

    seen: list[psutil.Process] = []
    with serving(stormy) as service:
        shutil.copytree(plates, stormy / "drop", dirs_exist_ok=True)
        until(lambda: written(stormy) >= 5, "five frames", PATIENCE)
        worker = service.worker()
        assert worker is not None
        worker.kill()
        seen.append(worker)
        before = written(stormy)
        until(lambda: written(stormy) >= before + 5, "five frames more", PATIENCE)
        second = service.worker()
        assert second is not None and second.pid != worker.pid
        seen.append(second)
        service.process.kill()
        service.process.wait()
        until(lambda: gone(second), "the orphan is gone", 5)

    with serving(stormy) as service:
        seen.append(psutil.Process(service.process.pid))
        until(lambda: all_done(service, stormy), "everything is done", PATIENCE, POLL_SECONDS)
        jobs = service.jobs()
        for job in jobs:
            frames = service.frames(job["id"])
            assert [frame["frame"] for frame in frames] == list(FRAMES)
            assert {frame["state"] for frame in frames} == {"done"}
            assert job["frames_done"] == len(FRAMES) and job["frames_failed"] == 0 and job["version"] == 1
            manifest = read_manifest(Path(job["manifest"]))
            assert manifest.state == "done" and [result.frame for result in manifest.frames] == list(FRAMES)
            for result in manifest.frames:
                for name, mark in result.checksums.items():
                    number = f"{manifest.shot}_{name}.{result.frame:04d}.exr"
                    assert checksum(Path(job["output"]) / name / number) == mark
        assert sum(service.job(job["id"])["attempt"] for job in jobs) == 4  # two kills, each met one of the shots
        last = service.worker()
        assert last is not None
        seen.append(last)
    until(lambda: all(gone(process) for process in seen), "no process is left", 10)

    assert results(stormy) == expected
    assert not [path for path in stormy.rglob("*.tmp") if "logs" not in path.parts]
    assert not list((stormy / "workers").iterdir())
