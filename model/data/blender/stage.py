"""The studio around the subject: screen with markers, room and stands, lamps and camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from model.data.blender.materials import matter
from model.data.blender.objects import add_area_light, add_surface
from model.data.blender.recipe import Recipe
from model.data.blender.surfaces import Surface, box, joined, rod, sheet

SCREEN_BEHIND = 2.6
CAMERA_BEFORE = 6.0
SCREEN_POWER = 260.0
KEY_POWER = 560.0
SENSOR_MM = 36.0


@dataclass(frozen=True)
class Stage:
    """What stands around the subject, by what the passes do with it."""

    screen: list[Any]
    markers: list[Any]
    room: list[Any]


def build_stage(recipe: Recipe, chance: np.random.Generator) -> Stage:
    """Build screen, room, lamps and camera for the subject at the origin."""
    screen = matter("screen", recipe.screen_color, rough=0.75, sheen=0.15, grain=0.07, grain_scale=35.0)
    screens = [add_surface("screen", _screen(recipe, chance), screen)]
    markers = _markers(recipe, chance) if recipe.markers else []
    _lamps(recipe)
    _camera(recipe)
    return Stage(screens, markers, _room(recipe))


def _screen(recipe: Recipe, chance: np.random.Generator) -> Surface:
    """A cloth that hangs behind the subject and runs out over the floor in a round bend."""
    across = np.linspace(-recipe.screen_half_width, recipe.screen_half_width, 221)
    way = np.linspace(0, 1, 161)[:, None]
    bend, rise, reach = 0.8, 5.2, SCREEN_BEHIND + 1.4
    flat, arc = reach - bend, bend * math.pi / 2
    distance = way * (flat + arc + rise - bend)
    turn = np.clip((distance - flat) / bend, 0, math.pi / 2)
    y = -1.4 + np.minimum(distance, flat) + bend * np.sin(turn)
    z = bend * (1 - np.cos(turn)) + np.maximum(distance - flat - arc, 0)
    relief = _folds(recipe, chance, across[None, :], distance)
    x = np.broadcast_to(across[None, :], relief.shape)
    return sheet(np.stack([x, y - relief * np.sin(turn), z + 0.3 * np.abs(relief) * np.cos(turn)], axis=-1))


def _folds(recipe: Recipe, chance: np.random.Generator, x: Any, way: Any) -> Any:
    """Soft folds that hang down, and a few creases across them."""
    relief = np.zeros(np.broadcast_shapes(x.shape, way.shape))
    for _ in range(9):
        wave, slant, phase = chance.uniform(1.2, 7.0), chance.normal(0, 0.35), chance.uniform(0, 2 * math.pi)
        relief = relief + np.sin(wave * (x + slant * way) + phase) / wave * (0.6 + 0.4 * np.sin(0.9 * way + phase))
    for _ in range(5):
        slope, offset = chance.normal(0, 0.5), chance.uniform(1.0, 6.0)
        relief = relief + 0.5 * chance.uniform(-1, 1) * np.exp(-(((way - offset - slope * x) / 0.05) ** 2))
    return recipe.screen_wrinkles * relief


def _markers(recipe: Recipe, chance: np.random.Generator) -> list[Any]:
    """Tape crosses on a loose grid, just before the cloth."""
    tape = matter("tape", recipe.marker_color, rough=0.5)
    found = []
    spacing = recipe.frame_width * 0.42
    for column in range(-2, 3):
        for row in range(-1, 2):
            x, z = column * spacing + chance.normal(0, 0.04), recipe.camera_height + row * spacing
            if abs(x) > recipe.screen_half_width or z < 1.0:
                continue
            size, y = 0.035 * recipe.frame_width, SCREEN_BEHIND - 0.06 - 2 * recipe.screen_wrinkles
            bars = [box((size, 0.002, size * 0.28), (x, y, z)), box((size * 0.28, 0.002, size), (x, y - 0.004, z))]
            found.append(add_surface("marker", joined(bars), tape, smooth=False))
    return found


def _room(recipe: Recipe) -> list[Any]:
    """Dark walls, and beside a narrow screen the stands and the cross bar that hold it."""
    parts = [add_surface("room", box((16, 18, 7), (0, 0.5, 3.44)), matter("wall", (0.06, 0.058, 0.055)), smooth=False)]
    if recipe.screen_half_width < 3:
        edge, y = recipe.screen_half_width + 0.06, SCREEN_BEHIND + 0.05
        poles = [rod((side * edge, y, 0), (side * edge, y, 5.3), 0.025) for side in (-1, 1)]
        metal = matter("stand", (0.1, 0.1, 0.1), rough=0.35, metal=0.6)
        parts.append(add_surface("stands", joined([*poles, rod((-edge, y, 5.25), (edge, y, 5.25), 0.02)]), metal))
        crates = [box((0.9, 0.7, 1.3), (-edge - 0.9, y + 0.9, 0.65)), box((0.5, 0.5, 2.4), (edge + 0.8, y + 1.2, 1.2))]
        wood = matter("crates", (0.16, 0.09, 0.045), grain=0.4)
        parts.append(add_surface("crates", joined(crates), wood, smooth=False))
    return parts


def _lamps(recipe: Recipe) -> None:
    for side in (-1, 1):
        power = SCREEN_POWER * (1 + side * recipe.screen_imbalance)
        aim = (side * 0.6, SCREEN_BEHIND, recipe.camera_height - 0.2)
        add_area_light("screen lamp", (side * 3.4, 0.2, 3.4), aim, power=power, size=1.0)
    angle = math.radians(recipe.key_angle)
    body = (0.0, 0.0, recipe.camera_height)
    place = (3.6 * math.sin(angle), -3.6 * math.cos(angle), recipe.key_height)
    key = add_area_light("key", place, body, power=KEY_POWER * recipe.key_light, size=recipe.key_size)
    key.data.color = recipe.key_color
    other = (-3.5 * math.sin(angle), -3.5 * math.cos(angle), 2.0)
    add_area_light("fill", other, body, power=KEY_POWER * recipe.key_light * recipe.fill, size=2.0)
    if recipe.rim:
        behind = (-1.9 * math.sin(angle), 1.7, recipe.camera_height + 2.2)
        add_area_light("rim", behind, body, power=0.35 * KEY_POWER * recipe.rim, size=0.5)


def _camera(recipe: Recipe) -> None:
    lens = bpy.data.cameras.new("camera")
    lens.sensor_width = SENSOR_MM
    lens.lens = SENSOR_MM * CAMERA_BEFORE / recipe.frame_width
    lens.clip_end = 50
    camera = bpy.data.objects.new("camera", lens)
    camera.location = (0.0, -CAMERA_BEFORE, recipe.camera_height)
    camera.rotation_euler = (math.pi / 2, math.radians(recipe.camera_roll), 0.0)
    if recipe.f_stop:
        lens.dof.use_dof = True
        lens.dof.focus_distance = CAMERA_BEFORE - 0.1
        lens.dof.aperture_fstop = recipe.f_stop
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
