import os
import queue as queues
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from model.settings import KeySettings
from service.errors import BadInput
from service.executor import CapacityChanged, LocalExecutor, ShotLost
from service.executor.local import cards_in, find_cards, worker_command
from service.executor.orphans import Register
from service.jobs import FrameState, JobState
from service.manifest import read_manifest
from service.messages import FrameStarted, ShotFinished, ShotOrder
from service.store import JobStore
from tests.service.running import (
    PATIENCE,
    WORKERS,
    make_request,
    make_settings,
    make_shot,
    running_queue,
    until,
    written_frames,
)


def worker_of(queue):
    """Return the worker's process once it keys a shot."""
    return psutil.Process(until(lambda: (w := queue.workers()[0]).state == "busy" and w.pid, "a busy worker"))


def test_a_worker_killed_in_mid_shot_loses_no_frame_and_keys_none_twice(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 21))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 5, "five frames")
        worker_of(queue).kill()
        until(lambda: queue.get(job.id).attempt == 2, "a second attempt")
        done = queue.wait(job.id, PATIENCE, {JobState.DONE})
        assert done.state is JobState.DONE and done.frames_done == 20
        written = written_frames(job)
        assert sorted(set(written)) == list(range(1, 21))
        assert len(written) <= 21  # at most the frame at hand is done again
    assert not list(job.output.rglob("*.tmp"))


def test_the_reason_of_a_death_reaches_the_job_when_it_is_given_up(tmp_path):
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "dies_at_every_shot", attempts=2) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        failed = queue.wait(job.id, PATIENCE, {JobState.FAILED})
        assert failed.state is JobState.FAILED and failed.attempt == 2
        assert failed.problem.kind == "worker_lost"
        assert "exit code 9" in failed.problem.message and "2 attempts" in failed.problem.message
        assert "the driver is unhappy" in failed.problem.fix
        assert queue.retry(job.id).state is JobState.QUEUED
        assert queue.wait(job.id, PATIENCE, {JobState.FAILED}).attempt == 4


def test_a_frame_that_kills_the_worker_twice_is_given_up_and_the_rest_is_finished(tmp_path):
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "dies_on_frame_5") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        held = queue.wait(job.id, PATIENCE, {JobState.NEEDS_ATTENTION, JobState.FAILED})
        assert held.state is JobState.NEEDS_ATTENTION and held.attempt == 3
        assert held.frames_done == 9 and held.frames_failed == 1
        poison = queue.frames(job.id)[4]
        assert poison.frame == 5 and poison.state is FrameState.FAILED and poison.problem.kind == "poison"
        assert "exit code 77" in poison.problem.message
        assert [r.problem.kind for r in read_manifest(held.manifest).frames if r.problem] == ["poison"]
        assert sorted(written_frames(job)) == [1, 2, 3, 4, 6, 7, 8, 9, 10]
        assert queue.retry(job.id).frames_failed == 0


def test_a_worker_that_hangs_is_killed_after_the_frame_deadline_and_the_frame_is_done_then(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 6))
    with running_queue(tmp_path / "home", "hangs_on_frame_3_once", frame_deadline_seconds=1.0) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        done = queue.wait(job.id, PATIENCE, {JobState.DONE, JobState.FAILED})
        assert done.state is JobState.DONE and done.attempt == 2
        assert written_frames(job) == [1, 2, 3, 4, 5]
        assert "was busy with one frame for more than 1 s" in queue.workers()[0].problem.message


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be stopped there")
def test_a_stopped_process_counts_as_hung(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 9))
    with running_queue(tmp_path / "home", "keys_slowly", frame_deadline_seconds=1.5) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 2, "two frames")
        worker_of(queue).suspend()
        done = queue.wait(job.id, PATIENCE, {JobState.DONE, JobState.FAILED})
        assert done.state is JobState.DONE and done.attempt == 2


def test_loading_has_a_deadline_of_its_own(tmp_path):
    with running_queue(tmp_path / "home", "slow_to_load", load_deadline_seconds=0.5) as queue:
        status = until(lambda: (w := queue.workers()[0]).problem and w, "the first death")
        assert "was loading for more than 0.5 s" in status.problem.message
    shot = make_shot(tmp_path / "plates", range(1, 3))
    with running_queue(tmp_path / "home", "loads_for_two_seconds", frame_deadline_seconds=1.0) as queue:
        job, _ = queue.submit(make_request(shot), shot)
        assert queue.wait(job.id, PATIENCE).state is JobState.DONE
        assert queue.workers()[0].deaths_in_a_row == 0


