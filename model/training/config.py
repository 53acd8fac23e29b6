"""Every choice of a training run, as frozen data that is saved with the weights."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from model.data.config import DataConfig, Probability

Positive = Annotated[int, Field(ge=1)]


class TrainingConfig(BaseModel):
    """Choices of one run; ``PRESETS`` has better ones for each network.

    With the step, they fix every number of that step on one kind of device.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    network: str = "neural"
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

    begin_with: Annotated[int, Field(ge=0)] = 0
    """Shots that are made before the first step, the pool growing from there; 0: as many as it holds."""

    fresh: Annotated[float, Field(gt=0.0)] = 0.1
    """New shots per step; once the pool is full, each takes the place of the oldest."""

    generators: Annotated[int, Field(ge=0)] = 0
    """Processes that make the scenes of the neural keyer ahead on the CPU; 0: the training device makes them itself."""

    data: DataConfig = Field(default_factory=DataConfig)
    """What the shots are made of."""

    studio: Probability = 0.0
    """Share of the neural keyer's scenes that are made of ``studio_data`` instead of ``data``."""

    studio_data: DataConfig = Field(default_factory=DataConfig)
    """What the shots of a well-run shoot are made of: most of a keyer's work, and few of its errors."""

    seed: Annotated[int, Field(ge=0, lt=1_000)] = 1
    """Seed of weights, crops and shots."""

    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-3
    """Highest learning rate of Adam."""

    last_learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    """Learning rate at the last step, as a share of the highest; between, it falls along half a cosine."""

    warmup: Annotated[int, Field(ge=0)] = 50
    """Steps over which the learning rate rises from 0."""

    gradient_limit: Annotated[float, Field(ge=0.0)] = 0.0
    """Longest gradient that is followed at its length; longer ones are shortened to it. 0: no limit."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of the convolutions while training; weights, losses and averages stay float32."""

    averaging: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the old average that the average of weights keeps each step; 0: the weights themselves are delivered."""

    learns: tuple[str, ...] = ("",)
    """Beginnings of the names of the weights that learn, such as ``fine``: what the guide decides then stays."""

    loss_weights: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    """Weight of each loss term by name; 1 where none is given."""

    own_shots: str = ""
    """Folder of shots in the layout of docs/data.md that the neural keyer learns from, beside generated ones."""

    own_share: Probability = 0.5
    """Share of its scenes that come from that folder; the others keep it from forgetting everything else."""

    shuffled_truth: bool = False
    """Whether each crop gets the alpha of another one: the control that must not learn to key."""

    focus: Probability = 0.75
    """Chance that a crop of the neural keyer is put where there is an edge."""

    tall: Probability = 0.0
    """Chance that a scene of the neural keyer is taller than wide, as a telephone held upright sees it."""

    pairs: Probability = 0.0
    """Chance that a scene of the neural keyer has two frames that follow each other."""

    hints: Probability = 0.0
    """Chance that a crop of the neural keyer comes with a coarse hint."""

    evidence: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=lambda: {"none": 1.0})
    """Weight of each kind of evidence of a subject that a scene of the neural keyer comes with: ``network``, which
    knows photographs; ``made`` from the truth, with errors; ``none``."""

    blind: Probability = 0.0
    """Chance that a frame of the segmenter comes without its evidence."""

    clean_plates: Probability = 0.0
    """Chance that a scene of the neural keyer comes with its true clean plate."""

    validation_shots: Positive = 12
    """Shots never trained on; alpha's mean error on them is part of the curve."""

    validate_every: Positive = 100
    """Steps between two looks at them; each draws pictures, where a network has any to show."""

    report_every: Positive = 50
    """Steps between two lines for the person who watches."""

    save_every: Positive = 100
    """Steps between two saved states."""

    def made_by(self, step: int) -> int:
        """Return how many shots are made when ``step`` is taken."""
        return (min(self.begin_with, self.pool) or self.pool) + int(step * self.fresh)

    def held_at(self, step: int) -> range:
        """Return the numbers of the shots that are held then: the last ``pool`` of them."""
        made = self.made_by(step)
        return range(max(0, made - self.pool), made)


# They see a neighbourhood only and cannot know where a screen ends: what lies beyond is left out of their shots.
_BASELINE = {"pool": 160, "validate_every": 100, "data": {"set_visible": 0.0}}

# Much that is soft, little that glows: a network that sees much fire takes a bright subject for light without coverage.
# Light reaches far above the screen's, as in many real shoots. Sets are seen from afar, where what they are shows.
_KEYING_SUBJECTS = {
    "person": 8.0,
    "fur": 2.5,
    "plush": 2.0,
    "object": 2.5,
    "hair": 2.0,
    "foliage": 3.0,
    "thin": 0.0,
    "rods": 0.8,
    "practical": 4.0,
    "chainmail": 2.5,
    "fire": 0.15,
    "glow": 0.08,
    "smoke": 1.5,
    "glass": 1.0,
}
_KEYING_DATA = {
    "screen_colors": {"green": 6.0, "blue": 2.2, "dull": 1.6, "pale": 0.9, "other": 0.7},
    "screen_light": (0.8, 3.5),
    "looks": 0.75,
    "processing": 0.2,
    "uneven": 0.4,
    "scattered": 0.25,
    "amid": 0.2,  # a subject that would hide most of the screen stands in none: about a tenth is left
    "contact_shadow": 0.4,
    "plain_clothes": 0.3,
    "set_visible": 0.5,
    "furnished": 0.6,
    "crew": 0.2,
    "gear": 0.35,
    "strips": 0.3,
    "corners": 0.2,
    "two_paints": 0.12,
    "lamps": 0.4,
    "shadow_strength": (0.1, 0.75),
    "zoom": (1.0, 2.0),
    "upright": 0.95,
    "from_below": 0.8,
    "markers": 0.5,
    "near_screen": 0.2,
    "light": (0.4, 6.0),
    "close": 0.35,
    "whole": 0.4,
    "prints": 0.3,
    "real_codec": 0.12,
    "subjects": DataConfig().subjects | _KEYING_SUBJECTS,
}

