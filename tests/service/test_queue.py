import json
from pathlib import Path

import pytest

from model.settings import KeySettings
from service.errors import BadInput, NotFound, Transient, WrongState
from service.executor import CapacityChanged, ShotLost
from service.jobs import FrameResult, FrameState, JobState, Problem
from service.manifest import read_manifest
from service.messages import FrameFinished, FrameStarted, ShotFinished
from service.queue import JobQueue
from service.queue.run import next_together
from service.shots import shot_from_plate
from service.store import JobStore
from tests.service.running import (
    PATIENCE,
    NobodyWorks,
    OneWorker,
    make_request,
    make_settings,
    make_shot,
    running_queue,
    until,
    written_frames,
)


@pytest.fixture
def idle(tmp_path):
    """A queue that takes jobs and never runs one."""
    store = JobStore()
    queue = JobQueue(make_settings(tmp_path / "home"), store, NobodyWorks())
    queue.start()
    yield queue
    queue.stop()
    store.close()


def test_a_submitted_shot_is_keyed_and_its_status_file_says_so(tmp_path):
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        job, created = queue.submit(make_request(shot), shot)
        assert created
        done = queue.wait(job.id, PATIENCE)
        assert done.state is JobState.DONE
        assert done.frames_done == 10 and done.frames_failed == 0 and done.attempt == 1
        assert [result.frame for result in queue.frames(job.id)] == list(range(1, 11))
        assert all(result.checksums for result in queue.frames(job.id))
        assert done.screen is not None and done.finished_at is not None and done.eta_seconds is None
    status = json.loads((tmp_path / "home" / "output" / "hero" / "status.json").read_text(encoding="utf-8"))
    assert status["state"] == "done" and status["id"] == job.id
    assert status["output"] == "v001" and status["manifest"] == "v001/manifest.json"
    assert (tmp_path / "home" / "output" / "hero" / status["shot"]["folder"]).resolve() == shot.folder.resolve()


def test_the_same_plate_with_the_same_settings_is_the_same_job(idle, tmp_path):
    shot = make_shot(tmp_path / "plates")
    first, created = idle.submit(make_request(shot), shot)
    again, created_again = idle.submit(make_request(shot, client="panel"), shot)
    assert created and not created_again
    assert again.id == first.id


def test_other_settings_and_key_again_make_the_next_version(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 4))
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        first, _ = queue.submit(make_request(shot), shot)
        other, _ = queue.submit(make_request(shot, settings=KeySettings(despill=0.5)), shot)
        again, created = queue.submit(make_request(shot, key_again=True), shot)
        assert created
        assert [first.version, other.version, again.version] == [1, 2, 3]
        assert [job.reuse for job in (first, other, again)] == [None, None, None]
        assert {queue.wait(job.id, PATIENCE).state for job in (first, other, again)} == {JobState.DONE}


def test_changed_plates_make_a_version_that_reuses_the_unchanged_frames(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 4))
    with running_queue(tmp_path / "home", "notes_fingerprints") as queue:
        first, _ = queue.submit(make_request(shot), shot)
        first = queue.wait(first.id, PATIENCE)
        shot.frame_path(2).write_bytes(b"rendered again")
        second, created = queue.submit(make_request(shot), shot)
        assert created and second.version == 2
        assert second.reuse == first.output and second.screen is None  # whether it still holds, the worker tells
        assert queue.wait(second.id, PATIENCE).state is JobState.DONE
        for frame in shot.frames:
            shot.frame_path(frame).write_bytes(b"all of it new %d" % frame)
        third, _ = queue.submit(make_request(shot), shot)
        assert third.version == 3 and third.reuse is None and third.screen is None


def test_a_version_folder_on_disk_is_never_taken_again(idle, tmp_path):
    shot = make_shot(tmp_path / "plates")
    (tmp_path / "home" / "output" / "hero" / "v007").mkdir(parents=True)
    job, _ = idle.submit(make_request(shot), shot)
    assert job.version == 8 and job.output.name == "v008"


def test_a_result_that_somebody_deleted_is_keyed_anew(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 4))
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        first = queue.wait(queue.submit(make_request(shot), shot)[0].id, PATIENCE)
        assert not queue.submit(make_request(shot), shot)[1]
        first.manifest.unlink()
        again, created = queue.submit(make_request(shot), shot)
        assert created and again.version == 2


