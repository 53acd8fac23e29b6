"""Workers that are started again are counted by why the one before ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from service.executor import LocalExecutor
from service.executor.endings import reason_of
from service.queue import JobQueue
from tests.service.running import make_request, make_settings, make_shot, running_queue, until


def restarts(queue: JobQueue | LocalExecutor) -> dict[str, int]:
    return dict(queue.workers()[0].restarts)


@pytest.mark.parametrize(
    ("worker", "reason", "settings"),
    [
        ("dies_at_every_shot", "exited", {}),
        ("talks_rubbish", "garbled", {}),
        ("hangs_on_frame_3_once", "hung", {"frame_deadline_seconds": 1.0}),
        ("slow_to_load", "hung", {"load_deadline_seconds": 0.5}),
        ("has_no_keyer", "unable", {}),
    ],
)
def test_a_restart_is_counted_with_its_reason(
    tmp_path: Path, worker: str, reason: str, settings: dict[str, Any]
) -> None:
    shot = make_shot(tmp_path / "plates", range(1, 6))
    with running_queue(tmp_path / "home", worker, **settings) as queue:
        queue.submit(make_request(shot), shot)
        until(lambda: restarts(queue), "a restart")
        assert set(restarts(queue)) == {reason}


def test_a_worker_that_was_never_replaced_counts_as_none(tmp_path: Path) -> None:
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        until(lambda: queue.workers()[0].state == "ready", "a ready worker")
        assert restarts(queue) == {}


@pytest.mark.skipif(os.name == "nt", reason="there, an exit code does not tell that a process was killed")
def test_a_worker_that_somebody_killed_is_counted_as_killed(tmp_path: Path) -> None:
    with running_queue(tmp_path / "home", "keys_at_once") as queue:
        os.kill(until(lambda: queue.workers()[0].state == "ready" and queue.workers()[0].pid, "ready"), signal.SIGKILL)
        until(lambda: restarts(queue) == {"killed": 1}, "the restart")


def test_a_program_that_is_not_there_is_counted_as_not_started(tmp_path: Path) -> None:
    executor = LocalExecutor(make_settings(tmp_path), command=[str(tmp_path / "nothing")], cards=())
    executor.start(lambda _event: None)
    until(lambda: set(restarts(executor)) == {"not_started"}, "a try")
    executor.close()


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (0, "exited"),
        (1, "exited"),
        (4, "device_lost"),
        (-9, "killed"),
        (137, "killed"),
        (-11, "crashed"),
        (0xC0000005, "crashed"),
        (0xC0000005 - 2**32, "crashed"),
        (-15, "exited"),
    ],
)
def test_an_exit_code_tells_why(exit_code: int, reason: str) -> None:
    assert reason_of(exit_code) == reason
