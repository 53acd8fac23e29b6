"""The five kinds of subjects that are rendered: who or what stands before the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from model.data.blender.materials import glass, hair, matter, veiling
from model.data.blender.objects import add_strands, add_surface
from model.data.blender.recipe import Color, Recipe, scaled
from model.data.blender.strands import HairStyle, combined, fringe, fur, head_of_hair
from model.data.blender.surfaces import box, ellipsoid, joined, rod, sheet, turned

Objects = list[Any]
Build = Callable[[Recipe, np.random.Generator], Objects]
BOTTLES: tuple[Color, ...] = ((0.55, 0.75, 0.5), (0.85, 0.6, 0.3), (0.92, 0.95, 0.95))
SKINS: tuple[Color, ...] = ((0.62, 0.36, 0.25), (0.4, 0.2, 0.12), (0.18, 0.08, 0.045), (0.72, 0.45, 0.34))


def build_subject(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """Build the subject at the origin, turned and moving as the recipe says; return its objects."""
    found = BUILDERS[recipe.kind](recipe, chance)
    handle = bpy.data.objects.new("handle", None)
    bpy.context.scene.collection.objects.link(handle)
    handle.rotation_euler = (0.0, 0.0, math.radians(recipe.turn))
    for thing in found:
        thing.parent = handle
    if any(recipe.motion):
        for frame, share in ((0, -1.0), (1, 0.0), (2, 1.0)):
            handle.location = tuple(share * way for way in recipe.motion)
            handle.keyframe_insert("location", frame=frame)
    return found


def _hair(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """A head with long hair above a coat; the face looks along −y."""
    skin = matter("skin", SKINS[int(chance.integers(len(SKINS)))], rough=0.5, soft=0.25)
    coat = matter("coat", recipe.second_tone, rough=0.85, sheen=0.4, grain=0.35, grain_scale=140.0)
    radii, center = (0.165, 0.2, 0.235), (0.0, 0.0, 2.28)
    style = HairStyle(
        length=float(chance.uniform(0.3, 0.62)),
        curl=float(chance.choice((0.003, 0.01, 0.022))),
        turns=float(chance.uniform(2.0, 8.0)),
        stray=float(chance.uniform(0.04, 0.12)),
    )
    scalp = matter("scalp", scaled(recipe.tone, 0.5), rough=0.8)
    strands = head_of_hair(chance, radii, center, style)
    neck = turned([(0.1, 1.75), (0.085, 1.95), (0.09, 2.12), (0.1, 2.25)], rows=16)
    shoulders = turned(
        [(0.5, 0.9), (0.52, 1.4), (0.49, 1.62), (0.36, 1.76), (0.2, 1.84), (0.13, 1.9), (0.12, 1.95)],
        rows=48,
        around=96,
        flat=0.5,
        fold=lambda angle, place: 0.006 * np.sin(7 * angle + 9 * place) + 0.005 * np.sin(3 * angle - 21 * place),
    )
    back = ellipsoid((0.163, 0.19, 0.225), (0.0, 0.012, 2.292))
    return [
        add_surface("head", ellipsoid((0.16, 0.185, 0.23), (0.0, -0.01, 2.275)), skin),
        add_surface("scalp", back.moved(y=0.012), scalp),
        add_surface("neck", neck, skin),
        add_surface("coat", shoulders, coat),
        add_strands("hair", strands, hair("hair", recipe.tone)),
    ]


def _fur(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """A plush animal that sits on a stool."""
    coat, skin = hair("fur", recipe.tone), matter("plush", scaled(recipe.tone, 0.6), rough=0.9)
    button = matter("button", (0.01, 0.008, 0.008), rough=0.08)
    wood = matter("stool", (0.22, 0.12, 0.05), rough=0.4, grain=0.4, grain_scale=12.0)
    balls: list[tuple[tuple[float, float, float], tuple[float, float, float], float]] = [
        ((0.2, 0.17, 0.23), (0.0, 0.02, 0.87), 1.0),
        ((0.17, 0.155, 0.15), (0.0, -0.02, 1.2), 1.0),
        ((0.07, 0.06, 0.055), (0.0, -0.16, 1.16), 0.45),
        *(((0.06, 0.03, 0.062), (side * 0.14, 0.0, 1.34), 0.7) for side in (-1, 1)),
        *(((0.075, 0.1, 0.15), (side * 0.23, -0.05, 0.93), 0.9) for side in (-1, 1)),
        *(((0.09, 0.18, 0.08), (side * 0.14, -0.2, 0.72), 0.9) for side in (-1, 1)),
    ]
    length = float(chance.uniform(0.04, 0.085))
    coats = [
        fur(chance, radii, center, density=9000, length=length * share, thickness=0.0012)
        for radii, center, share in balls
    ]
    eyes = [ellipsoid((0.018, 0.012, 0.018), (side * 0.062, -0.165, 1.245), around=24) for side in (-1, 1)]
    nose = ellipsoid((0.026, 0.016, 0.018), (0.0, -0.225, 1.185), around=24)
    seat = turned([(0.001, 0.66), (0.33, 0.66), (0.345, 0.645), (0.345, 0.61), (0.33, 0.6), (0.05, 0.6), (0.05, 0.0)])
    return [
        add_surface("body", joined([ellipsoid(radii, center, around=32) for radii, center, _ in balls]), skin),
        add_surface("buttons", joined([*eyes, nose]), button),
        add_surface("stool", seat, wood),
        add_strands("fur", combined(*coats), coat),
    ]


def _cloth(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """A tailor's dummy in a pleated skirt, under a shawl of lace with a fringe."""
    linen = matter("linen", (0.5, 0.43, 0.33), rough=0.9, sheen=0.3, grain=0.25, grain_scale=180.0)
    wool = matter("skirt", recipe.tone, rough=0.85, sheen=0.5, grain=0.3, grain_scale=120.0)
    wood = matter("knob", (0.2, 0.09, 0.035), rough=0.25)
    lace = veiling("lace", (0.75, 0.72, 0.68), 0.22, lace=float(chance.uniform(14, 26)))
    torso = turned(
        [(0.3, 0.7), (0.33, 0.95), (0.235, 1.25), (0.27, 1.5), (0.31, 1.65), (0.28, 1.8), (0.12, 1.9), (0.09, 2.0)],
        rows=60,
        flat=0.72,
    )
    pleats, phase = int(chance.integers(11, 19)), float(chance.uniform(0, 6))

    def pleated(angle: Any, place: Any) -> Any:
        return place**1.2 * (0.045 * np.sin(pleats * angle + phase) + 0.03 * np.sin(3 * angle + 2 * phase))

    skirt = turned(
        [(0.245, 1.27), (0.3, 1.1), (0.42, 0.75), (0.55, 0.3), (0.6, 0.1)], rows=50, around=360, fold=pleated
    )

    def draped(angle: Any, place: Any) -> Any:
        return place * (0.03 * np.sin(9 * angle + 1) + 0.02 * np.sin(17 * angle + 5 * place))

    shawl = turned(
        [(0.13, 1.93), (0.3, 1.85), (0.4, 1.66), (0.44, 1.42), (0.5, 1.12)], rows=40, around=240, fold=draped
    )
    rim = shawl.corners[-240:]
    edge = np.repeat(rim, 5, axis=0) + chance.normal(0, 0.006, (1200, 3))
    threads = fringe(chance, edge, length=0.11, thickness=0.0016)
    return [
        add_surface("torso", torso, linen),
        add_surface(
            "knob", turned([(0.09, 2.0), (0.075, 2.02), (0.03, 2.05), (0.045, 2.1), (0.001, 2.14)], rows=20), wood
        ),
        add_surface("skirt", skirt, wool),
        add_surface("shawl", shawl, lace),
        add_strands("fringe", threads, matter("thread", (0.7, 0.67, 0.62), rough=0.9)),
    ]


