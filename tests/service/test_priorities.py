"""Which job goes first, and that a new priority counts for one that runs."""

from __future__ import annotations

from service.jobs import JobState
from service.queue import JobQueue
from service.store import JobStore
from tests.service.running import NobodyWorks, OneWorker, make_request, make_settings, make_shot, until


def test_higher_priority_goes_first_then_age(tmp_path):
    shots = [make_shot(tmp_path / "plates", range(1, 3), name=f"s{n}") for n in range(4)]
    store = JobStore()
    queue = JobQueue(make_settings(tmp_path / "home"), store, NobodyWorks())
    jobs = [
        queue.submit(make_request(shot, priority=p), shot)[0] for shot, p in zip(shots, (50, 50, 90, 10), strict=True)
    ]
    queue.set_priority(jobs[3].id, 95)
    order = []
    while (job := store.next_queued(exclude=order)) is not None:
        order.append(job.id)
    assert order == [jobs[3].id, jobs[2].id, jobs[0].id, jobs[1].id]
    store.close()


def test_the_executor_hears_of_a_running_shots_new_priority(tmp_path):
    shots = [make_shot(tmp_path / "plates", name=name) for name in ("hero", "other")]
    store, worker = JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home"), store, worker)
    queue.start()
    running, waiting = (queue.submit(make_request(shot), shot)[0] for shot in shots)
    until(lambda: worker.current and queue.get(running.id).state is JobState.RUNNING, "its start")
    queue.set_priority(waiting.id, 70)
    queue.set_priority(running.id, 20)
    assert worker.priorities == [(running.id, 20)]
    queue.stop()
    store.close()
