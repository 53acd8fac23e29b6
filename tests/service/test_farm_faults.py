"""What a farm outlives, with workers that key like the tests' own: the queue and all lines between are real."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from service.jobs import FrameState, JobState
from service.manifest import read_manifest
from service.queue import JobQueue
from service.server import running_queue
from service.settings import FarmSettings
from tests.service.farming import Farm, farming
from tests.service.running import make_request, make_settings, make_shot, until

pytest.importorskip("distributed")

PATIENCE = 120.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@contextmanager
def queueing(farm: Farm, **more) -> Iterator[JobQueue]:
    """Run a service's queue on the farm, in this process."""
    settings = make_settings(
        farm.folder / "home",
        farm=FarmSettings(scheduler=farm.address, certificates=farm.certificates, **({"part_frames": 6} | more)),
    )
    settings.output.mkdir(parents=True, exist_ok=True)
    settings.roots[0].mkdir(parents=True, exist_ok=True)
    with running_queue(settings) as (_, queue):
        yield queue


def until_ready(queue: JobQueue, count: int) -> None:
    until(lambda: sum(w.state in ("ready", "busy") for w in queue.workers()) == count, f"{count} workers", PATIENCE)


def offer(farm: Farm, name: str, fixture: str = "keys_slowly", address: str | None = None, **settings: str):
    home = farm.folder / "home"
    folders = {"drop_folders": f'["{home / "drop"}"]', "output_root": str(home / "output")}
    return farm.offer(name, fixture, address or farm.address, **(folders | settings))


def written(job) -> list[int]:
    """Return each frame as often as some worker wrote it."""
    files = job.output.rglob("written.txt")
    return sorted(int(line) for file in files for line in file.read_text(encoding="utf-8").split())


def check_done(queue: JobQueue, job, count: int, *, twice: int = 0) -> None:
    done = queue.wait(job.id, PATIENCE, {JobState.DONE, JobState.FAILED, JobState.NEEDS_ATTENTION})
    assert done.state is JobState.DONE, done.problem
    assert [result.frame for result in queue.frames(job.id)] == list(range(1, count + 1))
    manifest = read_manifest(done.manifest)
    assert manifest.state == "done" and len(manifest.frames) == count
    assert set(written(done)) == set(range(1, count + 1)) and len(written(done)) <= count + twice
    assert len(list((done.output / "foreground").glob("*.exr"))) == count
    assert not list(done.output.rglob("*.tmp"))


def test_a_worker_that_hangs_is_given_up_and_its_frames_are_keyed_elsewhere(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path, lost_seconds="10") as farm:
        hung = offer(farm, "amber")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames of both", PATIENCE)
            family = [psutil.Process(hung.pid), *psutil.Process(hung.pid).children(recursive=True)]
            for process in family:
                process.suspend()
            try:
                check_done(queue, job, 60, twice=2)
            finally:
                for process in family:
                    process.resume()
            # It comes back as if nothing had been.
            until_ready(queue, 2)


def test_the_scheduler_may_end_and_start_again(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path) as farm:
        offer(farm, "amber")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
            farm.scheduler.kill()
            farm.scheduler.wait()
            until(lambda: queue.get(job.id).state is JobState.QUEUED, "queued again", PATIENCE)
            assert "farm" in queue.workers()[0].problem.message
            farm.start_scheduler()
            check_done(queue, job, 60, twice=4)
            assert queue.get(job.id).attempt == 2


def test_the_service_may_end_and_start_again_while_parts_are_keyed(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path) as farm:
        offer(farm, "amber")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
        with queueing(farm) as queue:
            check_done(queue, job, 60)


@pytest.mark.parametrize("seconds", [5, 40])
def test_a_line_that_is_silent_for_a_while_costs_nothing_but_time(tmp_path: Path, seconds: int) -> None:
    """Five seconds, and longer than a silent worker is waited for."""
    shot = make_shot(tmp_path / "plates", range(1, 61))
    with farming(tmp_path, lost_seconds="10") as farm, Proxy(farm.port) as proxy:
        offer(farm, "amber", address=f"tls://127.0.0.1:{proxy.port}", farm__lost_seconds="10")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
            proxy.silence()
            threading.Event().wait(seconds)
            proxy.speak()
            check_done(queue, job, 60, twice=8)
            until_ready(queue, 2)


def test_a_frame_that_ends_two_processes_is_given_up_and_the_shot_goes_on(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 21))
    with farming(tmp_path) as farm:
        offer(farm, "amber", "dies_on_frame_5")
        offer(farm, "birch", "dies_on_frame_5")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            held = queue.wait(job.id, PATIENCE, {JobState.NEEDS_ATTENTION, JobState.DONE, JobState.FAILED})
            assert held.state is JobState.NEEDS_ATTENTION and held.frames_done == 19 and held.attempt == 1
            (poison,) = [result for result in queue.frames(job.id) if result.state is FrameState.FAILED]
            assert poison.frame == 5 and poison.problem.kind == "poison"


