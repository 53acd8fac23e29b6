"""The halves of the fixed sets: nothing in both, nothing left out, both with every kind, and sets made of one alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from model.data.dataset import find_shots
from model.evaluation import sets
from model.evaluation.procedural import procedural
from model.evaluation.recipe import Scale, frozen_recipe
from model.evaluation.rendered import FOLDER, RENDERED, rendered
from model.evaluation.run import SET_NAMES, fixed_set
from model.evaluation.split import HALVES, half_of, halves
from tests.model.evaluation.made_up import Picture, disc, read_picture, shared_plates

SHARED = shared_plates()
SETS = pytest.mark.parametrize("name", SET_NAMES)


@SETS
def test_no_picture_is_in_both_halves_and_they_are_of_one_size(name: str) -> None:
    development, held_out = (halves()[name][half] for half in HALVES)
    assert not development & held_out
    assert abs(len(development) - len(held_out)) <= 1


def test_the_procedural_halves_hold_every_kind_once_and_what_lies_beyond_the_screen_in_half_of_each() -> None:
    kinds = set(frozen_recipe().stills)
    for half in HALVES:
        stills = [name for name in halves()["procedural"][half] if "-" in name]
        assert {name.rsplit("-", 1)[0] for name in stills} == kinds and len(stills) == len(kinds)
        assert Counter(name.rsplit("-", 1)[1] for name in stills) == {"1": 9, "2": 9}
    named = {name for half in HALVES for name in halves()["procedural"][half]}
    scale = Scale(size=(16, 24), stills_each=2, shots=frozen_recipe().full.shots, frames=1)
    made = procedural(False, frozen_recipe().model_copy(update={"full": scale})).examples
    assert {example.shot or example.name for example in made} == named


def test_a_half_is_drawn_as_in_the_whole_set() -> None:
    scale = Scale(size=(16, 24), stills_each=1, shots=1, frames=2)
    small = frozen_recipe().model_copy(update={"quick": scale, "stills": ("chainmail", "fire", "foliage")})
    whole = {example.name: example for example in procedural(True, small).examples}
    some = procedural(True, small, half_of("procedural", "development")).examples
    assert [example.name for example in some] == ["chainmail-1", "foliage-1", "shot1.0001", "shot1.0002"]
    assert all((example.plate == whole[example.name].plate).all() for example in some)


def test_every_rendered_shot_is_in_a_half() -> None:
    assert {shot.name for shot in find_shots(FOLDER)} == {name for half in HALVES for name in halves()[RENDERED][half]}
    found = rendered(read_picture, wanted=half_of(RENDERED, "held-out"))
    assert {example.name for example in found.examples} == halves()[RENDERED]["held-out"]


@pytest.mark.skipif(SHARED is None, reason="no plates here: neither DROPKEY_PLATES nor ../shared/plates")
def test_every_plate_at_hand_is_in_a_half_and_both_have_each_kind() -> None:
    assert SHARED is not None
    alpha, real = ({half: halves()[name][half] for half in HALVES} for name in (sets.REAL_ALPHA, sets.REAL))
    folders = {folder.name for folder in (SHARED / "alpha").iterdir() if folder.is_dir()}
    assert folders == alpha["development"] | alpha["held-out"]
    for half in HALVES:
        assert {name.split("_")[1] for name in alpha[half]} == {"green", "pale", "dark", "olive", "blue"}
        assert sum(name.endswith(".mp4") for name in real[half]) == 2
    hulls = json.loads((SHARED / "real" / "hulls.json").read_text(encoding="utf-8"))
    assert {name.rpartition(":")[0] for name in hulls} == real["development"] | real["held-out"]


def test_a_folder_of_ones_own_is_in_neither_half_and_the_set_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    entry = {"size": [80, 60], "outside_of": [], "inside": [[[35, 25], [45, 25], [45, 35]]]}
    hulls = {"mine.png:0": entry, "pilot_1080.jpg:0": entry}
    (folder / "hulls.json").write_text(json.dumps(hulls), encoding="utf-8")
    held_out = fixed_set(sets.REAL, tmp_path, False, read_disc, "held-out")
    assert [example.name for example in held_out.region_examples] == ["pilot_1080.jpg"]
    assert held_out.about.startswith("held-out half")
    assert "holds no plate" in fixed_set(sets.REAL, tmp_path, False, read_disc, "development").missing


def read_disc(path: Path, *, encoding: str, frame: int) -> Picture:
    return disc().plate
