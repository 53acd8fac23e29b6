"""A little studio: places subjects before a screen, photographs them, and keeps what is true of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from model.data.blur import shift
from model.data.camera import Camera
from model.data.lighting import Light, Rgb
from model.data.markers import Marks
from model.data.materials import Stage
from model.data.scenes import Backdrop, photograph
from model.data.screens import screen
from model.data.seeding import Draw
from model.data.subjects import KINDS
from model.data.subjects.part import Part
from model.data.truth import ALPHA, Truth, empty_stack, over
from model.data.view import Motion, View
from model.evaluation.procedural import CLIPPED_FROM, FIRST_SEED
from model.evaluation.recipe import frozen_recipe
from model.evaluation.sets import Example, Mask, Picture

FIRST = FIRST_SEED + 2_000_000
"""Seeds from here on belong to the trials; training stays below FIRST_SEED, the procedural set between."""

HEIGHT, WIDTH = 288, 512
GREEN, BLUE, RED = (0.060, 0.340, 0.085), (0.030, 0.090, 0.420), (0.420, 0.025, 0.030)  # linear, in even light
LIGHT = Light((-0.52, -0.48, 0.71), (0.68, 0.66, 0.63), (0.36, 0.37, 0.38), (0.25, 0.25, 0.25))

FILM = Camera(
    gains=(1.0, 1.0, 1.0),
    saturation=1.0,
    lens_blur=0.45,
    clip=12.0,
    shot_noise=1.0e-4,
    read_noise=0.0009,
    noise_size=0.5,
    sharpening=0.0,
    sharpening_radius=1.0,
    encoding="logc3",
    bits=10,
    chroma="4:2:2",
    quality=None,
    matrix="rec709",
    origin=(0, 0),
    enlarged=1.0,
    codec=None,
    codec_quality=0.0,
)
"""Its matrix is that of one: what is true before it stays true behind it."""

BROADCAST = replace(
    FILM, clip=1.0, shot_noise=2.0e-4, read_noise=0.0012, noise_size=0.8, encoding="rec709", bits=8, quality=92.0
)
WEBCAM = replace(
    BROADCAST,
    lens_blur=0.8,
    shot_noise=5.0e-4,
    read_noise=0.003,
    noise_size=1.0,
    sharpening=0.8,
    encoding="srgb",
    chroma="4:2:0",
    quality=60.0,
    matrix="rec601",
    origin=(3, 5),
)


@dataclass(frozen=True)
class Taken:
    """A picture, its truth, and the places in it that a figure looks at."""

    example: Example  # markers, clipped light and glow included
    truth: Truth  # (1, C, H, W)
    areas: dict[str, Mask] = field(default_factory=dict)  # (H, W) each

    def with_area(self, name: str, where: Mask) -> Taken:
        """Return the same picture with one more place named."""
        return replace(self, areas=self.areas | {name: where})


class Studio:
    """One screen, one light and a camera on a stand. The frame is 1 high, (0, 0) its middle, y points down."""

    def __init__(
        self, number: int, color: Rgb = GREEN, *, size: tuple[int, int] = (HEIGHT, WIDTH), light: Light = LIGHT
    ) -> None:
        self.draw = Draw(FIRST + number)
        self.color = color
        self.light = light
        self.view = View(size[0], size[1], 1, 1 / size[0], 0.0, (0.0, 0.0), (0.0, 0.0), torch.device("cpu"))
        self.x, self.y = self.view.world()

    def stage(self, *palette: Rgb) -> Stage:
        """Return what subjects need to know; without a palette no material comes near the screen's color."""
        return Stage(self.view, self.x, self.y, self.light, self.color, 0.0, palette)

    def subject(self, kind: str, look: int, at: Motion, *palette: Rgb) -> Part:
        """Draw one kind of subject; ``look`` numbers its looks."""
        return KINDS[kind].draw(self.draw.child(f"{kind} {look}"), self.stage(*palette), at)

    def backdrop(self, look: int, *, wrinkles: bool = False) -> Backdrop:
        """Hang a screen that fills the frame, without markers."""
        config = frozen_recipe().drawn(wrinkles=float(wrinkles), set_visible=0.0, markers=0.0)
        clean, _, share, _ = screen(self.draw.child(f"screen {look}"), config, self.view, self.x, self.y, self.color)
        return Backdrop(clean, clean, share)

    def marked(self, backdrop: Backdrop, marks: Marks) -> Backdrop:
        """Return the backdrop with markers on its screen."""
        light = backdrop.clean_plate.mean(1, keepdim=True) / (sum(self.color) / 3)
        marked = marks.on(backdrop.background, light)
        return backdrop._replace(background=backdrop.background + (marked - backdrop.background) * backdrop.share)

    def take(
        self,
        name: str,
        parts: Sequence[Part],
        backdrop: Backdrop,
        camera: Camera = FILM,
        *,
        recorded: bool,
        shadow: bool = True,
        spill: bool = True,
    ) -> Taken:
        """Photograph parts, back to front, before a backdrop; not ``recorded``, the plate stays noiseless."""
        stack = empty_stack(1, self.view.height, self.view.width, self.view.device)
        bends = []
        for part in parts:
            if part.bend is not None:
                bends.append(part.bend)
                stack = shift(stack, *part.bend)
            stack = over(part.stack, stack)
        config = frozen_recipe().drawn(shadow=float(shadow), spill=spill, camera=recorded)
        plate, truth = photograph(self.draw, config, self.view, stack, bends, backdrop, camera)
        return Taken(_example(name, plate, truth), truth)


def quietly(make: Callable[[bool], Taken]) -> Callable[[bool], Taken]:
    """Make pictures without gradients, on one thread, so that their bits do not depend on the caller."""

    def made(recorded: bool) -> Taken:
        usual = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                return make(recorded)
        finally:
            torch.set_num_threads(usual)

    return made


def mask(share: Tensor) -> Mask:
    """Return a tensor of truth values (1, 1, H, W) or (1, H, W) as an array (H, W)."""
    return np.asarray(share.reshape(share.shape[-2:]).numpy(), bool)


def covered(part: Part, least: float = 0.05) -> Mask:
    """Where a part covers at least so much of a pixel."""
    return mask(part.stack[:, ALPHA] >= least)


def _example(name: str, plate: Tensor, truth: Truth) -> Example:
    glow = _array(truth.emission)
    recorded, noiseless = _array(plate), _array(truth.noiseless())
    clipped = noiseless.max(axis=-1) > CLIPPED_FROM * recorded.max()
    return Example(
        name,
        recorded,
        _array(truth.alpha)[..., 0],
        _array(truth.foreground),
        clipped=clipped if clipped.any() else None,
        glow=glow if glow.any() else None,
        departure=recorded - noiseless,
    )


def _array(picture: Tensor) -> Picture:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