def test_a_full_disk_pauses_the_shot_for_all_workers(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 21))
    with farming(tmp_path) as farm:
        offer(farm, "amber", "finds_disk_full")
        full = tmp_path / "home" / "output" / "hero" / "full"
        full.parent.mkdir(parents=True)
        full.touch()
        with queueing(farm) as queue:
            until_ready(queue, 1)
            job, _ = queue.submit(make_request(shot), shot)
            held = queue.wait(job.id, PATIENCE, {JobState.NEEDS_ATTENTION})
            assert held.state is JobState.NEEDS_ATTENTION and held.problem.kind == "output_full"
            full.unlink()
            # By itself, once the disk is looked at again.
            until(lambda: queue.get(job.id).state is not JobState.NEEDS_ATTENTION, "it goes on", PATIENCE)
            check_done(queue, job, 20)


def test_pausing_cancelling_and_draining_take_effect_within_a_frame_or_a_part(tmp_path: Path) -> None:
    first, second = (make_shot(tmp_path / "plates", range(1, 41), name=name) for name in ("hero", "other"))
    with farming(tmp_path) as farm:
        offer(farm, "amber")
        offer(farm, "birch")
        with queueing(farm) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(first), first)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
            queue.pause(job.id)
            done = queue.get(job.id).frames_done
            until(lambda: {w.state for w in queue.workers()} == {"ready"}, "rest", PATIENCE)
            assert queue.get(job.id).frames_done <= done + 4
            queue.drain("birch", True)
            until(lambda: any(w.drained for w in queue.workers()), "drained", PATIENCE)
            # The sooner one gets the only worker, though it came later.
            queue.resume(job.id)
            urgent, _ = queue.submit(make_request(second, priority=90), second)
            check_done(queue, urgent, 40, twice=2)
            queue.drain("birch", False)
            check_done(queue, job, 40, twice=4)
            again, _ = queue.submit(make_request(second, key_again=True), second)
            until(lambda: queue.get(again.id).frames_done >= 4, "frames", PATIENCE)
            assert queue.cancel(again.id).state is JobState.CANCELLED
            until(lambda: {w.state for w in queue.workers()} == {"ready"}, "rest", PATIENCE)
            assert queue.get(again.id).frames_done < 40


def test_parts_go_by_priority_also_when_it_changes_while_both_shots_run(tmp_path: Path) -> None:
    first, second = (make_shot(tmp_path / "plates", range(1, 61), name=name) for name in ("hero", "other"))
    with farming(tmp_path) as farm:
        offer(farm, "amber")
        with queueing(farm, part_frames=4) as queue:
            until_ready(queue, 1)
            early, _ = queue.submit(make_request(first), first)
            until(lambda: queue.get(early.id).frames_done >= 4, "frames", PATIENCE)
            urgent, _ = queue.submit(make_request(second, priority=90), second)
            until(lambda: queue.get(urgent.id).frames_done >= 8, "the urgent one goes first", PATIENCE)
            stood = queue.get(early.id).frames_done
            assert stood <= 16 and queue.get(early.id).state is JobState.RUNNING
            queue.set_priority(early.id, 95)
            at_change = queue.get(urgent.id).frames_done
            check_done(queue, early, 60)
            assert queue.get(urgent.id).frames_done <= at_change + 8, "but for the part in hand, and one that followed"
            check_done(queue, urgent, 60)


def test_cancelling_leaves_the_frames_at_hand_and_keys_no_other(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 81))
    with farming(tmp_path) as farm:
        offer(farm, "amber")
        offer(farm, "birch")
        with queueing(farm, part_frames=20) as queue:
            until_ready(queue, 2)
            job, _ = queue.submit(make_request(shot), shot)
            until(lambda: queue.get(job.id).frames_done >= 8, "frames", PATIENCE)
            queue.cancel(job.id)
            until(lambda: {w.state for w in queue.workers()} == {"ready"}, "rest", PATIENCE)
            # Each keys ten frames a second, and hears of it within a fraction of one.
            ended = queue.get(job.id)
            assert ended.state is JobState.CANCELLED and len(written(ended)) < 40
            assert not (ended.output / "parts").exists() or not list(ended.output.glob("parts/*/foreground/*.exr"))


class Proxy:
    """A line to a port of this machine that can fall silent: bytes wait, nobody hears that it broke."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._speaks = threading.Event()
        self._speaks.set()
        self._ends: list[socket.socket] = []

    def silence(self) -> None:
        self._speaks.clear()

    def speak(self) -> None:
        self._speaks.set()

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._speaks.set()
        for line in (self._server, *self._ends):
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._ends += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                self._speaks.wait()
                target.sendall(content)
        except OSError:
            pass
        for line in (source, target):
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
