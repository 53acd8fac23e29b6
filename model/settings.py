"""Every choice about a key, as frozen data: one model for API, sidecar, CLI and manifest. Free of torch."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.corrections import Corrections
from model.keyframes import Keyframes, without_keyframes

Finite = Annotated[float, Field(allow_inf_nan=False)]
Color = tuple[Finite, Finite, Finite]
Name = Annotated[str, Field(max_length=250)]  # pydantic asks whether a string is text only where it measures it
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Bars = tuple[Share, Share, Share, Share]
Association = Literal["premultiplied", "straight"]
Compression = Literal["none", "rle", "zips", "zip", "piz", "dwaa", "dwab"]
Layer = Literal["alpha", "clean_plate", "screen_removed", "spill", "doubt"]
Matrix = Literal["auto", "rec709", "rec601", "rec2020", "smpte240", "fcc", "ycgco"]
Range = Literal["auto", "limited", "full"]


KEYER_NAMES = ("difference", "neural", "regression", "classification")
OWN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What NAME in the keyer `neural:NAME` may be: it leads out of no folder."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DeliverySettings(_Frozen):
    """What the results of a key are written as."""

    color_space: Name = "linear"
    """Working space: `linear` (scene-linear Rec.709), `ACEScg`, `ACES2065-1`, `Linear Rec.2020`, `Linear P3-D65`, any
    other linear space, alias or role of the pinned OpenColorIO config, or `ocio:NAME` of the one that `OCIO` names."""

    depth: Literal["float", "half"] = "float"
    """Numbers in the EXRs: 32 bits, or 16, in which light ends at 65,504 and has 11 bits of precision."""

    layers: Annotated[tuple[Layer, ...], Field(max_length=8)] = ()
    """Layers beside R, G, B and A in the foreground's EXRs: `alpha`, `clean_plate`, `screen_removed` (the plate without
    the screen's share, to be added to a background), `spill` (what despill took), `doubt` (0 to 1: how likely
    alpha is wrong by more than 0.02)."""

    movie: Literal["none", "prores4444", "h264"] = "none"
    """A movie to show, in the version's folder `movie`: `prores4444` with a straight alpha, or `h264` over a
    background; Rec.709 for displays of gamma 2.4. The shot's rate must be known."""

    movie_background: Literal["grey"] | Color = "grey"
    """What the `h264` movie shows behind the subject: middle `grey`, or a color, linear Rec.709."""


CHANGING = frozenset(
    {
        "alpha_floor",
        "alpha_ceiling",
        "despill",
        "restore_luminance",
        "despill_bias",
        "spill_replacement",
        "choke",
        "soften",
        "edge_extend",
        "grain_match",
    }
)
"""Settings of a key that may have keyframes: all that are numbers or colors and are applied to what was inferred."""

_PIXELS = ("choke", "soften", "edge_extend")  # settings in pixels of the plate


