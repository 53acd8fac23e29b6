"""The whole road with nothing replaced: the real service, its real worker, real plates, and kills in the middle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import psutil
import pytest

from service.exr import checksum
from service.manifest import read_manifest
from tests.service.running import until
from tests.service.serving import PATIENCE, POLL_SECONDS, Service, serving
from tests.service.shots_on_disk import plate_pixels, write_plate

FRAMES = range(1001, 1017)
WIDTH, HEIGHT = 96, 64


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
