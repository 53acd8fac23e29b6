"""The rendered set: it lies with the code, holds together, and tells markers from the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.data.blender.recipe import KINDS
from model.data.dataset import check, find_shots, read_description
from model.evaluation.rendered import FOLDER, rendered
from service.cli.data import read_linear
from service.plates import read_picture

LARGEST_SET_BYTES = 8 * 2**20


def test_eight_shots_of_every_kind_hold_together() -> None:
    descriptions = [read_description(shot) for shot in find_shots(FOLDER)]
    assert len(descriptions) == 8 and {one.recipe["kind"] for one in descriptions} == set(KINDS)
    assert list(check(FOLDER, read_linear)) == []
    assert max(one.recipe["disagreement"] for one in descriptions) < 0.02


def test_the_set_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.exr")) < LARGEST_SET_BYTES


def test_plates_are_filmed_the_same_way_each_time_and_the_truth_is_not() -> None:
    first, again = rendered(read_picture, limit=1).examples[0], rendered(read_picture, limit=1).examples[0]
    shot = find_shots(FOLDER)[0]
    assert (first.plate == again.plate).all()
    noise = np.abs(first.plate - read_linear(shot / "plate" / "plate.0001.exr"))
    assert 1e-4 < noise.mean() < 0.05
    assert (first.alpha == read_linear(shot / "alpha" / "alpha.0001.exr")[..., 0]).all()


def test_markers_are_known_where_there_are_any() -> None:
    recipes = [read_description(shot).recipe for shot in find_shots(FOLDER)]
    examples = rendered(read_picture).examples
    assert [example.name for example in examples] == [shot.name for shot in find_shots(FOLDER)]
    for example, recipe in zip(examples, recipes, strict=True):
        assert (example.markers is not None) == recipe["markers"], example.name
        assert example.markers is None or example.markers.mean() < 0.02


def test_a_set_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "docs/data.md" in rendered(read_picture, folder=tmp_path).missing