class KeySettings(_Frozen):
    """How a shot is read, keyed and delivered. Two jobs with equal settings and equal plates are the same job."""

    keyer: Name = "neural"
    """Name of the keyer: `neural` (docs/neural.md), or `neural:NAME` with weights of your own; `difference`, which
    needs no weights and about a third of the time; `regression` and `classification`, baselines of 2019."""

    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the `neural` keyer's convolutions; docs/benchmarks.md tells what the short ones cost."""

    encoding: Name = "auto"
    """Encoding of the plate: `auto` (by file type and tags, see docs/color.md), an alias such as `arri-logc3`,
    `sony-slog3`, `acescg`, `srgb`, `rec709`, `linear`, or a color space name of the OpenColorIO studio config."""

    matrix: Matrix = "auto"
    """Color matrix of a YUV movie: `auto` (by its tag, untagged by its size), or the one that it really has."""

    range: Range = "auto"
    """Where black and white lie: `auto` (by the tags), `limited` (16 and 235 of 255), or `full` (0 and 255). Of movies,
    and of pictures with integers."""

    layer: str | None = None
    """EXR layer or part to read; unset: the plain R, G, B channels."""

    plate_alpha: Literal["ignore", "garbage"] = "ignore"
    """What to do with an alpha channel in the plate: ignore it, or treat its 0 as certain outside."""

    screen_color: Literal["auto"] | Color = "auto"
    """Color of the screen, linear Rec.709, or `auto` to find it in the shot."""

    refine_edges: bool = True
    """Solve edge alpha along the local color line beside an opaque core (finer hair, less halo)."""

    alpha_floor: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.0
    """Alpha at or below this becomes 0 (crushes residue in the screen), but for fire and glow, which need 1/512."""

    alpha_ceiling: Annotated[float, Field(gt=0.5, le=1.0)] = 1.0
    """Alpha at or above this becomes 1 (fills thin places in the core)."""

    temporal: Literal["auto", "off"] = "auto"
    """Whether the `neural` keyer hears the frames around one, so that no part of a subject comes and goes: `auto`, or
    `off`, which keys every frame by itself (docs/steadiness.md)."""

    despill: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """How much of the screen light on the subject is subtracted: 0 none, 1 all."""

    restore_luminance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How much of the luminance that despill took is given back as grey light."""

    despill_bias: Literal["none"] | Color = "none"
    """Color of the subject, linear Rec.709, that despill treats as grey, so that it keeps its hue: skin or hair
    (`[0.5, 0.32, 0.25]`); `none`: grey itself."""

    despill_where: Literal["all", "edges"] = "all"
    """Where despill works: `all` of the subject, or its `edges`, fading out inward over a fifteenth of the height."""

    spill_replacement: Literal["none"] | Color = "none"
    """Color of the background to be, linear Rec.709: where despill takes a share of the screen's light, the same share
    of this comes in its place; `none`: nothing does."""

    choke: Annotated[float, Field(ge=-20.0, le=20.0)] = 0.0
    """Pixels of the plate by which the matte's edges move inward, along the matte's slope; negative: outward (spread).
    Parts of a pixel count."""

    soften: Annotated[float, Field(ge=0.0, le=50.0)] = 0.0
    """Width in pixels of the plate of the ramp that a hard edge of the matte becomes; what lies farther from an edge
    than half of it stays as it is."""

    edge_extend: Annotated[float, Field(ge=0.0, le=200.0)] = 0.0
    """Pixels of the plate by which the foreground's color goes on beyond the matte, so that a soft or blurred edge does
    not turn dark. To be seen with `association` `straight`."""

    grain_match: Share = 0.0
    """How much of the plate's grain is given to pixels whose color was continued from others, not seen: 0 none, 1 as
    much as the plate has."""

    association: Association = "premultiplied"
    """Whether the foreground's RGB is multiplied by alpha (what After Effects assumes of EXR) or straight."""

    compression: Compression = "zip"
    """EXR compression; docs/exr.md has the measurements behind the default. All but `dwaa` and `dwab` are lossless."""

    delivery: DeliverySettings = DeliverySettings()
    """What the results are written as; a table of its own below."""

    over_time: dict[str, Keyframes] = {}
    """Settings that change over the shot, by name. They may be written in place of the value, too: `"despill":
    {"1001": 1.0, "1050": 0.6}`, linear between, or with `"interpolation": "held"` beside the frames."""

    @model_validator(mode="before")
    @classmethod
    def _moved_keyframes(cls, values: Any) -> Any:
        return without_keyframes(values, CHANGING) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _checked_keyframes(self) -> KeySettings:
        for name, keyframes in self.over_time.items():
            if name not in CHANGING:
                raise ValueError(f"{name} cannot change over the shot; these can: {', '.join(sorted(CHANGING))}")
            for frame, value in keyframes.values.items():
                try:
                    KeySettings.model_validate({name: value})
                except ValidationError as error:
                    raise ValueError(f"{name} at frame {frame}: {error.errors()[0]['msg']}") from None
        return self

    def at(self, frame: int) -> KeySettings:
        """Return the settings that hold at ``frame``."""
        if not self.over_time:
            return self
        there = {name: keyframes.at(frame) for name, keyframes in self.over_time.items()}
        return self.model_copy(update={**there, "over_time": {}})

    def in_pixels_of(self, scale: float) -> KeySettings:
        """Return the settings for a plate that was made smaller, its sides by ``scale``."""
        return self if scale == 1.0 else self.model_copy(update={name: getattr(self, name) * scale for name in _PIXELS})


