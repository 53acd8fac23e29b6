"""What `dropkey bench --api` says was measured on a real service with a full queue."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from service import bench_api
from service.cli import app


@pytest.mark.timeout(300)
def test_lists_are_timed_and_the_services_cpu_while_others_listen() -> None:
    measured = bench_api.bench_api(jobs=40, listeners=3, frames=4)
    assert (measured.jobs, measured.listeners) == (40, 3)
    assert 0 < measured.list_median_ms <= measured.list_p95_ms
    assert measured.events_heard >= 3 * 2  # each heard the snapshot, and something of the shot
    assert measured.shot_seconds > 0 and measured.api_cpu_seconds >= 0


def test_bench_api_tells_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = bench_api.ApiMeasurement(
        jobs=10_000,
        list_median_ms=51.5,
        list_p95_ms=60.25,
        listeners=50,
        shot_seconds=18.2,
        api_cpu_seconds=1.65,
        events_heard=5033,
    )
    monkeypatch.setattr(bench_api, "bench_api", lambda: measured)
    words = CliRunner().invoke(app, ["bench", "--api"])
    assert words.exit_code == 0, words.output
    assert "10000 jobs: median 51.5 ms, 95 % in 60.25 ms" in words.stdout
    assert "50 event streams during a shot of 18.2 s: 1.65 CPU seconds" in words.stdout and "5033" in words.stdout
    assert json.loads(CliRunner().invoke(app, ["bench", "--api", "--json"]).stdout) == measured.model_dump()