def test_a_line_that_is_no_message_ends_the_worker_and_its_frames_are_kept(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 4))
    with running_queue(tmp_path / "home", "talks_rubbish") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        job = queue.wait(job.id, PATIENCE, {JobState.DONE, JobState.FAILED, JobState.NEEDS_ATTENTION})
        assert job.attempt > 1 and job.frames_done >= 1
        assert "said what is no message ('Segmentation violation" in queue.workers()[0].problem.message


def test_a_worker_that_cannot_work_is_reported_and_jobs_wait(tmp_path):
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "has_no_keyer") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        status = until(lambda: (w := queue.workers()[0]).deaths_in_a_row >= 2 and w, "two deaths")
        assert status.problem.message == "There is no such device." and status.problem.fix == "Run dropkey doctor."
        assert queue.get(job.id).state is JobState.QUEUED and queue.get(job.id).attempt == 0


def test_words_about_an_attempt_that_is_over_change_nothing(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 5))
    with running_queue(tmp_path / "home", "repeats_old_attempts") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        assert queue.wait(job.id, PATIENCE).frames_done == 4
        assert [result.frame for result in queue.frames(job.id)] == [1, 2, 3, 4]


def test_two_cards_key_two_shots_at_once_each_seeing_its_own(tmp_path):
    shots = [make_shot(tmp_path / "plates", range(1, 31), name=name) for name in ("a", "b")]
    with running_queue(tmp_path / "home", "keys_slowly", cards=("GPU-1", "GPU-2")) as queue:
        jobs = [queue.submit(make_request(shot), shot)[0] for shot in shots]
        until(lambda: all(queue.get(job.id).frames_done >= 1 for job in jobs), "both are under way")
        assert {queue.get(job.id).state for job in jobs} == {JobState.RUNNING}
        visible = {psutil.Process(w.pid).environ()["CUDA_VISIBLE_DEVICES"] for w in queue.workers()}
        assert visible == {"GPU-1", "GPU-2"} == {worker.card for worker in queue.workers()}
        for job in jobs:
            queue.cancel(job.id)


def test_stopping_the_service_lets_the_frame_at_hand_finish_and_the_next_start_goes_on(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 13))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 3, "three frames")
        worker = worker_of(queue)
    assert not worker.is_running()
    store = JobStore(tmp_path / "home" / "jobs.sqlite")
    stopped = store.get(job.id)
    store.close()
    assert stopped.state is JobState.QUEUED and stopped.frames_done == len(written_frames(job)) < 12
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        assert queue.wait(job.id, PATIENCE, {JobState.DONE}).frames_done == 12
        assert written_frames(job) == list(range(1, 13))


def test_a_worker_that_ignores_the_end_is_killed_after_the_stop_deadline(tmp_path):
    executor = LocalExecutor(
        make_settings(tmp_path, stop_deadline_seconds=0.5),
        command=[sys.executable, str(WORKERS / "ignores_shutdown.py")],
        cards=(),
    )
    executor.start(lambda event: None)
    pid = until(lambda: executor.capacity(50) and executor.workers()[0].pid, "ready")
    started = time.monotonic()
    executor.close()
    assert time.monotonic() - started < 5
    assert not psutil.pid_exists(pid)
    assert executor.workers()[0].state == "stopped"


