"""What `dropkey bench --api` says was measured on a real service with a full queue."""

from __future__ import annotations

import pytest

from service import bench_api
from tests.service.serving import PATIENCE


@pytest.mark.timeout(300)
def test_lists_are_timed_and_the_services_cpu_while_others_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_api, "_START_SECONDS", PATIENCE)
    measured = bench_api.bench_api(jobs=40, listeners=3, frames=4)
    assert (measured.jobs, measured.listeners) == (40, 3)
    assert 0 < measured.list_median_ms <= measured.list_p95_ms
    assert measured.events_heard >= 3 * 2  # each heard the snapshot, and something of the shot
    assert measured.shot_seconds > 0 and measured.api_cpu_seconds >= 0