# Plain shoots: even screens, few markers, little of a set. Classical keying is nearly right there, and a network
# that is shown hard shots alone learns to distrust it everywhere.
_STUDIO_DATA = {
    "screen_colors": {"green": 6.0, "blue": 2.0, "dull": 1.3, "pale": 0.7},
    "screen_light": (1.0, 3.0),
    "looks": 0.7,
    "processing": 0.1,
    "uneven": 0.3,
    "scattered": 0.12,
    "amid": 0.05,
    "contact_shadow": 0.3,
    "plain_clothes": 0.25,
    "set_visible": 0.2,
    "furnished": 0.6,
    "strips": 0.6,
    "corners": 0.2,
    "two_paints": 0.08,
    "zoom": (1.0, 4.0),
    "upright": 0.95,
    "from_below": 0.8,
    "markers": 0.2,
    "near_screen": 0.08,
    "light": (0.4, 5.0),
    "close": 0.45,
    "whole": 0.4,
    "wrinkles": 0.3,
    "gear": 0.1,
    "lamps": 0.4,
    "shadow_strength": (0.1, 0.85),
    "motion_blur": 0.05,
    "defocus": 0.2,
    "low_resolution": 0.0,
    "prints": 0.3,
    "real_codec": 0.12,
    "cameras": {"film": 2.5, "broadcast": 1.0, "photo": 2.0, "phone": 0.7, "clean": 2.0},
    "subjects": {
        "person": 6.0,
        "object": 3.0,
        "fur": 2.5,
        "hair": 2.5,
        "plush": 2.0,
        "foliage": 3.0,
        "rods": 1.0,
        "practical": 1.5,
        "chainmail": 1.0,
        "net": 0.2,
        "lace": 0.2,
        "veil": 0.2,
        "smoke": 0.8,
        "glass": 0.4,
        "gel": 0.3,
        "fire": 0.1,
    },
}

PRESETS: dict[str, dict[str, Any]] = {
    "regression": _BASELINE | {"steps": 2500, "batch": 64, "crop": 20, "learning_rate": 3e-3, "averaging": 0.99},
    "classification": _BASELINE
    | {"steps": 800, "batch": 16, "crop": 24, "learning_rate": 2e-3, "averaging": 0.98, "validation_shots": 6},
    "segmenter": {
        "steps": 4000,
        "batch": 16,
        "shot_height": 256,
        "shot_width": 448,
        "pool": 2000,
        "begin_with": 64,
        "fresh": 0.4,
        "learning_rate": 4e-4,
        "warmup": 60,
        "averaging": 0.997,
        "gradient_limit": 1.0,
        "precision": "bfloat16",
        "tall": 0.2,
        "clean_plates": 0.05,
        "validation_shots": 32,
        "validate_every": 500,
        "save_every": 250,
        "data": _KEYING_DATA,
        "studio": 0.45,
        "studio_data": _STUDIO_DATA,
        "evidence": {"network": 0.3, "made": 0.6, "none": 0.1},
        "blind": 0.05,
    },
    "neural": {
        "options": {"outlook": True, "recording": True},
        "steps": 20_000,
        "batch": 8,
        "crop": 160,
        "shot_height": 384,
        "shot_width": 672,
        "pool": 64,
        "fresh": 0.6,  # at 0.1 it learned its shots by heart: docs/training.md
        "learning_rate": 4e-4,
        "warmup": 200,
        "averaging": 0.998,
        "gradient_limit": 1.0,
        "precision": "bfloat16",
        "tall": 0.2,
        "pairs": 0.15,
        "hints": 0.15,
        "clean_plates": 0.1,
        "validation_shots": 16,
        "validate_every": 500,
        "save_every": 250,
        "data": _KEYING_DATA,
        "studio": 0.6,
        "studio_data": _STUDIO_DATA,
        "loss_weights": {
            "alpha": 2.0,
            "alpha_squared": 4.0,
            "edge": 0.0,  # a reading; what solves edges best stands outside of the network: docs/decisions/0006
            "own": 1.0,
            "choice": 1.0,
            "projected": 0.3,
            "coarse": 1.0,
            "recomposition": 2.0,
            "consistency": 0.5,
        },
    },
}


# A card answers many large crops in the time of a few small ones, and every core can make scenes beside it.
ON_CUDA: dict[str, dict[str, Any]] = {
    "neural": {
        "steps": 10_000,
        "batch": 96,
        "crop": 256,
        "pool": 320,  # about 20 of a card's 24 GiB, by estimate; a larger one wears its shots out less
        "begin_with": 120,
        "fresh": 1.4,  # as many as fifteen cores can make beside it
        "learning_rate": 5e-4,  # at 2e-3 the loss stood still: docs/decisions/0006
        "averaging": 0.998,
        "generators": max(1, (os.cpu_count() or 2) - 1),
        "validate_every": 1000,
        "save_every": 1000,
    },
}


def training_config(network: str, *, cuda: bool = False, **choices: Any) -> TrainingConfig:
    """Return the preset of ``network`` with ``choices`` in place of its own; raises pydantic's ValidationError.

    ``cuda`` takes the choices that fit a CUDA GPU, where there are any.
    """
    preset = PRESETS.get(network, {}) | (ON_CUDA.get(network, {}) if cuda else {})
    return TrainingConfig.model_validate({"network": network} | preset | choices)
