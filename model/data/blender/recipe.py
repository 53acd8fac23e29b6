"""What one rendered shot is made of, as plain data that travels to the process that renders; knows Python only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

Color = tuple[float, float, float]
KINDS = ("hair", "fur", "cloth", "glass", "gel")
"""The kinds of subjects, in the order in which a set goes through them."""


def scaled(color: Color, factor: float) -> Color:
    """Return a color made lighter or darker, at most 1."""
    red, green, blue = color
    return min(1.0, factor * red), min(1.0, factor * green), min(1.0, factor * blue)


@dataclass(frozen=True)
class Recipe:
    """All choices of one shot. Lengths in units of 0.5 m, colors scene-linear Rec.709, angles in degrees."""

    seed: int
    kind: str
    width: int
    height: int
    samples: int  # per pixel, in every pass but alpha
    alpha_samples: int
    screen_color: Color
    screen_level: float  # light of the screen's own channel in the finished plate, its median
    screen_half_width: float  # of the cloth; below 2 the set shows beside it
    screen_wrinkles: float
    screen_imbalance: float  # of its two lamps: 0 even, 1 one of them off
    markers: bool
    marker_color: Color
    key_angle: float  # around the subject; 0 is beside the camera
    key_height: float
    key_light: float  # relative to the screen's lamps
    key_size: float
    key_color: Color
    fill: float  # relative to the key
    rim: float
    frame_width: float  # what the frame's width shows at the subject
    camera_height: float  # of the picture's center
    camera_roll: float
    f_stop: float  # 0: everything is sharp
    turn: float  # of the subject about its own axis
    motion: Color  # way of the subject during one frame
    tone: Color  # the subject's first color
    second_tone: Color

    def to_json(self) -> str:
        """Return the recipe as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Return the recipe that ``to_json`` wrote. Raises TypeError where fields are missing or unknown."""
        stored: dict[str, Any] = json.loads(text)
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**fields)
