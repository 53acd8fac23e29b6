"""Assembles a shot: screen, subjects, spill, shadow, lens and camera, with the exact truth of each frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from model.data.blur import disc, gaussian, motion_blur, shift
from model.data.camera import IDENTITY, Camera, color_matrix, draw_camera, record, through
from model.data.config import DataConfig
from model.data.lighting import draw_light, draw_spill, lens_glare, screen_light_on
from model.data.looks import curved
from model.data.materials import Stage, plain_palette, printed
from model.data.screens import Stand, draw_color, screen
from model.data.seeding import Draw
from model.data.shadows import shadowed
from model.data.shapes import Point
from model.data.subjects import KINDS
from model.data.truth import ALPHA, COLOR, EMISSION, ShotBatch, Truth, empty_stack, over, settle, straight
from model.data.view import Motion, View, draw_motion

SMALL = 640 * 640  # pixels of a shot


class Backdrop(NamedTuple):
    """What stands behind the subjects, before their shadow falls on it and glass bends it."""

    background: Tensor  # (T, 3, H, W), markers and set included
    clean_plate: Tensor  # (T, 3, H, W), without markers
    share: Tensor  # (T, 1, H, W), 1 where it is screen, 0 where it is set


@torch.no_grad()
def generate(
    seeds: Sequence[int],
    *,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
    config: DataConfig | None = None,
    frames: int = 1,
) -> ShotBatch:
    """Return one shot of ``frames`` frames for each seed, (B·frames, C, H, W), made on ``device``.

    A shot depends on its own seed, size, length and the config alone, not on the batch around it.
    """
    chosen, place = config or DataConfig(), torch.device(device)
    # Half precision, as a training loop may ask for around this call, would break the truth.
    with torch.autocast(place.type, enabled=False), _threads_for(height * width * frames, place):
        shots = [_shot(seed, height, width, frames, place, chosen) for seed in seeds]
    truths = [truth for _, truth, _ in shots]
    return ShotBatch(
        plate=torch.cat([plate for plate, _, _ in shots]),
        foreground=torch.cat([truth.foreground for truth in truths]),
        alpha=torch.cat([truth.alpha for truth in truths]),
        background=torch.cat([truth.background for truth in truths]),
        clean_plate=torch.cat([truth.clean_plate for truth in truths]),
        spill=torch.cat([truth.spill for truth in truths]),
        emission=torch.cat([truth.emission for truth in truths]),
        recipes=[recipe for _, _, recipe in shots],
        frames=frames,
    )


@contextmanager
def _threads_for(pixels: int, device: torch.device) -> Iterator[None]:
    """Make small pictures on one thread: handing them to several costs more than it saves."""
    usual = torch.get_num_threads()
    if device.type != "cpu" or usual == 1 or pixels > SMALL:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _shot(
    seed: int, height: int, width: int, frames: int, device: torch.device, config: DataConfig
) -> tuple[Tensor, Truth, dict[str, Any]]:
    draw = Draw(seed)
    name, color = draw_color(draw.child("color"), config)
    kinds, motions, view = _staged(draw.child("staging"), height, width, frames, device, config)
    x, y = view.world()
    camera = draw_camera(draw.child("camera"), config)
    stand = Stand(motions[0].center, motions[0].size * KINDS[kinds[0]].reach) if kinds else None
    clean, marks, share, recipe = screen(draw.child("screen"), config, view, x, y, color, stand)
    light = draw_light(draw.child("light"), config.light)
    stage = Stage(view, x, y, light, color, config.near_screen)
    background = marks.on(clean, clean.mean(1, keepdim=True) / (sum(color) / 3)) if marks.kind != "none" else clean
    background = clean + (background - clean) * share
    stack, bends = _subjects(draw, config, stage, kinds, motions)
    recipe |= {"seed": seed, "subjects": kinds, "screen": name, "screen_color": color, "camera": camera.recipe()}
    plate, truth = photograph(draw, config, view, stack, bends, Backdrop(background, clean, share), camera)
    return plate, truth, recipe


def photograph(
    draw: Draw,
    config: DataConfig,
    view: View,
    stack: Tensor,
    bends: Sequence[tuple[Tensor, Tensor]],
    backdrop: Backdrop,
    camera: Camera,
) -> tuple[Tensor, Truth]:
    """Return the plate (T, 3, H, W) and its truth for a stack (T, 11, H, W) of subjects before a backdrop.

    ``bends`` say from how many pixels away glass brings the light behind it (T, H, W each). Of the config, only shadow,
    spill and camera count.
    """
    background = shadowed(draw.child("shadow"), config, view, stack, backdrop.background)
    for bend in bends:
        background = shift(background, *bend)
    clean, lit = backdrop.clean_plate, backdrop.clean_plate * backdrop.share
    stack, background, clean, lit = _through_lens(stack, background, clean, lit, camera)
    return _exposed(draw, config, stack, background, clean, lit, camera, view)


def _staged(
    draw: Draw, height: int, width: int, frames: int, device: torch.device, config: DataConfig
) -> tuple[list[str], list[Motion], View]:
    """Choose subjects and where they are, and point the camera at an outline of the first."""
    kinds: list[str] = []
    if not draw.chance(config.empty):
        kinds.append(draw.weighted(config.subjects))
        while len(kinds) < 3 and draw.chance(config.extra_subjects):
            kinds.append(draw.weighted(config.subjects))
    zoom = draw.log_uniform(*config.zoom)
    turned = 0.0 if draw.chance(config.upright) else draw.uniform(0, 2 * math.pi)
    motions: list[Motion] = []
    center = (0.0, 0.0)
    for index, kind in enumerate(kinds):
        own = draw.child(f"subject {index}")
        about = KINDS[kind]
        size = own.log_uniform(*about.size)
        if index == 0:
            place = (own.normal(0.2), own.normal(0.1))
            angle = own.uniform(0, 2 * math.pi)
            if own.child("below").chance(config.from_below):
                angle = -angle / 2  # y points down
            reach = about.reach * size * own.uniform(0.5, 1.15)
            pull = 1 - zoom**-1.5
            center = (pull * (place[0] + reach * math.cos(angle)), pull * (place[1] + reach * math.sin(angle)))
            near = own.child("close")
            if near.chance(config.close):
                size = near.uniform(0.35, 0.85) / zoom / about.reach
                center = _framed(near, place, turned, width / height, zoom, (-0.15, 0.65))
            afar = own.child("whole")
            if kind == "person" and afar.chance(config.whole):
                size = afar.uniform(0.03, 0.09) / zoom  # of half a head
                center = _framed(afar, place, turned, width / height, zoom, (-0.42, 0.0))
        else:
            size *= own.uniform(0.4, 1.0) / zoom**0.5
            place = (center[0] + own.normal(0.4) / zoom, center[1] + own.normal(0.35) / zoom)
        motions.append(draw_motion(own, place, size, turn=about.turn, fast=own.chance(config.motion_blur)))
    pan = (draw.normal(0.002), draw.normal(0.001)) if draw.chance(0.5) else (0.0, 0.0)
    return kinds, motions, View(height, width, frames, 1 / (zoom * height), turned, center, pan, device)


def _framed(draw: Draw, place: Point, turned: float, aspect: float, zoom: float, low: tuple[float, float]) -> Point:
    """Return where a camera looks that has ``place`` in its picture, so ``low`` below the middle, in its heights."""
    right, down = draw.uniform(-0.5, 0.5) * aspect / zoom, draw.uniform(*low) / zoom
    cosine, sine = math.cos(turned), math.sin(turned)
    return place[0] - cosine * right + sine * down, place[1] - sine * right - cosine * down


def _subjects(
    draw: Draw, config: DataConfig, stage: Stage, kinds: list[str], motions: list[Motion]
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Lay the subjects over each other, back to front; return them and how glass bends the light of the background.

    Glass bends the subjects behind it as well.
    """
    view = stage.view
    stack = empty_stack(view.frames, view.height, view.width, view.device)
    bends: list[tuple[Tensor, Tensor]] = []
    order = list(range(len(kinds)))
    if draw.child("order").chance(0.3):
        order.reverse()
    for index in order:
        own = draw.child(f"subject {index}")
        clothes = own.child("clothes")
        plain = kinds[index] == "person" and clothes.chance(config.plain_clothes)
        dressed = replace(stage, palette=plain_palette(clothes)) if plain else stage
        part = KINDS[kinds[index]].draw(own.child("look"), dressed, motions[index])
        layer = part.stack
        wear = own.child("print")
        if wear.chance(config.prints):
            layer = printed(wear, stage, motions[index], layer)
        if _is_fast(motions[index], view):
            layer = motion_blur(layer, view, motions[index], own.uniform(0.3, 0.9))
        if own.chance(config.defocus):
            layer = disc(layer, min(own.log_uniform(0.001, 0.012) / view.pixel, 12.0))
        if part.bend is not None:
            bends.append(part.bend)
            stack = shift(stack, *part.bend)
        stack = over(layer, stack)
    return stack, bends


