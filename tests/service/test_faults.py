"""The table of faults names tests that are there, and a test for each fault."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+) \| .*\| (.*) \|$", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_every_fault_has_a_row_and_every_row_a_test() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 34))
    assert all("::test_" in named for _, named in ROWS)


def test_every_test_that_the_table_names_is_there() -> None:
    for number, named in ROWS:
        for file, name in re.findall(r"`([\w./]+\.py)::(\w+)`", named):
            text = (ROOT / "tests" / "service" / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{number}: there is no {file}::{name}"
