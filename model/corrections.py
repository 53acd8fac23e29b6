"""What an artist draws on frames to correct a key: frozen data, to be carried along motion. Free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Place = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Point = tuple[Place, Place]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Stroke(_Frozen):
    """One stroke of a round brush, or a box, in plate pixels: (0, 0) is the top left corner of the top left pixel."""

    says: Literal["keep", "remove", "decide"]
    """`keep`: subject (alpha 1). `remove`: no subject (alpha 0). `decide`: the keyer decides here, whatever other
    frames, earlier strokes or a hint say."""

    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=2000)]
    """Points (x, y) along the stroke; of a box, two opposite corners."""

    width: Annotated[float, Field(gt=0.0, le=4000.0, allow_inf_nan=False)] = 40.0
    """Diameter of the brush in pixels; a box has none."""

    box: bool = False
    """True: the rectangle between the first and the last point is meant, filled."""


class Corrections(_Frozen):
    """Strokes on some frames of a shot. Each is carried along the motion of what it was drawn on, forward and back,
    as far as the pictures agree; what is drawn on a nearer frame counts where both say something."""

    frames: Annotated[dict[int, Annotated[tuple[Stroke, ...], Field(min_length=1)]], Field(min_length=1)]
    """Frame number → strokes, in the order in which they were drawn; a later one counts over an earlier one."""
