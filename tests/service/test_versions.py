"""A version folder belongs to who makes it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from service import versions
from service.jobs import JobState
from service.messages import ShotFinished
from service.queue import JobQueue
from service.store import JobStore
from service.versions import claim_version, claimed_version
from tests.service.running import PATIENCE, OneWorker, make_request, make_settings, make_shot, until


def test_whoever_claims_at_one_time_gets_a_version_of_its_own(tmp_path: Path) -> None:
    together, claimed = threading.Barrier(8), []

    def claim() -> None:
        together.wait()
        claimed.append(claim_version(tmp_path / "hero")[1])

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 9))


def test_a_version_that_is_not_listed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("v001", "v002"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(versions.os, "listdir", lambda _: [])  # as of a folder that may be written but not read
    assert claim_version(tmp_path) == (tmp_path / "v003", 3)


def test_the_version_that_was_told_is_taken_while_it_is_free(tmp_path: Path) -> None:
    assert claim_version(tmp_path, first=4, known=[9])[1] == 4
    assert claim_version(tmp_path, first=4, known=[9])[1] == 10


def test_a_claim_that_comes_to_nothing_is_given_back(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), claimed_version(tmp_path, first=1, known=()):
        raise RuntimeError("the database is full")
    assert list(tmp_path.iterdir()) == []


def test_two_services_on_one_output_never_key_into_one_version(tmp_path: Path) -> None:
    """Both told v001 while nothing lay there; who starts second gets the next one, and says so."""
    shot = make_shot(tmp_path / "plates")
    settings = [make_settings(tmp_path / name, output_root=tmp_path / "shared") for name in ("home1", "home2")]
    stores, executors = [JobStore(), JobStore()], [OneWorker(), OneWorker()]
    queues = [JobQueue(*parts) for parts in zip(settings, stores, executors, strict=True)]
    jobs = [queue.submit(make_request(shot), shot)[0] for queue in queues]
    assert [job.version for job in jobs] == [1, 1]
    for queue, executor in zip(queues, executors, strict=True):
        queue.start()
        until(lambda executor=executor: executor.current, "the order")
    orders = [executor.current[2] for executor in executors]
    told = [queue.get(job.id) for queue, job in zip(queues, jobs, strict=True)]
    for queue, store in zip(queues, stores, strict=True):
        queue.stop()
        store.close()
    assert [order.output.name for order in orders] == ["v001", "v002"]
    assert [(job.version, job.output) for job in told] == [(order.version, order.output) for order in orders]


def test_a_claimed_version_is_kept_by_further_attempts(tmp_path: Path) -> None:
    shot, store, executor = make_shot(tmp_path / "plates"), JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home"), store, executor)
    queue.start()
    job, _ = queue.submit(make_request(shot), shot)
    until(lambda: executor.current, "the order")
    queue.pause(job.id)
    (job_id, attempt, _), executor.current = executor.current, None
    executor.tell(ShotFinished(job_id=job_id, attempt=attempt, outcome="stopped", manifest=job.output / "m"))
    queue.resume(job.id)
    again = until(lambda: executor.current, "the order anew")
    queue.stop()
    store.close()
    assert again[1] == 2 and again[2].output == job.output and again[2].version == 1


def test_a_version_that_cannot_be_made_is_told_and_made_at_the_retry(tmp_path: Path) -> None:
    shot, store, executor = make_shot(tmp_path / "plates"), JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home", output_root=tmp_path / "out", attempts=1), store, executor)
    (tmp_path / "out").write_text("a file in its place", encoding="utf-8")
    queue.start()
    job, _ = queue.submit(make_request(shot), shot)
    failed = queue.wait(job.id, PATIENCE)
    assert failed.state is JobState.FAILED and "cannot be written" in failed.problem.message
    (tmp_path / "out").unlink()
    queue.retry(job.id)
    order = until(lambda: executor.current, "the order")[2]
    queue.stop()
    store.close()
    assert order.output == tmp_path / "out" / "hero" / "v001" and order.output.is_dir()
