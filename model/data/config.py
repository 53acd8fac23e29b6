"""What procedural shots are made of, as frozen data: how likely each subject, screen and camera fault is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Weights = dict[str, Annotated[float, Field(ge=0.0)]]


def _subjects() -> Weights:
    return {
        "person": 5.0,
        "fur": 1.5,
        "plush": 0.0,  # came after the fixed sets, which it must not change
        "object": 1.5,
        "hair": 1.2,
        "foliage": 0.7,
        "thin": 0.8,
        "rods": 0.0,  # as above
        "practical": 0.0,  # as above
        "net": 0.6,
        "chainmail": 0.5,
        "veil": 0.7,
        "lace": 0.5,
        "glass": 0.6,
        "spectacles": 0.5,
        "gel": 0.6,
        "smoke": 0.5,
        "fire": 0.5,
        "glow": 0.3,
        "mirror": 0.4,
        "phone": 0.4,
    }


class DataConfig(BaseModel):
    """Choices of the shot generator. With the seed, it fixes every bit of a shot on one kind of device.

    Defaults are free to move: the fixed sets are drawn by a recipe of their own, in which a new field is written with
    the value that leaves their pictures as they were (model/evaluation/procedural-2026-12.json).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    spill: bool = True
    """Whether screen light reaches the subject; off for ablations, everything else stays as it was."""

    camera: bool = True
    """Whether the camera degrades the plate; off, the plate is the noiseless one."""

    subjects: Weights = Field(default_factory=_subjects)
    """Weight of each kind of subject (see `model.data.subjects.KINDS`)."""

    extra_subjects: Probability = 0.45
    """Chance of each further subject beside the first, up to two."""

    screen_colors: Weights = Field(default_factory=lambda: {"green": 7.0, "blue": 2.2, "other": 0.8})
    """Weight of green, blue and other screens; `dull`: olive and grey-green walls, not made to be keyed;
    `pale`: washed backdrops, hardly colored."""

    empty: Probability = 0.02
    """Chance of a plate with nobody in it."""

    near_screen: Probability = 0.16
    """Chance that a material takes a color near the screen's own: teal, olive, khaki, yellow, lime."""

    markers: Probability = 0.4
    """Chance of tracking markers."""

    scattered: Probability = 0.0  # came after the fixed sets, which it must not change
    """Chance that small things are scattered over the screen: dots, balls, paper markers, confetti."""

    screen_light: tuple[float, float] = (1.0, 1.0)
    """Range of the light on the screen, times its usual one, whose screens are darker than most real ones."""

    uneven: Probability = 0.0  # as above
    """Chance of strong uneven light on the screen: hot spots to clipping, one side, falloff, two colors."""

    set_visible: Probability = 0.2
    """Chance that the screen ends inside the frame, with set, stands and lamps beside it."""

    furnished: Probability = 0.0  # as above
    """Chance that a visible set is a heap of things with edges, as real rooms are, instead of soft patches."""

    crew: Probability = 0.0  # as above
    """Chance that people of the crew stand at the sides of a visible set: background, however human they look."""

    gear: Probability = 0.0  # as above
    """Chance that stands, lamps and pipes of the set are seen in front of the screen: background like all of it."""

    strips: Probability = 0.0  # as above
    """Chance that a visible set is but a strip at one border or two: the screen just fails to fill the frame."""

    amid: Probability = 0.0  # as above
    """Chance that the screen ends inside the picture on all four sides, in a room or a dark set: 10 to 50 % of it."""

    two_paints: Probability = 0.0  # as above
    """Chance that a part of the screen is another paint or cloth, of a color like the first."""

    corners: Probability = 0.0  # as above
    """Chance that the screen has a second wall or a floor, in a light of its own."""

    wrinkles: Probability = 0.45
    """Chance of folds in the screen."""

    shadow: Probability = 0.4
    """Chance that the subject throws a shadow on the screen."""

    shadow_strength: tuple[float, float] = (0.1, 0.65)
    """Range of the share of light that the darkest part of a shadow lacks."""

    lamps: Probability = 0.0  # as above
    """Chance that one to three lamps throw a shadow each, from the subject's foot; otherwise it is moved as a whole."""

    contact_shadow: Probability = 0.0  # as above
    """Chance that the floor is dark right where the subject stands on it, if its foot is in the picture."""

    plain_clothes: Probability = 0.0  # as above
    """Chance that a person wears nothing but white, grey, olive and black."""

    light: tuple[float, float] = (0.5, 2.0)
    """Range of the light on the subject, relative to a correct exposure."""

    upright: Probability = 0.5
    """Chance of a level camera; otherwise the frame is rotated by any angle."""

    zoom: tuple[float, float] = (1.0, 6.0)
    """How many times the picture's height fits into the whole frame of the shoot: 1 shows all of it."""

    from_below: Probability = 0.0  # as above
    """Chance that the camera looks at the upper outline of the first subject, which then leaves the picture below."""

    close: Probability = 0.0  # as above
    """Chance that the first subject fills much of the picture and runs out of it, at one border or more."""

    whole: Probability = 0.0  # as above
    """Chance that a person who is the first subject is seen from afar, down to the knees or the feet."""

    prints: Probability = 0.0  # as above
    """Chance that a subject bears the colors of a heap of things all over, as varied as a photograph."""

    motion_blur: Probability = 0.2
    """Chance that a subject is blurred by its motion."""

    defocus: Probability = 0.15
    """Chance that a subject is out of focus."""

    cameras: Weights = Field(
        default_factory=lambda: {"film": 1.5, "broadcast": 1.5, "photo": 2.0, "phone": 1.5, "web": 0.7}
    )
    """Weight of each grade of camera; `clean`: plates with hardly any noise and no loss, such as reduced 4K."""

    real_codec: Probability = 0.05
    """Share of shots whose compression is a real JPEG or H.264 encoder (on the CPU) instead of the one in torch."""

    looks: Probability = 0.0  # as above
    """Chance of a picture profile or grade, unknown to the reader: curves for each channel, saturation, hue."""

    processing: Probability = 0.0  # as above
    """Chance that the picture is denoised and sharpened as phones do: flat places smeared, halos along the edges."""

    low_resolution: Probability = 0.08
    """Chance that the plate was enlarged from a smaller picture."""
