"""The frozen recipe: whole, so that defaults of the generator may move, and its pictures are what they were."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from model.data.config import DataConfig
from model.data.scenes import generate
from model.evaluation import recipe
from model.evaluation.procedural import procedural
from model.evaluation.recipe import FILE, Recipe, Scale, frozen_recipe

SMALL = Scale(size=(54, 96), stills_each=1, shots=1, frames=1)

# Means of plate and alpha of small pictures, 30 November 2026. Where one moves, the generator's code draws other shots:
# give the recipe a new name, write these anew, and measure docs/score.md again.
KNOWN = {
    "chainmail-1": (0.2509, 0.0539),
    "fire-1": (0.3338, 0.0237),
    "hair-1": (0.0655, 0.2566),
    "person-1": (0.0369, 0.3752),
    "shot1.0001": (0.1516, 0.2262),
}


def document() -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


def test_the_recipe_says_every_field_of_the_generators_config() -> None:
    assert set(document()["config"]) == set(DataConfig.model_fields)


def test_a_field_that_the_recipe_leaves_to_a_default_is_refused_by_name() -> None:
    lacking = document()
    del lacking["config"]["shadow_strength"]
    with pytest.raises(ValidationError, match=r"does not say: shadow_strength\. Write there"):
        Recipe.model_validate(lacking)


def test_moved_defaults_of_the_generator_move_nothing_of_the_fixed_set(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moved(DataConfig):
        markers: float = 1.0
        spill: bool = False
        zoom: tuple[float, float] = (1.0, 1.1)
        cameras: dict[str, float] = {"web": 1.0}  # noqa: RUF012  # pydantic copies it

    small = frozen_recipe().model_copy(update={"quick": SMALL, "stills": ("person", "hair")})
    before = procedural(True, small).examples
    monkeypatch.setattr(recipe, "DataConfig", Moved)
    for one, other in zip(before, procedural(True, small).examples, strict=True):
        assert (one.plate == other.plate).all() and (one.alpha == other.alpha).all(), one.name


def test_the_set_is_what_the_generator_makes_of_the_recipes_config_and_seeds() -> None:
    small = frozen_recipe().model_copy(update={"quick": SMALL, "stills": ("chainmail", "fire")})
    fire = procedural(True, small).examples[1]
    config = DataConfig.model_validate(
        document()["config"] | {"subjects": {"fire": 1.0}, "empty": 0.0, "set_visible": 0}
    )
    batch = generate([4_000_000_100], height=54, width=96, config=config)
    assert fire.name == "fire-1"
    assert (fire.plate == batch.plate[0].permute(1, 2, 0).numpy()).all()


def test_the_generator_still_draws_the_pictures_of_this_name() -> None:
    found = procedural(True, frozen_recipe().model_copy(update={"quick": SMALL})).examples
    means = {one.name: (float(one.plate.mean()), float(one.alpha.mean())) for one in found if one.name in KNOWN}
    assert means == {name: pytest.approx(known, abs=2e-3) for name, known in KNOWN.items()}