def _glass(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """A wine glass, a bottle and a ball of glass on a round of wood."""
    clear = glass("clear")
    wood = matter("wood", (0.3, 0.17, 0.08), rough=0.45, grain=0.35, grain_scale=9.0)
    top = turned([(0.0005, 0.8), (0.5, 0.8), (0.515, 0.79), (0.515, 0.74), (0.2, 0.72), (0.16, 0.0)], around=96)
    bowl = [(0.035, 0.0), (0.075, 0.03), (0.105, 0.1), (0.108, 0.17), (0.095, 0.24), (0.082, 0.3)]
    outside = [(0.0005, 0.0), (0.085, 0.001), (0.085, 0.005), (0.02, 0.016), (0.0075, 0.05), (0.007, 0.2)]
    outside += [(0.02, 0.222), *((radius, 0.222 + height) for radius, height in bowl[1:])]
    inside = [(radius - 0.0035, 0.224 + height) for radius, height in bowl[:0:-1]]
    goblet = turned([*outside, *inside, (0.02, 0.232), (0.0005, 0.228)], around=96)
    wine = turned([(0.0005, 0.233), (0.024, 0.238), *((r - 0.006, 0.228 + h) for r, h in bowl[1:4]), (0.0005, 0.399)])
    flask = [(0.0005, 0.0), (0.095, 0.0), (0.105, 0.012), (0.105, 0.3), (0.09, 0.36), (0.036, 0.42), (0.034, 0.54)]
    flask += [(0.042, 0.545), (0.042, 0.565), (0.028, 0.566), (0.027, 0.42), (0.082, 0.35), (0.097, 0.3), (0.097, 0.02)]
    bottle = turned([*flask, (0.0005, 0.016)], around=96)
    angle = float(chance.uniform(-0.4, 0.4))
    left, right = (-0.27 * math.cos(angle), 0.27 * math.sin(angle)), (0.26, float(chance.uniform(-0.15, 0.1)))
    liquor = matter("wine", recipe.tone, rough=0.05)
    tinted = glass("bottle", BOTTLES[int(chance.integers(len(BOTTLES)))])
    ball = ellipsoid((0.1, 0.1, 0.1), (0.07, -0.2, 0.902), around=64)
    pear = turned([(0.001, 0.0), (0.07, 0.02), (0.085, 0.08), (0.05, 0.16), (0.03, 0.2), (0.001, 0.215)], rows=30)
    return [
        add_surface("table", top, wood),
        add_surface("goblet", goblet.moved(*left, 0.802), clear),
        add_surface("wine", wine.moved(*left, 0.802), liquor),
        add_surface("bottle", bottle.moved(*right, 0.802), tinted),
        add_surface("ball", ball, clear),
        add_surface("pear", pear.moved(-0.06, 0.12, 0.802), matter("pear", (0.45, 0.36, 0.05), rough=0.4, soft=0.1)),
    ]


def _gel(recipe: Recipe, chance: np.random.Generator) -> Objects:
    """Frosted gels in frames, clamped to a stand, one behind the other."""
    metal = matter("metal", (0.25, 0.25, 0.26), rough=0.3, metal=1.0)
    black = matter("frame", (0.015, 0.015, 0.016), rough=0.4)
    found = [
        add_surface(
            "stand",
            joined([rod((0, 0.1, 0), (0, 0.1, 2.3), 0.022), rod((-0.6, 0.1, 1.85), (0.6, 0.1, 1.85), 0.012)]),
            metal,
        )
    ]
    colors = (recipe.tone, recipe.second_tone, (recipe.tone[2], 0.5 * recipe.tone[0], recipe.tone[0]))
    places = ((-0.36, -0.05, 1.45), (0.1, 0.02, 1.38), (0.46, -0.12, 1.5))
    for number, (color, place) in enumerate(zip(colors, places, strict=True)):
        cover = float(chance.uniform(0.5, 0.8))
        film = veiling(f"gel {number}", scaled(color, 1.5), cover, gloss=0.06)
        size, tilt = float(chance.uniform(0.36, 0.5)), float(chance.normal(0, 0.15))
        u, v = np.meshgrid(np.linspace(-0.5, 0.5, 30), np.linspace(-0.5, 0.5, 30))
        curl = 0.04 * np.sin(3 * u + number) * np.cos(2 * v) + 0.02 * u * v
        gel = add_surface("gel", sheet(np.stack([size * u, curl, size * v], axis=-1)), film)
        half, bar = size / 2, 0.02
        bars = [box((size + bar, bar, bar), (0, 0, side * half)) for side in (-1, 1)]
        bars += [box((bar, bar, size + bar), (side * half, 0, 0)) for side in (-1, 1)]
        frame = add_surface("frame", joined(bars), black, smooth=False)
        arm = add_surface("arm", rod((0, 0.02, half), (0, 0.12, 1.86 - place[2]), 0.009), black)
        for thing in (gel, frame, arm):
            thing.location, thing.rotation_euler = place, (0.0, tilt, float(chance.normal(0, 0.05)) + 0.5 * tilt)
            found.append(thing)
    return found


BUILDERS: dict[str, Build] = {"hair": _hair, "fur": _fur, "cloth": _cloth, "glass": _glass, "gel": _gel}
