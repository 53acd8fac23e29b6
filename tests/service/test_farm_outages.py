"""What a farm outlives for longer, or together with the service: killed services, lines and shares that are away."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs import JobState
from service.manifest import read_manifest
from tests.service.farming import farming
from tests.service.running import make_request, make_shot, until
from tests.service.test_farm import by_name, drop, files, key_alone, until_ready, write_plates
from tests.service.test_farm_faults import PATIENCE, Proxy, check_done, offer, queueing
from tests.service.test_farm_faults import until_ready as until_queue_ready

pytest.importorskip("distributed")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(540)]


class Share:
    """A folder, and a second place where it is mounted, as on another machine."""

    def __init__(self, folder: Path) -> None:
        self.kept, self.place = folder / "home", folder / "share"
        self.kept.mkdir()
        self.place.mkdir()

    def mount(self) -> None:
        subprocess.run(["mount", "--bind", str(self.kept), str(self.place)], check=True, capture_output=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.place)], check=True, capture_output=True)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    """A worker's own mount of the folders, where this test may mount something."""
    share = Share(tmp_path)
    try:
        share.mount()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("MAY NOT MOUNT A DISK HERE: a share that one worker loses stays unproven")
    yield share
    subprocess.run(["umount", "-l", str(share.place)], check=False, capture_output=True)


def test_a_service_that_is_killed_while_parts_are_keyed_goes_on_with_every_frame_once(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 81))
    (tmp_path / "home" / "drop").mkdir(parents=True)
    (tmp_path / "home" / "output").mkdir()
    with farming(tmp_path) as farm:
        for name in ("amber", "birch"):
            offer(farm, name)
        service = farm.serve(farm__part_frames="6")
        until_ready(service, "amber", "birch")
        job = service.post("/jobs", {"plate": str(shot.folder / shot.pattern)}).json()
        until(lambda: service.job(job["id"])["frames_done"] >= 12, "frames of both", PATIENCE)
        service.process.kill()
        service.process.wait()
        again = farm.serve(farm__part_frames="6")
        until(lambda: again.job(job["id"])["state"] == "done", "the shot", PATIENCE, 0.2)
        done = again.job(job["id"])
        assert (done["frames_done"], done["attempt"]) == (80, 2)
        version = Path(done["output"])
        frames = [int(line) for file in version.rglob("written.txt") for line in file.read_text().split()]
        assert set(frames) == set(range(1, 81)) and len(frames) <= 82, "at most a frame that was at hand is keyed again"
        assert len(read_manifest(version / "manifest.json").frames) == 80 and not list(version.rglob("*.tmp"))
        # Nobody keys on for the service that is gone.
        until_ready(again, "amber", "birch")


def test_a_line_that_is_silent_for_five_minutes_costs_nothing_but_time(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path) as farm, Proxy(farm.port) as proxy:
        offer(farm, "amber", address=f"tls://127.0.0.1:{proxy.port}")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_queue_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
            proxy.silence()
            threading.Event().wait(300)
            # Long since done by the other one.
            check_done(queue, job, 60, twice=8)
            assert [worker.name for worker in queue.workers()] == ["birch"]
            proxy.speak()
            until_queue_ready(queue, 2)
            again, _ = queue.submit(make_request(shot, key_again=True), shot)
            check_done(queue, again, 60)


def test_workers_whose_clocks_are_an_hour_off_key_as_ever(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path) as farm:
        offer(farm, "amber", clock_ahead="3600")
        offer(farm, "birch", clock_ahead="-3600")
        with queueing(farm) as queue:
            until_queue_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            check_done(queue, job, 60)
            done = queue.get(job.id)
            assert done.attempt == 1 and done.state is JobState.DONE


def test_a_worker_whose_share_goes_away_is_refused_and_the_shot_comes_out_whole(tmp_path: Path, share: Share) -> None:
    home = share.kept
    (home / "drop").mkdir(parents=True)
    (home / "output").mkdir()
    plates = write_plates(tmp_path / "plates" / "hero")
    with farming(tmp_path) as farm:
        mapped = f'[{{"theirs": "{home}", "ours": "{share.place}"}}]'
        farm.start_worker("amber", prefix_map=mapped, drop_folders=f'["{share.place / "drop"}"]')
        farm.start_worker("birch")
        service = farm.serve(key_defaults__keyer="difference", farm__part_frames="6")
        until_ready(service, "amber", "birch")
        drop(plates, home)
        version = home / "output" / "hero" / "v001"
        until(lambda: len(list(version.glob("parts/*/foreground/hero*.exr"))) >= 6, "frames", PATIENCE)
        share.unmount()
        (job,) = service.jobs()
        until(lambda: service.job(job["id"])["state"] not in ("queued", "running"), "the shot", PATIENCE, 0.2)
        done = service.job(job["id"])
        assert (done["state"], done["attempt"]) == ("done", 1), done["problem"]
        assert not os.listdir(share.place), "nothing was made where the share was"
        amber = until(lambda: (w := by_name(service)["amber"])["state"] == "refused" and w, "the refusal", PATIENCE)
        assert f"It cannot read {share.place}" in amber["problem"]["message"]
        share.mount()
        until_ready(service, "amber", "birch")
        assert files(version) == files(key_alone(plates, tmp_path / "alone"))
