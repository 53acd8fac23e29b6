"""The frozen recipe of the procedural set: what its shots are drawn from, whole, so that the generator may change."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from model.data.config import DataConfig

FILE = Path(__file__).with_name("procedural-2026-12.json")

Size = tuple[int, int]


class Scale(BaseModel):
    """How large a run of the set is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size  # height, width
    stills_each: int  # of every kind
    shots: int
    frames: int  # of each shot


class Recipe(BaseModel):
    """Everything that fixes the set beside the generator's code; a set of other pictures gets another name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    first_seed: int  # seeds from here on belong to the fixed sets; training stays below
    stills: tuple[str, ...]  # in this order, which gives each kind its seeds
    full: Scale
    quick: Scale
    config: DataConfig

    def drawn(self, **choices: object) -> DataConfig:
        """Return the generator's config of this set, with ``choices`` in place of some of its fields."""
        return DataConfig.model_validate(self.config.model_dump() | choices)

    @model_validator(mode="before")
    @classmethod
    def _is_whole(cls, document: dict[str, object]) -> dict[str, object]:
        """Refuse a document that leaves a choice to the generator's defaults, which are free to move."""
        given = document["config"]
        config = DataConfig.model_validate(given)
        lacking = sorted(set(DataConfig.model_fields) - config.model_fields_set)
        if lacking or json.loads(config.model_dump_json()) != given:
            what = ", ".join(lacking) or "part of a field"
            raise ValueError(
                f"{FILE.name} does not say: {what}. Write there what leaves the pictures of this set as they are"
            )
        return document


@cache
def frozen_recipe() -> Recipe:
    """Return the recipe that scores are made with."""
    return Recipe.model_validate_json(FILE.read_text(encoding="utf-8"))
