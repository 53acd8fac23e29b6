"""Mutants are drawn by a seed; those that no test notices are listed with a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.mutants import ROOT, TESTS, copied, mutants_of, sampled, survives, write

LISTED = set(re.findall(r"^- `([^`]+)`", (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8"), re.MULTILINE))


def test_a_seed_draws_the_same_mutants_from_every_folder() -> None:
    drawn = sampled(7, 2 * len(TESTS))
    assert drawn == sampled(7, 2 * len(TESTS)) != sampled(8, 2 * len(TESTS))
    assert {mutant.file.rpartition("/")[0] for mutant in drawn} == set(TESTS) and len(set(drawn)) == len(drawn)
    for names in TESTS.values():
        assert all((ROOT / "tests" / "service" / f"test_{name}.py").is_file() for name in names)


def test_a_mutant_differs_from_its_file_in_one_place(tmp_path: Path) -> None:
    (tmp_path / "service" / "queue").mkdir(parents=True)
    original = ast.unparse(ast.parse((ROOT / "service/queue/room.py").read_text(encoding="utf-8"))).splitlines()
    mutants = list(mutants_of("service/queue/room.py"))
    assert len(mutants) > 10
    for mutant in mutants:
        write(mutant, tmp_path)
        changed = (tmp_path / mutant.file).read_text(encoding="utf-8").splitlines()
        assert sum(ours != theirs for ours, theirs in zip(original, changed, strict=True)) == 1


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_drawn_mutant_is_noticed_or_listed_with_a_reason(tmp_path: Path) -> None:
    root = copied(tmp_path)
    survivors = {mutant.name for mutant in sampled(7, 10) if survives(mutant, root)}
    assert {re.sub(r":\d+ ", " ", name) for name in survivors} <= LISTED
