"""Every choice of a training run, as frozen data that is saved with the weights."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from model.data.config import DataConfig

Positive = Annotated[int, Field(ge=1)]


class TrainingConfig(BaseModel):
    """Choices of one run; ``PRESETS`` has better ones for each network.

    With the step, they fix every number of that step on one kind of device.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    network: str = "regression"
    """Name of the network."""

    options: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Options of the network."""

    steps: Positive = 2000
    """Steps of the whole run; the learning rate falls towards the last."""

    batch: Positive = 8
    """Crops per step."""

    crop: Positive = 64
    """Side of a crop that is answered, in pixels; the network's context comes on top."""

    shot_height: Positive = 216
    """Height of a generated shot, in pixels."""

    shot_width: Positive = 288
    """Width of a generated shot, in pixels."""

    pool: Positive = 96
    """Shots that are held to cut crops from."""

    fresh: Annotated[float, Field(gt=0.0)] = 0.1
    """New shots per step; each takes the place of the oldest."""

    data: DataConfig = Field(default_factory=DataConfig)
    """What the shots are made of."""

    seed: Annotated[int, Field(ge=0, lt=1_000)] = 1
    """Seed of weights, crops and shots."""

    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-3
    """Highest learning rate of Adam."""

    last_learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    """Learning rate at the last step, as a share of the highest; between, it falls along half a cosine."""

    warmup: Annotated[int, Field(ge=0)] = 50
    """Steps over which the learning rate rises from 0."""

    averaging: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the old average that the average of weights keeps each step; 0: the weights themselves are delivered."""

    loss_weights: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    """Weight of each loss term by name; 1 where none is given."""

    shuffled_truth: bool = False
    """Whether each crop gets the alpha of another one: the control that must not learn to key."""

    validation_shots: Positive = 12
    """Shots never trained on; alpha's mean error on them is part of the curve."""

    validate_every: Positive = 100
    """Steps between two looks at them."""

    save_every: Positive = 100
    """Steps between two saved states."""


# They see a neighbourhood only and cannot know where a screen ends: what lies beyond is left out of their shots.
_BASELINE = {"pool": 160, "validate_every": 100, "data": {"set_visible": 0.0}}

PRESETS: dict[str, dict[str, Any]] = {
    "regression": _BASELINE | {"steps": 2500, "batch": 64, "crop": 20, "learning_rate": 3e-3, "averaging": 0.99},
    "classification": _BASELINE
    | {"steps": 800, "batch": 16, "crop": 24, "learning_rate": 2e-3, "averaging": 0.98, "validation_shots": 6},
}


def training_config(network: str, **choices: Any) -> TrainingConfig:
    """Return the preset of ``network`` with ``choices`` in place of its own; raises pydantic's ValidationError."""
    return TrainingConfig.model_validate({"network": network} | PRESETS.get(network, {}) | choices)