def test_shots_of_one_name_from_two_folders_get_folders_of_their_own(idle, tmp_path):
    one = make_shot(tmp_path / "day1")
    two = make_shot(tmp_path / "day2")
    first, _ = idle.submit(make_request(one), one)
    second, _ = idle.submit(make_request(two), two)
    assert first.output.parent != second.output.parent
    assert second.shot.name == "day2_hero"
    again, created = idle.submit(make_request(two), two)
    assert not created and again.id == second.id
    elsewhere, _ = idle.submit(make_request(two), two, output_root=tmp_path / "other")
    assert elsewhere.output == tmp_path / "other" / "hero" / "v001", "in another output folder the name is free"


def test_missing_frames_wait_for_a_person_and_accept_keys_what_is_there(tmp_path):
    shot = make_shot(tmp_path / "plates", [1, 2, 5])
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        assert job.state is JobState.NEEDS_ATTENTION
        assert "2 frames are missing: 3-4" in job.problem.message
        queue.accept(job.id)
        done = queue.wait(job.id, PATIENCE)
        assert done.state is JobState.DONE and done.frames == (1, 2, 5) and done.version == 1


def test_frames_that_arrive_later_are_taken_up_by_retry(tmp_path):
    shot = make_shot(tmp_path / "plates", [1, 2, 4])
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        job, _ = queue.submit(make_request(shot, frames="1-4"), shot)
        assert queue.retry(job.id).state is JobState.NEEDS_ATTENTION
        make_shot(tmp_path / "plates", [3])
        queue.retry(job.id)
        assert queue.wait(job.id, PATIENCE).frames == (1, 2, 3, 4)


def test_a_shot_that_grew_before_it_was_keyed_stays_one_job(idle, tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 4))
    first, _ = idle.submit(make_request(shot), shot)
    shot = make_shot(tmp_path / "plates", range(1, 8))
    second, created = idle.submit(make_request(shot), shot)
    assert not created and second.id == first.id and second.frames == tuple(range(1, 8))


def test_an_unsettled_shot_waits_until_it_is_settled(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 3))
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        job, created = queue.submit(make_request(shot), shot, settled=False)
        assert created and job.state is JobState.WAITING_INPUT
        assert queue.submit(make_request(shot), shot, settled=False) == (job, False)
        shot = make_shot(tmp_path / "plates", range(1, 6))
        assert queue.settle(job.id, shot, make_request(shot)).id == job.id
        assert queue.wait(job.id, PATIENCE).frames_done == 5
        assert queue.settle(job.id, shot, make_request(shot)).state is JobState.DONE


def test_a_waiting_shot_that_turns_out_to_be_done_already_merges(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 3))
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        done = queue.wait(queue.submit(make_request(shot), shot)[0].id, PATIENCE)
        assert queue.submit(make_request(shot), shot, settled=False) == (done, False)
        (shot.folder / "hero.0002.png").rename(tmp_path / "away.png")
        partial = shot_from_plate(shot.folder)
        waiting, created = queue.submit(make_request(partial), partial, settled=False)
        assert created
        (tmp_path / "away.png").rename(shot.folder / "hero.0002.png")
        assert queue.settle(waiting.id, shot, make_request(shot)).id == done.id
        with pytest.raises(NotFound):
            queue.get(waiting.id)


def test_cancel_stops_within_a_frame_twice_is_once_and_done_cannot_be_cancelled(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 101))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 2, "two frames")
        assert queue.cancel(job.id).state is JobState.CANCELLED
        seen = queue.get(job.id).frames_done
        assert queue.cancel(job.id).state is JobState.CANCELLED
        until(lambda: queue.workers()[0].state == "ready", "the worker is free again")
        assert len(written_frames(job)) <= seen + 2
        short = make_shot(tmp_path / "plates", range(1, 2), name="short")
        short = short.model_copy(update={"frames": (1,)})
        other = queue.wait(queue.submit(make_request(short), short)[0].id, PATIENCE)
        with pytest.raises(WrongState):
            queue.cancel(other.id)


