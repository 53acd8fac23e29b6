"""The panel on a simulated After Effects: every test file of Node's own runner is one test here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ae_scripts.node import node

SUITES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name.removesuffix(".test.mjs"))
def test_panel(suite: Path, panel_file: Path) -> None:
    done = node("--test", "--test-reporter=tap", str(suite), DROPKEY_PANEL_BUNDLE=str(panel_file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout, done.stdout


def test_the_suites_are_there() -> None:
    assert len(SUITES) >= 8