def test_a_worker_whose_service_was_killed_is_gone_within_a_second(tmp_path):
    service = subprocess.Popen(
        [sys.executable, str(WORKERS / "serves_until_killed.py"), str(tmp_path), "keys_slowly"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    pid = int(service.stdout.readline())
    worker = psutil.Process(pid)
    service.kill()
    service.wait()
    service.stdout.close()
    killed = time.monotonic()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker is gone", 10)
    assert time.monotonic() - killed < 1


def test_a_service_that_was_killed_finds_every_frame_once_when_it_starts_again(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 21))
    home = tmp_path / "home"
    service = subprocess.Popen(
        [
            sys.executable,
            str(WORKERS / "serves_until_killed.py"),
            str(home),
            "keys_slowly",
            str(shot.folder / shot.pattern),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    worker = psutil.Process(int(service.stdout.readline()))
    written = home / "output" / "hero" / "v001" / "written.txt"
    until(lambda: written.is_file() and len(written.read_text(encoding="utf-8").split()) >= 5, "five frames")
    service.kill()
    service.wait()
    service.stdout.close()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker is gone")
    with running_queue(home, "keys_slowly") as queue:
        job = queue.list().jobs[0]
        done = queue.wait(job.id, PATIENCE, {JobState.DONE})
        assert done.state is JobState.DONE and done.frames_done == 20 and done.attempt == 2
        assert [result.frame for result in queue.frames(job.id)] == list(range(1, 21))
    assert len(written_frames(job)) <= 21
    assert not list(job.output.rglob("*.tmp"))
    assert not list((home / "workers").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be stopped there")
def test_an_orphan_that_cannot_end_by_itself_is_ended_by_the_next_start(tmp_path):
    register = Register(tmp_path / "workers")
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    try:
        psutil.Process(orphan.pid).suspend()
        register.add(orphan.pid)
        register.add(bystander.pid)
        # The number now belongs to another process than the one that was noted.
        (tmp_path / "workers" / str(bystander.pid)).write_text("12345.0\n", encoding="utf-8")
        assert Register(tmp_path / "workers").end_orphans() == [orphan.pid]
        assert orphan.poll() is not None and bystander.poll() is None
        assert list((tmp_path / "workers").iterdir()) == []
    finally:
        for process in (orphan, bystander):
            process.kill()
            process.wait()


def test_a_machine_that_slept_does_not_kill_its_worker(tmp_path):
    """The clock jumps by a day while a worker says nothing; only time that was looked at counts."""
    jump, looks = {"seconds": 0.0}, []

    def clock():
        if jump["seconds"] and threading.current_thread().name == "slot-0":
            looks.append(None)
        return time.monotonic() + jump["seconds"]

    executor = LocalExecutor(
        make_settings(tmp_path, frame_deadline_seconds=60.0),
        command=[sys.executable, str(WORKERS / "waits_in_frame_2.py")],
        cards=(),
        clock=clock,
    )
    heard: queues.SimpleQueue = queues.SimpleQueue()
    executor.start(heard.put)
    try:
        shot = make_shot(tmp_path / "plates", range(1, 4))
        order = ShotOrder(shot=shot, frames=shot.frames, settings=KeySettings(), output=tmp_path / "v001")
        assert isinstance(heard.get(timeout=PATIENCE), CapacityChanged)
        assert executor.submit("j", 1, order, 50)
        assert not executor.submit("k", 1, order, 50)
        while not (isinstance(event := heard.get(timeout=PATIENCE), FrameStarted) and event.frame == 2):
            pass
        jump["seconds"] = 86_400.0
        until(lambda: len(looks) >= 3, "the silence is looked at after the sleep")  # each look asks the clock once
        (tmp_path / "v001" / "go").touch()
        while not isinstance(event := heard.get(timeout=PATIENCE), ShotFinished | ShotLost):
            pass
        assert isinstance(event, ShotFinished)
    finally:
        executor.close()


def test_cards_are_counted_by_the_drivers_tool_or_named_by_the_environment():
    listing = (
        "GPU 0: NVIDIA A100 (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)\n"
        "  MIG 1g.5gb      Device  0: (UUID: MIG-11111111-1111-1111-1111-111111111111)\n"
        "GPU 1: NVIDIA RTX 6000 Ada Generation (UUID: GPU-0a0a0a0a-0000-1111-2222-333333333333)\n"
    )
    assert cards_in(listing) == (
        "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77",
        "GPU-0a0a0a0a-0000-1111-2222-333333333333",
    )
    assert cards_in("No devices were found\n") == ()
    assert find_cards({"CUDA_VISIBLE_DEVICES": "1,GPU-x"}) == ("1", "GPU-x")
    assert find_cards({"CUDA_VISIBLE_DEVICES": "-1"}) == () == find_cards({"CUDA_VISIBLE_DEVICES": ""})


def test_our_worker_is_started_by_name_with_the_settings_choices(tmp_path):
    command = worker_command(make_settings(tmp_path, device="cpu"), threads=3)
    assert command[1:] == ["-m", "service.worker", "--device", "cpu", "--keyer", "neural", "--threads", "3"]


def test_a_cancelled_job_whose_worker_dies_stays_cancelled(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 21))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 2, "two frames")
        worker = worker_of(queue)
        worker.suspend() if os.name != "nt" else None
        queue.cancel(job.id)
        worker.kill()
        until(lambda: queue.workers()[0].state == "ready", "another worker")
        assert queue.get(job.id).state is JobState.CANCELLED and queue.get(job.id).attempt == 1


def test_a_range_that_names_nothing_never_reaches_a_worker(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 3))
    with running_queue(tmp_path / "home", "keys_at_once") as queue, pytest.raises(BadInput):
        queue.submit(make_request(shot, frames="90"), shot)


def test_a_full_home_does_not_keep_workers_from_running(tmp_path: Path) -> None:
    register = Register(tmp_path / "workers")
    (tmp_path / "workers").rmdir()
    (tmp_path / "workers").write_text("where the folder was", encoding="utf-8")
    register.add(os.getpid())
    register.remove(os.getpid())
