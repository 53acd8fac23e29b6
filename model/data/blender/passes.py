"""Renders the passes of one shot: the same rays each time, with other things shown, hidden or painted black."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from model.data.blender.materials import blacken, plain
from model.data.blender.recipe import Recipe
from model.data.blender.stage import Stage

Passes = dict[str, Any]
# Relative to the screen, whose light is about 1 here: single bright paths would stay as white dots.
BRIGHTEST_DIRECT, BRIGHTEST_INDIRECT = 5.0, 2.0


def render_passes(recipe: Recipe, stage: Stage, subject: Sequence[Any], folder: Path) -> Passes:
    """Return the passes as float32 arrays (H, W, 4), premultiplied RGBA, scene-linear Rec.709.

    ``plate``: all of it. ``background``: the subject out of sight, its shadow and bounce still there. ``clean_plate``:
    neither subject nor markers. ``spilled``: the subject alone, lit by the unseen screen. ``subject``: the same beside
    a black screen. ``alpha``: the subject as plain light with more samples, glass as it is; only A counts.
    Colors are denoised (Open Image Denoise), alpha never is.
    """
    scene = _prepare(recipe)
    behind = [*stage.screen, *stage.markers, *stage.room]
    done: Passes = {"plate": _render(scene, folder, opaque=True)}
    _show(subject, seen=False)
    done["background"] = _render(scene, folder, opaque=True)
    for thing in [*subject, *stage.markers]:
        thing.hide_render = True
    done["clean_plate"] = _render(scene, folder, opaque=True)
    for thing in [*subject, *stage.markers]:
        thing.hide_render = False
    _show(subject, seen=True)
    _show(behind, seen=False)
    done["spilled"] = _render(scene, folder, opaque=False)
    for thing in [*stage.screen, *stage.markers]:
        for material in thing.data.materials:
            if not material.get("black"):
                blacken(material)
                material["black"] = True
    done["subject"] = _render(scene, folder, opaque=False)
    # Denoising would smear single strands; plain light is cheap enough to do without.
    scene.cycles.use_denoising, scene.cycles.samples = False, recipe.alpha_samples
    if recipe.kind != "glass":
        for material in {slot for thing in subject for slot in thing.data.materials}:
            plain(material)
        scene.cycles.max_bounces = 0
    done["alpha"] = _render(scene, folder, opaque=False)
    return done


def _show(things: Sequence[Any], *, seen: bool) -> None:
    """Show things to the camera, straight or through glass, or hide them from it; light still meets them."""
    for thing in things:
        thing.visible_camera = seen
        thing.visible_transmission = seen


def _prepare(recipe: Recipe) -> Any:
    scene = bpy.context.scene
    scene.frame_set(1)
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = recipe.width, recipe.height, 100
    render.use_motion_blur, render.motion_blur_shutter = any(recipe.motion), 0.5
    settings = render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.view_settings.view_transform = "Raw"
    cycles.device, cycles.samples, cycles.seed = "CPU", recipe.samples, recipe.seed % 2**31
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.max_bounces = 12 if recipe.kind == "glass" else 6
    cycles.diffuse_bounces, cycles.glossy_bounces = 2, 3
    cycles.transmission_bounces = 12 if recipe.kind == "glass" else 4
    cycles.transparent_max_bounces = 32
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = BRIGHTEST_DIRECT, BRIGHTEST_INDIRECT
    cycles.film_transparent_glass = True
    return scene


def _render(scene: Any, folder: Path, *, opaque: bool) -> Any:
    path = folder / "pass.exr"
    scene.render.film_transparent = not opaque
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    loaded = bpy.data.images.load(str(path))
    loaded.colorspace_settings.name = "Linear Rec.709"
    pixels = np.empty(scene.render.resolution_x * scene.render.resolution_y * 4, np.float32)
    loaded.pixels.foreach_get(pixels)
    bpy.data.images.remove(loaded)
    path.unlink()
    # Blender's rows start at the bottom.
    return pixels.reshape(scene.render.resolution_y, scene.render.resolution_x, 4)[::-1].copy()
