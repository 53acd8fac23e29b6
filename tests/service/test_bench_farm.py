"""The farm's benchmark runs a real farm, whose workers only wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.bench_farm import FarmMeasurement

pytest.importorskip("distributed")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_shots_go_through_a_farm_of_waiting_workers() -> None:
    # In a process of its own, as `dropkey bench` is: a client of Dask leaves threads behind when its scheduler is slow.
    code = "from service.bench_farm import bench_farm as b; print(b(2, 2, 0.002, 16).model_dump_json())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    found = FarmMeasurement.model_validate_json(done.stdout.splitlines()[-1])
    assert (found.workers, found.shots) == (2, 2)
    assert 0.0 < found.ideal_share < 1.0 and found.first_frame_seconds <= found.seconds
    assert 0.0 < found.busy_share < 1.0 and 0.0 <= found.longest_idle_seconds <= found.seconds
    assert 0.0 <= found.tail_seconds <= found.seconds and found.list_ms > 0.0
    assert found.scheduler_mib > 1 and found.service_mib > 1
