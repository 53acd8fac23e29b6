"""run.py speaks little while it sets up, and when there is nothing to set up it is quick."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.setups import copied_setup, fake_environment


@pytest.fixture
def run(tmp_path: Path) -> ModuleType:
    return copied_setup(tmp_path / "project")


def test_what_a_step_costs_is_shown_while_it_goes_on_where_somebody_looks(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The step ends when its cost has been told twice, so that no clock decides."""
    seen = tmp_path / "seen"
    told: list[tuple[str, str]] = []

    def tell(text: str, end: str = "\n") -> None:
        told.append((text, end))
        if sum(ending == "\r" for _, ending in told) == 2:
            seen.touch()

    monkeypatch.setattr(run, "tell", tell)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(seen)!r}).exists(): time.sleep(0.05)"
    assert run.build([sys.executable, "-c", waits], "something large") == 0
    costs = [text for text, end in told if end == "\r"]
    assert costs and all(re.fullmatch(r" +\d+ MB in \d+:\d\d", cost) for cost in costs)
    assert told[-1][1] == "\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a script that stands for the environment's Python")
def test_the_second_run_reaches_the_command_in_less_than_a_third_of_a_second(run: ModuleType, tmp_path: Path) -> None:
    """Of the processor's time, as the clock on the wall tells of other programs too."""
    import resource

    fake_environment(run)
    run.venv_python().write_text("#!/bin/sh\nexit 7\n", encoding="utf-8")
    run.venv_python().chmod(0o755)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, str(run.ROOT / "run.py"), "doctor"], env=dict(os.environ), check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 7, "the command was called"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3
