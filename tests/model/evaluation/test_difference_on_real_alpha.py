"""The difference keyer on photographs with captured alpha: the figures it must reach (see docs/score.md)."""

from __future__ import annotations

import pytest

from model.evaluation import sets
from model.evaluation.contenders import OurKeyer
from model.evaluation.results import Row
from model.evaluation.run import score
from tests.model.evaluation.made_up import read_picture, shared_plates

pytestmark = pytest.mark.timeout(300)  # the keying of all plates counts to the first test

LIMITS = {"mad": 9e-3, "edge_mad": 60e-3, "recomposition": 5e-3, "core": 3e-3}


@pytest.fixture(scope="module")
def row() -> Row:
    plate_set = sets.real_alpha(shared_plates(), read_picture)
    if plate_set.missing:
        pytest.skip(f"the real-alpha plates are NOT measured: {plate_set.missing}")
    return score(OurKeyer("difference"), plate_set)


def test_every_plate_is_measured_and_none_refused(row: Row) -> None:
    assert len(row.results) >= 15
    assert [result.name for result in row.results if result.refused] == []


@pytest.mark.parametrize("figure", sorted(LIMITS))
def test_mean_error_stays_under_its_limit(row: Row, figure: str) -> None:
    assert row.mean(figure) <= LIMITS[figure]
