"""Plates and outputs on a disk that is away: nothing is made behind its mount point, and jobs wait for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.keyer import KeyedFrame
from service.drop_folder import DropFolder
from service.drop_folder.lease import LEASE_FILE, Lease
from service.errors import PlateAway
from service.jobs import JobState, Problem
from service.messages import ShotFailed
from service.mounts import away_mount, mount_of
from service.queue import JobQueue
from service.queue.disks import Disks
from service.store import JobStore
from tests.service.dropping import Place
from tests.service.pipeline_runs import run, states
from tests.service.running import PATIENCE, OneWorker, make_request, make_settings, make_shot, running_queue, until
from tests.service.shots_on_disk import LinearKeyer, order_for, write_shot


class Disk:
    """A small disk that can be mounted and unmounted; what lies on it stays."""

    def __init__(self, folder: Path) -> None:
        self.kept, self.place = folder / "kept", folder / "share"
        self.kept.mkdir()
        self.place.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", "size=8m", "none", str(self.kept))

    def mount(self) -> None:
        self._run("mount", "--bind", str(self.kept), str(self.place))

    def unmount(self) -> None:
        self._run("umount", "-l", str(self.place))

    def end(self) -> None:
        for place in (self.place, self.kept):
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A mounted disk, where this test may mount one."""
    try:
        disk = Disk(tmp_path)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"MAY NOT MOUNT A DISK HERE ({sys.platform}): outputs on a disk that goes away stay unproven")
    try:
        disk.mount()
        yield disk
    finally:
        disk.end()


def test_a_job_waits_while_the_disk_of_its_output_is_away_and_goes_on_when_it_is_back(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.queue.room.SPACE_CHECK_SECONDS", 0.05)
    output = disk.place / "results"
    first, second = make_shot(tmp_path / "plates"), make_shot(tmp_path / "plates", name="second")
    with running_queue(tmp_path / "home", "keys_at_once", output_root=output) as queue:
        done, _ = queue.submit(make_request(first), first)
        assert queue.wait(done.id, PATIENCE).state is JobState.DONE
    disk.unmount()
    # As after a restart of the machine, when the share is mounted later than the service starts.
    with running_queue(tmp_path / "home", "keys_at_once", output_root=output) as queue:
        job, _ = queue.submit(make_request(second), second)
        away = queue.wait(job.id, PATIENCE, {JobState.ROOT_OFFLINE, JobState.DONE})
        assert away.state is JobState.ROOT_OFFLINE and away.problem is not None
        assert away.problem.kind == "output_away" and str(disk.place) in away.problem.message
        assert not list(disk.place.iterdir())
        disk.mount()
        back = queue.wait(job.id, PATIENCE, {JobState.DONE})
        assert back.state is JobState.DONE and back.problem is None
    assert not list(disk.place.glob("*.tmp")) and (output / "second" / "status.json").is_file()


def test_a_job_that_its_disk_left_is_not_begun_anew_behind_the_mount_point(disk: Disk, tmp_path: Path) -> None:
    output = disk.place / "results"
    worker, store = OneWorker(), JobStore()
    queue = JobQueue(make_settings(tmp_path / "home", output_root=output), store, worker)
    queue.start()
    shot = make_shot(tmp_path / "plates")
    try:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: worker.current, "its start")
        disk.unmount()
        queue.pause(job.id)
        worker.close()
        until(lambda: not worker.current, "its end")
        queue.resume(job.id)
        assert queue.wait(job.id, PATIENCE, {JobState.ROOT_OFFLINE}).state is JobState.ROOT_OFFLINE
    finally:
        queue.stop()
        store.close()
    assert not list(disk.place.iterdir())


def test_a_new_folder_on_a_disk_that_is_there_is_made(disk: Disk, tmp_path: Path) -> None:
    output = disk.place / "new" / "folder"
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "keys_at_once", output_root=output) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        assert queue.wait(job.id, PATIENCE).state is JobState.DONE
    assert (output / "hero" / "v001" / "manifest.json").is_file()


def test_a_mount_point_that_was_taken_into_use_as_a_folder_is_written_to(disk: Disk) -> None:
    store = JobStore()
    disks = Disks(store)
    assert not disks.why_away(disk.place / "results")
    disk.unmount()
    assert disks.why_away(disk.place / "results") and disks.why_away(disk.place)
    (disk.place / "results").mkdir()
    assert not disks.why_away(disk.place / "results")
    store.close()