def test_pause_keeps_finished_frames_and_resume_goes_on_at_the_first_missing_one(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 16))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 3, "three frames")
        assert queue.pause(job.id).state is JobState.PAUSED
        until(lambda: queue.workers()[0].state == "ready", "the worker is free again")
        assert queue.get(job.id).state is JobState.PAUSED
        assert queue.resume(job.id).state is JobState.QUEUED
        done = queue.wait(job.id, PATIENCE, {JobState.DONE})
        assert done.state is JobState.DONE and done.attempt == 2
        assert sorted(written_frames(job)) == list(range(1, 16))


def test_a_cancelled_job_that_is_submitted_again_goes_on_in_the_same_version(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 16))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 2, "two frames")
        queue.cancel(job.id)
        again, created = queue.submit(make_request(shot), shot)
        assert again.id == job.id and not created and again.state is JobState.QUEUED
        assert queue.wait(job.id, PATIENCE).state is JobState.DONE
        assert sorted(written_frames(job)) == list(range(1, 16))


def test_progress_shows_rate_and_time_left(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 31))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        seen = until(lambda: (j := queue.get(job.id)).frames_done >= 8 and j, "eight frames")
        assert 2 < seen.frames_per_second <= 10.5
        assert seen.eta_seconds == pytest.approx((30 - seen.frames_done) / seen.frames_per_second, rel=0.01)
        queue.cancel(job.id)


def test_a_failed_frame_leaves_a_named_hole_that_retry_fills(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 5))
    with running_queue(tmp_path / "home", "fails_frame_2") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        held = queue.wait(job.id, PATIENCE)
        assert held.state is JobState.NEEDS_ATTENTION
        assert held.problem.kind == "incomplete" and "1 of 4 frames failed (2): It is cut off." in held.problem.message
        assert held.frames_done == 3 and held.frames_failed == 1
        shot.frame_path(2).write_bytes(b"mended")
        queue.retry(job.id)
        done = queue.wait(job.id, PATIENCE)
        assert done.state is JobState.DONE and done.version == 1 and done.frames_failed == 0 and done.problem is None
        assert written_frames(job) == [1, 3, 4, 2]


def test_accepted_holes_make_the_job_and_its_manifest_done(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 5))
    with running_queue(tmp_path / "home", "fails_frame_2") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        queue.wait(job.id, PATIENCE)
        done = queue.accept(job.id)
        assert done.state is JobState.DONE
        manifest = read_manifest(done.manifest)
        assert manifest.state == "done" and manifest.accepted
        assert [r.frame for r in manifest.frames if r.state is FrameState.FAILED] == [2]
        with pytest.raises(WrongState):
            queue.accept(job.id)


def test_bad_input_fails_with_its_reason_and_is_not_tried_again(tmp_path):
    shot = make_shot(tmp_path / "plates")
    with running_queue(tmp_path / "home", "finds_no_screen") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        failed = queue.wait(job.id, PATIENCE)
        assert failed.state is JobState.FAILED and failed.problem.kind == "no_screen" and failed.attempt == 1


def test_a_lost_root_freezes_its_jobs_and_their_return_thaws_them(idle, tmp_path):
    inside, outside = make_shot(tmp_path / "share" / "a"), make_shot(tmp_path / "local" / "b", name="other")
    frozen, _ = idle.submit(make_request(inside), inside)
    free, _ = idle.submit(make_request(outside), outside)
    idle.root_lost(tmp_path / "share")
    assert idle.get(frozen.id).state is JobState.ROOT_OFFLINE and idle.get(free.id).state is JobState.QUEUED
    idle.root_back(tmp_path / "share")
    assert idle.get(frozen.id).state is JobState.QUEUED


def test_a_range_without_a_single_frame_is_refused(idle, tmp_path):
    shot = make_shot(tmp_path / "plates")
    with pytest.raises(BadInput):
        idle.submit(make_request(shot, frames="500-510"), shot)


def test_events_are_told_in_order_and_can_be_read_again(idle, tmp_path):
    shot = make_shot(tmp_path / "plates")
    with idle.subscribe() as heard:
        job, _ = idle.submit(make_request(shot), shot)
        idle.pause(job.id)
        idle.cancel(job.id)
        told = [heard.get(timeout=5) for _ in range(3)]
    assert [event.data["state"] for event in told] == ["queued", "paused", "cancelled"]
    assert list(idle.events_since(0, job_id=job.id)) == told
    assert list(idle.events_since(told[0].id)) == told[1:]


