"""The farm's benchmark runs a real farm, whose workers only wait."""

from __future__ import annotations

import pytest

from service.bench_farm import bench_farm

pytest.importorskip("distributed")


@pytest.mark.timeout(300)
def test_shots_go_through_a_farm_of_waiting_workers() -> None:
    found = bench_farm(2, shots=2, frame_seconds=0.002, part_frames=16)
    assert (found.workers, found.shots) == (2, 2)
    assert 0.0 < found.ideal_share < 1.0 and 0.0 < found.first_frame_seconds <= found.seconds
    assert found.scheduler_mib > 1 and found.service_mib > 1
