"""A full disk, or a full quota on it, makes jobs wait for room; they go on by themselves."""

import errno
import os
import time

import pytest

from service.cli import run_shot
from service.errors import OutputFull
from service.jobs import JobState, Problem
from service.messages import ShotFailed
from service.queue import JobQueue
from service.queue.room import Room
from service.store import JobStore
from tests.service.running import PATIENCE, OneWorker, make_request, make_settings, make_shot, running_queue


def test_a_full_disk_needs_attention_and_goes_on_by_itself_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr("service.queue.room.SPACE_CHECK_SECONDS", 0.1)
    shot = make_shot(tmp_path / "plates")
    full = tmp_path / "home" / "output" / "hero" / "full"
    full.parent.mkdir(parents=True)
    full.touch()
    with running_queue(tmp_path / "home", "finds_disk_full", minimum_free_gib=0.0) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        held = queue.wait(job.id, PATIENCE, {JobState.NEEDS_ATTENTION})
        assert held.problem.kind == "output_full"
        full.unlink()
        assert queue.wait(job.id, PATIENCE, {JobState.DONE}).state is JobState.DONE


def test_a_job_whose_quota_stays_full_is_tried_ever_more_rarely_until_a_frame_gets_through(tmp_path):
    now = [0.0]
    room, folder = Room(0.0, lambda: now[0]), tmp_path / "hero" / "v001"
    pauses = []
    for _ in range(9):
        room.lacked("hero")
        began = now[0]
        while not room.may_try("hero", folder):
            now[0] += 5.0
        pauses.append(now[0] - began)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0]
    room.forgive("hero")
    room.lacked("hero")
    now[0] += 10.0
    assert room.may_try("hero", folder)


def test_a_full_quota_is_not_tried_again_at_once_although_the_disk_has_room(tmp_path, monkeypatch):
    monkeypatch.setattr("service.queue.loop.TICK_SECONDS", 0.02)
    now = [0.0]
    shot, store, worker = make_shot(tmp_path / "plates"), JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home"), store, worker, clock=lambda: now[0])
    queue.start()
    try:
        job, _ = queue.submit(make_request(shot), shot)
        starts = []
        for attempt in (1, 2, 3, 4):
            while not (worker.current and worker.current[1] == attempt):
                time.sleep(0.1)  # for the dispatcher to look; too short a wait only lets it start later
                now[0] += 10.0 if attempt > 1 else 0.0
            starts.append(now[0])
            worker.current = None
            problem = Problem(kind="output_full", message="The quota is used up.", fix="Delete something.")
            worker.tell(ShotFailed(job_id=job.id, attempt=attempt, problem=problem, transient=True))
            queue.wait(job.id, PATIENCE, {JobState.NEEDS_ATTENTION})
        assert starts[3] - starts[2] >= 20.0, "the third pause is longer"
        assert queue.retry(job.id).state is JobState.QUEUED, "but who asks need not wait"
    finally:
        queue.stop()
        store.close()


def test_a_version_that_a_full_quota_refuses_is_no_matter_of_rights(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(run_shot, "claim_version", refuse)
    shot = make_shot(tmp_path / "plates")
    wish = run_shot.Wish(make_request(shot), tmp_path / "out", make_settings(tmp_path))
    with pytest.raises(OutputFull, match="quota"):
        run_shot.find_version(wish, shot)
