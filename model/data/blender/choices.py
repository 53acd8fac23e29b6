"""Draws the recipe of a rendered shot from its seed: light, screen, camera and colors as they vary between shoots."""

from __future__ import annotations

import colorsys
from dataclasses import replace

from model.data.blender.recipe import KINDS, Color, Recipe
from model.data.seeding import Draw

SCREENS: dict[str, Color] = {"green": (0.035, 0.42, 0.07), "blue": (0.025, 0.085, 0.48)}
ASPECT = 16 / 9
ALPHA_FACTORS = {"cloth": 32, "gel": 32}
"""How many times the samples of the other passes alpha gets (else 8): Cycles covers by chance where a sheet is thin."""

FRAMES: dict[str, tuple[float, float]] = {
    "hair": (1.75, 2.14),
    "fur": (1.35, 1.05),
    "cloth": (2.5, 1.35),
    "glass": (1.3, 1.12),
    "gel": (2.1, 1.45),
}
"""Width of the frame and height of its center, per kind of subject."""

HAIR_TONES: tuple[Color, ...] = (
    (0.012, 0.008, 0.006),
    (0.05, 0.022, 0.01),
    (0.14, 0.055, 0.02),
    (0.42, 0.25, 0.1),
    (0.55, 0.5, 0.45),
)


def draw_recipe(seed: int, *, kind: str, size: int, samples: int) -> Recipe:
    """Return the recipe of ``seed``; ``size`` is the frame's width in pixels, ``samples`` those per pixel.

    Raises ValueError for an unknown kind (see `KINDS`).
    """
    if kind not in KINDS:
        raise ValueError(f"There is no subject '{kind}'; there are: {', '.join(KINDS)}.")
    draw = Draw(seed, "blender")
    light, screen, camera = draw.child("light"), draw.child("screen"), draw.child("camera")
    frame_width, camera_height = FRAMES[kind]
    warm = light.normal(0.06)
    wide = screen.chance(0.75)
    recipe = Recipe(
        seed=seed,
        kind=kind,
        width=size,
        height=round(size / ASPECT / 2) * 2,
        samples=samples,
        alpha_samples=samples * ALPHA_FACTORS.get(kind, 8),
        screen_color=_jitter(screen, SCREENS["green" if screen.chance(0.7) else "blue"]),
        screen_level=screen.log_uniform(0.16, 0.5),
        screen_half_width=6.0 if wide else frame_width * screen.uniform(0.5, 0.62),
        screen_wrinkles=screen.log_uniform(0.02, 0.2),
        screen_imbalance=screen.uniform(-0.6, 0.6),
        markers=screen.chance(0.5),
        marker_color=screen.pick(((0.75, 0.75, 0.72), (0.6, 0.05, 0.03), (0.02, 0.02, 0.02), (0.8, 0.35, 0.02))),
        key_angle=light.sign() * light.uniform(15, 75),
        key_height=light.uniform(2.6, 4.5),
        key_light=light.log_uniform(0.5, 2.0),
        key_size=light.log_uniform(0.25, 1.8),
        key_color=(1 + warm, 1.0, 1 - warm),
        fill=light.log_uniform(0.08, 0.5),
        rim=light.uniform(0.3, 1.6) if light.chance(0.6) else 0.0,
        frame_width=frame_width * camera.uniform(0.92, 1.1),
        camera_height=camera_height,
        camera_roll=camera.normal(1.0),
        f_stop=camera.log_uniform(1.2, 4.0) if camera.chance(0.35) else 0.0,
        turn=camera.uniform(0, 360),
        motion=(0.0, 0.0, 0.0),
        tone=(0.0, 0.0, 0.0),
        second_tone=(0.0, 0.0, 0.0),
    )
    return _dress(draw.child("subject"), recipe)


def _dress(draw: Draw, recipe: Recipe) -> Recipe:
    """Choose colors, pose and motion of the subject."""
    tones = {
        "hair": draw.pick(HAIR_TONES),
        "fur": _hue(draw, (0.02, 0.12), (0.3, 0.75), (0.15, 0.6)),
        "cloth": _hue(draw, (0.0, 1.0), (0.2, 0.9), (0.05, 0.5)),
        "glass": draw.pick(((0.35, 0.006, 0.02), (0.75, 0.42, 0.06), (0.3, 0.08, 0.03))),
        "gel": _hue(draw, (-0.08, 0.17), (0.92, 1.0), (0.8, 1.0)),
    }
    second = _hue(draw, (0.45, 1.0), (0.4, 0.9), (0.06, 0.5)) if not draw.chance(0.2) else (0.03, 0.03, 0.035)
    # A head is seen from behind or from the side: a face without features would look at nobody.
    turn = {"hair": 180 + draw.uniform(-55, 55), "fur": draw.uniform(-45, 45), "gel": draw.uniform(-30, 30)}
    turn["glass"] = draw.uniform(-25, 25)
    moves = draw.chance({"hair": 0.3, "fur": 0.5, "gel": 0.2}.get(recipe.kind, 0.0))
    way = (draw.normal(0.05), 0.0, draw.normal(0.03)) if moves else (0.0, 0.0, 0.0)
    return replace(
        recipe, tone=tones[recipe.kind], second_tone=second, turn=turn.get(recipe.kind, recipe.turn), motion=way
    )


def _jitter(draw: Draw, color: Color) -> Color:
    red, green, blue = (value * (1 + draw.normal(0.12)) for value in color)
    return red, green, blue


def _hue(draw: Draw, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]) -> Color:
    return colorsys.hsv_to_rgb(draw.uniform(*hue) % 1.0, draw.uniform(*saturation), draw.uniform(*value))
