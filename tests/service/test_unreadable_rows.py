"""One row that this version cannot read is named and passed over; jobs go on whatever nobody foresaw."""

import json
import time

import pytest
import sqlalchemy as sa

from service.drop_folder import DropFolders
from service.errors import JobUnreadable
from service.jobs import FrameResult, FrameState, JobState
from service.messages import FrameFinished, ShotFinished, ShotStarted
from service.paths import Paths
from service.queue import JobQueue
from service.server import checks
from service.store import JobStore
from tests.service.jobs_in_store import add, make_job
from tests.service.running import OneWorker, make_request, make_settings, make_shot, until

NEWER = json.dumps({"plate": "/p/s.####.png", "wished_by_the_next_version": True})
DAMAGES = {
    "a field of a newer version": {"request": sa.literal(NEWER)},
    "broken JSON": {"shot": sa.literal('{"name": ')},
    "a state of a newer version": {"state": sa.literal("archived")},
    "no time": {"created_at": sa.literal("yesterday")},
    "a screen that is none": {"screen": sa.literal("[1, 2]")},
}


def damage(store: JobStore, number: int, values) -> str:
    """Write into the row of a job what another version, or a fault of the disk, might leave there."""
    job_id = f"{number:032x}"
    columns = ", ".join(f"{name} = :{name}" for name in values)
    given = {name: value.value for name, value in values.items()}
    with store._transaction() as connection:
        connection.execute(sa.text(f"UPDATE job SET {columns} WHERE id = :id"), given | {"id": job_id})
    return job_id