def test_a_listener_that_does_not_read_holds_nobody_up(idle, tmp_path):
    shot = make_shot(tmp_path / "plates")
    slow = idle.subscribe()
    job, _ = idle.submit(make_request(shot), shot)
    for number in range(1100):
        idle.set_priority(job.id, number % 100)
    assert slow.lost
    slow.close()


def test_acting_on_an_unknown_job_says_not_found(idle):
    for act in (idle.get, idle.cancel, idle.pause, idle.resume, idle.retry, idle.accept, idle.frames):
        with pytest.raises(NotFound):
            act("0" * 32)


def test_after_a_death_frames_are_keyed_one_at_a_time_until_the_shot_is_through(tmp_path):
    shot = make_shot(tmp_path / "plates", range(1, 6))
    store, worker = JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home", restart_delay_seconds=0.0), store, worker)
    queue.start()
    job, _ = queue.submit(make_request(shot), shot)
    orders = []
    for attempt in (1, 2, 3):
        until(lambda number=attempt: worker.current and worker.current[1] == number, f"attempt {attempt}")
        orders.append(worker.current[2])
        worker.current = None
        if attempt < 3:
            ids = {"job_id": job.id, "attempt": attempt}
            # With frames overlapping, three are in hand when the first worker dies; the careful one dies over frame 3.
            for frame in (2, 3, 4) if attempt == 1 else (3,):
                worker.tell(FrameStarted(**ids, frame=frame))
            worker.tell(ShotLost(job.id, attempt, Problem(kind="worker_lost", message="It died.")))
    assert [order.careful for order in orders] == [False, True, True]
    assert [[result.frame for result in order.given_up] for order in orders] == [[], [], [3]]
    assert all(order.frames == shot.frames for order in orders)
    queue.stop()
    store.close()


def test_a_database_without_room_delays_the_record_but_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("service.queue.loop.TICK_SECONDS", 0.05)
    shot = make_shot(tmp_path / "plates", range(1, 41))
    with running_queue(tmp_path / "home", "keys_slowly") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        until(lambda: queue.get(job.id).frames_done >= 2, "two frames")
        store = queue._store
        with queue._lock, store._transaction() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        # Fill what is left of the last page, until the disk is "full".
        with pytest.raises(Transient, match="full"):
            for number in range(10_000):
                store.remember_key(f"{number}" * 40, "x", job.id)
        until(lambda: len(written_frames(job)) == 40, "the worker has finished meanwhile")
        assert queue.get(job.id).state is JobState.RUNNING
        assert "database or disk is full" in queue.problem
        with store._transaction() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
        done = queue.wait(job.id, PATIENCE)
        until(lambda: not queue.problem, "it is over")
        assert done.state is JobState.DONE and done.frames_done == 40 and done.attempt == 1


def test_half_a_status_file_that_a_killed_service_left_is_swept(tmp_path):
    shot = make_shot(tmp_path / "plates")
    place = tmp_path / "home" / "output" / "hero"
    place.mkdir(parents=True)
    half = place / ".status.json.999999999.tmp"
    half.write_text("{", encoding="utf-8")
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        job, _ = queue.submit(make_request(shot), shot)
        queue.wait(job.id, PATIENCE)
    assert (place / "status.json").is_file() and not half.exists()


def test_frames_of_one_attempt_are_taken_together_though_others_speak_in_between():
    def frame(job_id: str, number: int, attempt: int = 1) -> FrameFinished:
        result = FrameResult(frame=number, state=FrameState.DONE)
        return FrameFinished(job_id=job_id, attempt=attempt, result=result)

    over = ShotFinished(job_id="a", attempt=1, outcome="done", manifest=Path("m"))
    events = [frame("a", 1), frame("b", 1), CapacityChanged(), frame("a", 2), over, frame("a", 3), frame("a", 4, 2)]
    assert next_together(events) == [events[0], events[3]]
    assert next_together(events[1:]) == [events[1]]
    assert next_together([over, *events]) == [over]
