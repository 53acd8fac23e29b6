"""A farm in earnest: scheduler, workers and service as processes, TLS between them, kills in the middle."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.exr import checksum
from service.manifest import read_manifest
from tests.service.farming import ROOT, Farm, farming
from tests.service.running import until
from tests.service.serving import PATIENCE, Service
from tests.service.shots_on_disk import plate_pixels, write_plate

pytest.importorskip("distributed")

FRAMES = range(1001, 1061)
WIDTH, HEIGHT = 160, 90


def write_plates(folder: Path, frames: range = FRAMES) -> Path:
    for frame in frames:
        write_plate(folder / f"hero.{frame}.exr", plate_pixels(frame, WIDTH, HEIGHT))
    return folder


def drop(plates: Path, service_home: Path) -> None:
    """Drop a shot, and say that it is complete."""
    shutil.copytree(plates, service_home / "drop" / "hero")
    (service_home / "drop" / "hero.ready").touch()


def key_alone(plates: Path, output: Path) -> Path:
    """Key the shot on this machine alone; return its version."""
    options = ["--output", str(output), "--keyer", "difference", "--device", "cpu", "--progress", "none"]
    # Sums of floats depend on how many threads share them: as many as the farm's workers have here.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "service.cli", "key", str(plates), *options]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    return output / "hero" / "v001"


def files(version: Path) -> dict[str, str]:
    return {path.relative_to(version).as_posix(): checksum(path) for path in sorted(version.rglob("*.exr"))}


def by_name(service: Service) -> dict[str, dict]:
    return {worker["name"]: worker for worker in service._get("/workers")["workers"]}


def until_ready(service: Service, *names: str) -> None:
    until(lambda: all(by_name(service).get(n, {}).get("state") == "ready" for n in names), "workers", PATIENCE, 0.1)


def frames_of(version: Path) -> list[int]:
    """Return the frames that are finished anywhere in a version, once for each time that they lie there."""
    return [int(path.name.split(".")[-2]) for path in version.rglob("hero_foreground.*.exr")]


def begin(farm: Farm, *names: str, **settings: str) -> Service:
    for name in names:
        farm.start_worker(name)
    service = farm.serve(key_defaults__keyer="difference", **settings)
    until_ready(service, *names)
    return service


@pytest.mark.timeout(300)
def test_two_workers_key_a_dropped_shot_one_is_killed_and_the_result_is_that_of_one_machine(tmp_path: Path) -> None:
    plates = write_plates(tmp_path / "plates" / "hero")
    (tmp_path / "strangers").mkdir()
    with farming(tmp_path) as farm:
        made = farm.start("init-other", "farm", "init", "--folder", str(tmp_path / "other"))
        service = begin(farm, "amber", "birch", farm__part_frames="6")
        assert made.wait(PATIENCE) == 0
        stranger = farm.start_worker("stranger", farm__certificates=str(tmp_path / "other"))
        nobody = farm.start_worker("nobody", farm__certificates=str(tmp_path / "strangers"))
        drop(plates, tmp_path / "home")
        version = tmp_path / "home" / "output" / "hero" / "v001"

        def both_key() -> bool:
            return len({frame.parent for frame in version.glob("parts/*/foreground/hero*.exr")}) >= 2

        until(both_key, "both key", PATIENCE)
        farm.workers["birch"].kill()
        (job,) = service.jobs()
        until(lambda: service.job(job["id"])["state"] == "done", "the shot", PATIENCE, 0.2)
        done = service.job(job["id"])
        assert done["frames_done"] == len(FRAMES) and done["attempt"] == 1
        assert nobody.wait(PATIENCE) == 2 and "farm init" in farm.said("nobody")
        farm.until_said("stranger", "cannot be reached.*certificates of another farm")
        assert stranger.poll() is None and "stranger" not in by_name(service)
        log = (tmp_path / "home" / "logs" / "service.log").read_text(encoding="utf-8")
        assert "birch" not in by_name(service) and "farm worker birch is gone" in log
    alone = key_alone(plates, tmp_path / "alone")
    assert files(version) == files(alone)
    ours, theirs = read_manifest(version / "manifest.json"), read_manifest(alone / "manifest.json")
    assert (ours.frames, ours.screen, ours.surveyed) == (theirs.frames, theirs.screen, theirs.surveyed)
    assert ours.state == theirs.state == "done" and not (version / "parts").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_previews_are_made_by_the_farm_and_overtake_the_parts_of_a_shot(tmp_path: Path) -> None:
    write_plates(tmp_path / "plates" / "hero", range(1001, 1201))
    with farming(tmp_path) as farm:
        service = begin(farm, "amber", farm__part_frames="100")
        plate = str(tmp_path / "plates" / "hero" / "hero.####.exr")
        first = service.post("/preview", {"job": {"plate": plate}, "frame": 1001, "wait_seconds": 60}).json()
        assert first["state"] == "done" and Path(first["picture"]).read_bytes().startswith(b"\x89PNG")
        assert service.worker() is None, "no worker on the service's own machine"
        job = service.post("/jobs", {"plate": plate}).json()
        until(lambda: service.job(job["id"])["frames_done"] >= 3, "frames", PATIENCE)
        asked = {"job_id": job["id"], "frame": 1150, "wait_seconds": 60}
        made = service.post("/preview", asked).json()
        at_work = service.job(job["id"])
        assert made["state"] == "done" and (made["width"], made["height"]) == (WIDTH, HEIGHT)
        assert at_work["state"] == "running" and at_work["frames_done"] < 97, "before its part was over"


def guide() -> tuple[list[list[str]], str]:
    """Return the commands of the guide in docs/farm.md, in their order, and what it writes into dropkey.toml."""
    page = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")
    steps = page.partition("### From nothing to a keyed shot")[2].partition("\n### ")[0]
    commands = [line.split() for line in re.findall(r"python3 run\.py (.+)", steps)]
    (settings,) = re.findall(r"```toml\n(.*?)```", steps, re.DOTALL)
    return commands, re.sub(r"^   ", "", settings, flags=re.MULTILINE)


def test_the_guide_goes_from_certificates_over_scheduler_and_worker_to_the_service() -> None:
    commands, settings = guide()
    assert [command[:2] for command in commands] == [
        ["farm", "--help"],
        ["farm", "init"],
        ["farm", "scheduler"],
        ["farm", "worker"],
        ["serve"],
        ["farm", "status"],
    ]
    assert tomllib.loads(settings) == {"farm": {"scheduler": "tls://scheduler-host:8786"}}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_who_follows_the_guide_has_a_keyed_shot(tmp_path: Path) -> None:
    """Every command as it is printed, but for the host, the port, and where each machine's home is."""
    plates = write_plates(tmp_path / "plates" / "hero", range(1001, 1007))
    commands, settings = guide()
    first, init, scheduler, worker, serve, status = commands
    with ExitStack() as stack:
        farm = Farm(tmp_path, stack)
        here = settings.replace("scheduler-host:8786", f"127.0.0.1:{farm.port}")
        worker = [word.replace("scheduler-host:8786", f"127.0.0.1:{farm.port}") for word in worker]
        home = tmp_path / "home"
        (home / "drop").mkdir(parents=True)
        (home / "output").mkdir()
        (home / "dropkey.toml").write_text(here, encoding="utf-8")
        assert farm.start("home", *first).wait(PATIENCE) == 0 and "take-back" in farm.said("home")
        assert farm.start("home", *init, farm__certificates=str(home / "farm")).wait(PATIENCE) == 0
        for machine in ("scheduler", "amber", "birch"):
            shutil.copytree(home / "farm", tmp_path / machine / "farm")
        farm.certificates = home / "farm"
        farm.start("scheduler", *scheduler, "--listen", farm.address)
        folders = {"drop_folders": f'["{home / "drop"}"]', "output_root": str(home / "output")}
        for machine in ("amber", "birch"):
            farm.start(machine, *worker, "--name", machine, **folders)
        farm.start("home", *serve, "--no-open", port="0")
        until(lambda: (home / "service.json").is_file(), "the service", PATIENCE)

        def all_are_there() -> bool:
            asked = farm.start("home", *status)
            asked.wait(PATIENCE)
            return len(re.findall(r"^(?:amber|birch): ready", farm.said("home"), re.MULTILINE)) >= 2

        until(all_are_there, "both workers", PATIENCE, 1.0)
        drop(plates, home)
        manifest = home / "output" / "hero" / "v001" / "manifest.json"
        until(lambda: manifest.is_file() and read_manifest(manifest).state == "done", "the shot", PATIENCE, 0.2)
        assert len(read_manifest(manifest).frames) == 6
