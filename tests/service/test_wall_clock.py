"""Nothing waits, starts or is killed by the wall clock, which people, daylight saving and time servers set.

The clocks are those that the service has by itself, in a process whose wall clock runs by a day at each look.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.running import WORKERS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("days", [1, -1])
def test_settling_and_deadlines_do_not_heed_the_wall_clock(tmp_path: Path, days: int) -> None:
    ran = subprocess.run(
        [sys.executable, str(WORKERS / "under_a_wild_wall_clock.py"), str(days), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["settled after"] >= 1.5
    assert found["hung"] == ["done", 2], "who hangs is killed, and its shot goes on"
    assert found["silent"] == ["done", 1], "who is silent for a moment is not"