@pytest.mark.parametrize("values", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_row_that_cannot_be_read_is_named_and_hides_no_other(values, caplog):
    store = JobStore()
    for number in (1, 2, 3):
        add(store, number, identity="same", output=make_job(1).output)
    bad = damage(store, 2, values)
    good = [f"{1:032x}", f"{3:032x}"]
    for _ in range(2):
        assert [job.id for job in store.list().jobs] == good[::-1]
    assert [job.id for job in store.in_state(JobState.QUEUED)] == good
    assert [job.id for job in store.list(states=[JobState.QUEUED, JobState.DONE]).jobs] == good[::-1]
    assert store.next_queued().id == good[1] and store.next_queued(exclude=[good[1]]).id == good[0]
    assert store.with_identity("same").id == good[1]
    assert {job.id for job, _ in store.at_place(make_job(1).output.parent)} == set(good)
    assert store.newest_at(make_job(1).output.parent).id in good
    assert store.oldest(JobState.QUEUED).id == good[0]
    assert store.counts()[JobState.QUEUED] >= 2
    with pytest.raises(JobUnreadable, match=bad):
        store.get(bad)
    assert bad in store.unreadable and "cannot be read" in store.unreadable[bad]
    assert len([record for record in caplog.records if bad in record.message]) == 1
    store.close()


def test_frames_and_events_that_cannot_be_read_are_passed_over():
    store = JobStore()
    job = add(store, 1)
    store.record_frames(job.id, [FrameResult(frame=n, state=FrameState.DONE) for n in (1, 2, 3)])
    with store._transaction() as connection:
        connection.execute(sa.text("UPDATE frame SET result = '{' WHERE frame = 2"))
        connection.execute(sa.text("UPDATE event SET data = 'no' WHERE id = 2"))
    assert [result.frame for result in store.frames(job.id)] == [1, 3]
    known = [event.id for event in store.events_since(0)]
    assert 2 not in known and len(known) == store.last_event() - 1
    store.close()


class Played:
    """A queue whose worker the test plays."""

    def __init__(self, tmp_path):
        self.settings = make_settings(tmp_path / "home")
        self.store, self.worker = JobStore(), OneWorker()
        self.queue = JobQueue(self.settings, self.store, self.worker)
        self.shots = {name: make_shot(tmp_path / "plates", range(1, 3), name=name) for name in ("bad", "good")}

    def submit(self, name):
        return self.queue.submit(make_request(self.shots[name]), self.shots[name])[0]

    def key(self, job):
        """Play a worker that keys the job at once."""
        _, attempt, order = until(lambda: (now := self.worker.current) and now[0] == job.id and now, "the order")
        ids = {"job_id": job.id, "attempt": attempt}
        screen = {"color": (0, 1, 0), "coverage": 0.5}
        self.worker.tell(ShotStarted(**ids, screen=screen, frames=order.frames, kept=()))
        for frame in order.frames:
            self.worker.tell(FrameFinished(**ids, result=FrameResult(frame=frame, state=FrameState.DONE)))
        self.worker.current = None
        self.worker.tell(ShotFinished(**ids, outcome="done", manifest=order.output / "manifest.json"))

    def ready(self):
        folders = DropFolders(self.settings, Paths(self.settings), self.queue)
        return checks(self.settings, self.store, self.queue, folders)


@pytest.fixture
def played(tmp_path, monkeypatch):
    monkeypatch.setattr("service.queue.loop.TICK_SECONDS", 0.02)
    playing = Played(tmp_path)
    playing.queue.start()
    yield playing
    playing.queue.stop()
    playing.store.close()


def test_an_unreadable_job_at_the_head_of_the_queue_holds_up_no_other_and_is_told(played):
    busy = played.submit("good")
    until(lambda: played.worker.current, "the first order")
    bad = played.submit("bad")
    played.queue.set_priority(bad.id, 100)
    damage(played.store, int(bad.id, 16), DAMAGES["a field of a newer version"])
    next_one = played.queue.submit(make_request(played.shots["good"], key_again=True), played.shots["good"])[0]
    played.key(busy)
    played.key(next_one)
    assert played.queue.wait(next_one.id, 10).state is JobState.DONE
    told = played.ready()
    assert told["queue"].ok and bad.id in told["store"].detail


def test_a_job_that_cannot_be_started_for_an_unforeseen_reason_fails_and_the_next_one_runs(played, monkeypatch):
    begin = played.queue._dispatcher._begin

    def begins(job):
        if job.shot.name == "bad":
            raise ZeroDivisionError("a share of no frames")
        return begin(job)

    monkeypatch.setattr(played.queue._dispatcher, "_begin", begins)
    bad, good = played.submit("bad"), played.submit("good")
    failed = played.queue.wait(bad.id, 10)
    assert failed.state is JobState.FAILED and "ZeroDivisionError: a share of no frames" in failed.problem.message
    played.key(good)
    assert played.queue.wait(good.id, 10).state is JobState.DONE


def test_a_shot_whose_end_could_not_be_recorded_is_not_left_running(played, monkeypatch):
    monkeypatch.setattr(played.queue._dispatcher, "_on_finished", lambda *_: 1 / 0)
    job = played.submit("bad")
    played.key(job)
    assert played.queue.wait(job.id, 10).state is JobState.FAILED


def test_the_loop_survives_what_nobody_foresaw_says_so_and_goes_on(played, monkeypatch):
    broken = [True]
    dispatch = played.queue._dispatcher._dispatch

    def dispatches():
        if broken[0]:
            raise KeyError("unforeseen")
        dispatch()

    monkeypatch.setattr(played.queue._dispatcher, "_dispatch", dispatches)
    job = played.submit("good")
    until(lambda: "KeyError: 'unforeseen'" in played.queue.problem, "it is told")
    assert not played.ready()["queue"].ok
    broken[0] = False
    played.key(job)
    assert played.queue.wait(job.id, 10).state is JobState.DONE
    until(lambda: played.ready()["queue"].ok, "it is over")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_loop_is_not_ready(played, monkeypatch):
    def dies():
        raise SystemExit

    monkeypatch.setattr(played.queue._dispatcher, "_dispatch", dies)
    played.queue._dispatcher.wake()
    deadline = time.monotonic() + 10
    while played.queue._dispatcher._loop._thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    told = played.ready()["queue"]
    assert not told.ok and "has ended" in told.detail