class Polygon(_Frozen):
    """One closed shape of a matte, in plate pixels: (0, 0) is the top left corner of the top left pixel."""

    points: Annotated[tuple[tuple[Finite, Finite], ...], Field(min_length=3, max_length=10_000)]
    """Corners (x, y), in order; curves are flattened by the sender."""

    mode: Literal["add", "subtract"] = "add"
    """Adds to, or cuts from, the shapes before it."""

    inverted: bool = False
    """True: everything outside the shape is meant."""

    feather: Annotated[float, Field(ge=0.0, le=2000.0)] = 0.0
    """Width in pixels of the soft edge, centered on the outline."""

    expansion: Annotated[float, Field(ge=-2000.0, le=2000.0)] = 0.0
    """Pixels by which the outline grows (negative: shrinks)."""

    opacity: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Strength of the shape."""


class PolygonMatte(_Frozen):
    """A matte drawn as polygons per frame; a frame without an entry takes the nearest earlier one, else the first."""

    frames: Annotated[dict[int, tuple[Polygon, ...]], Field(min_length=1)]
    """Frame number → shapes, drawn in order."""

    def at(self, frame: int) -> tuple[Polygon, ...]:
        """Return the shapes that hold at ``frame``."""
        earlier = [number for number in self.frames if number <= frame]
        return self.frames[max(earlier) if earlier else min(self.frames)]


class MatteSources(_Frozen):
    """Helpers that an artist may give; none is needed. Pictures are paths (one still, or a sequence by frame).

    A path that ends in `.json` names a file that holds polygons, as they would stand here.
    """

    hint: str | None = None
    """A coarse alpha."""

    clean_plate: str | None = None
    """The screen without subject and markers, in the plate's encoding."""

    garbage: str | PolygonMatte | None = None
    """Where it is 1, the result is outside for certain (alpha 0)."""

    core: str | PolygonMatte | None = None
    """Where it is 1, the result is inside for certain (alpha 1, plate pixels untouched)."""

    corrections: Corrections | None = None
    """Strokes that keep, remove or leave to decide, carried along motion; they count over all other mattes."""


def is_drawn(source: str) -> bool:
    """Tell whether a matte's path names a file of polygons, not pictures."""
    return source.lower().endswith(".json")


class Screen(_Frozen):
    """What the survey of a shot found; stored in job and manifest so that every frame is keyed alike."""

    color: Color
    """The screen's typical color, linear Rec.709."""

    coverage: Annotated[float, Field(ge=0.0, le=1.0)]
    """Share of the surveyed pixels that show the screen."""

    tolerance: Annotated[float, Field(gt=0.0)] = 0.25
    """How far, in the keyer's own measure, plain screen strays from `color`."""

    bars: Bars = (0.0, 0.0, 0.0, 0.0)
    """Black bars above, below, left and right, in parts of the height or the width. Alpha is
    0 there, but for what a core matte holds."""

    doubt: str = ""
    """What is doubtful about it, in sentences for the artist; empty: nothing."""


class FrameQuality(_Frozen):
    """Figures that tell how well one frame was keyed, without knowing the truth; defined in docs/quality.md."""

    edge_spill: float | None = None
    """Screen light left in soft edges: 0 none, 1 as strong as the screen itself; null where there is no edge."""

    screen_noise: float | None = None
    """Root mean square of alpha where all around is screen; null where that is nowhere."""

    core_noise: float | None = None
    """Root mean square of 1 - alpha where all around is subject; null where that is nowhere."""

    doubtful: float | None = None
    """Share of pixels that are rather wrong than right, by the keyer's own doubt; null where it was not asked."""

    soft_share: float = 0.0
    """Share of pixels whose alpha is neither near 0 nor near 1."""

    change: float | None = None
    """Mean change of alpha against the frame before, where either shows the subject; null without one."""

    popped: float | None = None
    """Share of what is surely screen or subject in this frame and two before, where alpha departs in the frame
    between; null without those."""


class FrameNotes(_Frozen):
    """What keying one frame came upon: figures for the manifest and for quality reports."""

    nan_repaired: int = 0
    """Pixels of the plate that were NaN, infinite or beyond any light (1e8) and were filled from their neighbours."""

    screen_share: float = 0.0
    """Share of pixels with alpha 0."""

    core_share: float = 0.0
    """Share of pixels with alpha 1."""

    warnings: tuple[str, ...] = ()
    """Sentences for the artist."""

    quality: FrameQuality | None = None
    """How well it went; null where it was not measured."""