def _is_fast(motion: Motion, view: View) -> bool:
    return math.hypot(*motion.velocity) >= 0.006 and math.hypot(*motion.velocity) / view.pixel > 1


def _through_lens(
    stack: Tensor, background: Tensor, clean: Tensor, lit: Tensor, camera: Camera
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    everything = gaussian(torch.cat((stack, background, clean), 1), camera.lens_blur)
    count = stack.shape[1]
    return settle(everything[:, :count]), everything[:, count : count + 3], everything[:, count + 3 :], lit


def _exposed(
    draw: Draw,
    config: DataConfig,
    stack: Tensor,
    background: Tensor,
    clean: Tensor,
    lit: Tensor,
    camera: Camera,
    view: View,
) -> tuple[Tensor, Truth]:
    """Add spill, apply the camera's matrix and look to plate and truth alike, then record the plate."""
    amount = draw_spill(draw.child("spill"), view.pixel)
    spill = torch.zeros_like(background)
    if config.spill:
        veil = lens_glare(stack, background, amount)
        background, clean = background + veil, clean + veil
        spill = screen_light_on(stack, amount, lit) + veil * stack[:, ALPHA]
    matrix = color_matrix(camera) if config.camera else IDENTITY

    def seen(light: Tensor) -> Tensor:
        return through(matrix, light)

    truth = Truth(
        foreground=seen(straight(stack)),
        alpha=stack[:, ALPHA],
        background=seen(background),
        clean_plate=seen(clean),
        spill=seen(spill),
        emission=seen(stack[:, EMISSION]),
    )
    light = stack[:, COLOR] + (1 - stack[:, ALPHA]) * background + stack[:, EMISSION] + spill
    noiseless = seen(light)
    if not config.camera:
        return noiseless, truth
    plate = record(draw.child("record"), noiseless, camera)
    return plate, truth if camera.look is None else curved(camera.look, truth)
