"""A card that is gone ends its worker, not its frames: the next worker goes on where it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from service.executor import LocalExecutor
from service.jobs import JobState
from service.queue import JobQueue
from service.store import JobStore
from tests.service.pipeline_runs import files_of, run, states
from tests.service.running import PATIENCE, WORKERS, make_request, make_settings
from tests.service.shots_on_disk import LinearKeyer, order_for, write_shot


def test_a_lost_device_is_no_fault_of_the_frame_and_stops_the_shot(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 6)), tmp_path / "out")

    def lose(count: int) -> None:
        if count >= 3:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    keyer = LinearKeyer(lose)
    with pytest.raises(torch.AcceleratorError):
        run(order, keyer)
    assert keyer.keyed == 3, "no other frame is tried in vain"
    assert "failed" not in states(order).values()
    assert run(order).outcome == "done"


@pytest.mark.timeout(300)
def test_a_worker_whose_device_is_lost_is_started_again_and_its_shot_comes_out_as_ever(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    settings = make_settings(tmp_path / "home", minimum_free_gib=0.0)
    store = JobStore(settings.database)
    command = [sys.executable, str(WORKERS / "loses_its_device_once.py"), "--device", "auto", str(tmp_path / "lost")]
    queue = JobQueue(settings, store, LocalExecutor(settings, command=command, cards=()))
    queue.start()
    try:
        job, _ = queue.submit(make_request(shot), shot)
        ends = {JobState.DONE, JobState.FAILED, JobState.NEEDS_ATTENTION}
        done = queue.wait(job.id, 8 * PATIENCE, ends)
        assert (done.state, done.attempt, done.frames_failed) == (JobState.DONE, 2, 0), done.problem
        assert (tmp_path / "lost").exists()
        (worker,) = queue.workers()
        assert worker.restarts == {"device_lost": 1}
        assert worker.problem is not None and "graphics driver" in worker.problem.fix
    finally:
        queue.stop()
        store.close()
    calm = order_for(shot, tmp_path / "calm", settings=job.request.settings)
    run(calm)
    assert {name: len(content) for name, content in files_of(calm).items()} == {
        name: len(content)
        for name, content in files_of(order_for(shot, job.output, settings=job.request.settings)).items()
    }