def test_the_disk_of_a_folder_is_that_of_the_nearest_known_mount(disk: Disk, tmp_path: Path) -> None:
    assert mount_of(disk.place / "not" / "yet") == disk.place
    link = tmp_path / "link"
    link.symlink_to(disk.place)
    assert mount_of(link / "not") == disk.place
    disk.unmount()
    root = Path(disk.place.anchor)
    assert away_mount(link, [root, disk.place]) == disk.place
    assert away_mount(tmp_path / "elsewhere", [root, disk.place]) is None


def test_a_mount_point_that_is_gone_with_its_disk_is_away(tmp_path: Path) -> None:
    assert away_mount(tmp_path / "Volumes" / "Shots" / "out", [tmp_path / "Volumes" / "Shots"]) is not None


def test_a_version_folder_that_somebody_deleted_is_made_anew_by_a_retry(tmp_path: Path) -> None:
    worker, store = OneWorker(), JobStore()
    queue = JobQueue(make_settings(tmp_path / "home"), store, worker)
    queue.start()
    shot = make_shot(tmp_path / "plates")
    try:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: worker.current, "its start")
        queue.cancel(job.id)
        worker.close()
        queue.get(job.id).output.rmdir()
        queue.retry(job.id)
        until(lambda: worker.current and worker.current[1] == 2, "its second start")
        assert queue.get(job.id).output.is_dir()
    finally:
        queue.stop()
        store.close()


def test_a_drop_share_that_is_mounted_after_the_service_starts_makes_its_jobs_wait(disk: Disk, tmp_path: Path) -> None:
    database = JobStore(tmp_path / "jobs.sqlite")
    place = Place(tmp_path, drop_folders=(disk.place,), store=database)
    place.root = disk.place
    place.watch_anew()
    place.render(range(1, 4))
    place.wait(30)
    assert [job.state.value for job in place.jobs()] == ["queued"]
    place.close()
    disk.unmount()
    # As after a restart of the machine: the mount point is an empty folder of this machine's own disk.
    worker, store = OneWorker(), JobStore(tmp_path / "jobs.sqlite")
    queue = JobQueue(place.settings, store, worker)
    queue.start()
    folder = DropFolder(disk.place, place.settings, place.paths, queue, lease=Lease(disk.place))
    try:
        (job,) = queue.list().jobs
        away = queue.wait(job.id, PATIENCE, {JobState.ROOT_OFFLINE})
        assert away.state is JobState.ROOT_OFFLINE and worker.current is None
        folder.scan()
        assert not folder.online and not list(disk.place.iterdir())
        (disk.place / f"{LEASE_FILE}").write_text("left by an earlier version", encoding="utf-8")
        folder.scan()
        assert not folder.online
        (disk.place / f"{LEASE_FILE}").unlink()
        disk.mount()
        folder.scan()
        assert folder.online
        until(lambda: worker.current and worker.current[0] == job.id, "it is keyed")
    finally:
        folder.let_go()
        queue.stop()
        store.close()


def test_plates_elsewhere_than_in_a_drop_folder_wait_for_their_disk_too(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.queue.room.SPACE_CHECK_SECONDS", 0.05)
    monkeypatch.setattr("service.queue.loop.TICK_SECONDS", 0.05)
    worker, store = OneWorker(), JobStore()
    queue = JobQueue(make_settings(tmp_path / "home"), store, worker)
    queue.start()
    shot = make_shot(disk.place / "footage")
    try:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: worker.current, "its start")
        disk.unmount()
        ids = {"job_id": job.id, "attempt": 1}
        worker.current = None
        gone = Problem(kind="plate_away", message="The disk is away.")
        worker.tell(ShotFailed(**ids, problem=gone, transient=True))
        away = queue.wait(job.id, PATIENCE, {JobState.ROOT_OFFLINE})
        assert away.state is JobState.ROOT_OFFLINE and away.problem and str(disk.place) in away.problem.message
        disk.mount()
        until(lambda: worker.current and worker.current[1] == 2, "it goes on")
    finally:
        queue.stop()
        store.close()


def test_a_disk_that_leaves_its_mount_point_while_a_shot_is_keyed_is_no_fault_of_the_frames(
    disk: Disk, tmp_path: Path
) -> None:
    shot = write_shot(disk.place / "in", range(1, 21))
    order = order_for(shot, tmp_path / "out")

    class Unplugging(LinearKeyer):
        def key(self, *given: Any) -> KeyedFrame:
            if self.keyed == 3:
                disk.unmount()
            return super().key(*given)

    with pytest.raises(PlateAway):
        run(order, Unplugging())
    assert "failed" not in states(order).values()
    disk.mount()
    assert run(order).outcome == "done"
