"""The room around a screen: walls, lamps, boxes and stands, and crew at its borders."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from model.data.backgrounds import dead_leaves
from model.data.lighting import Rgb, draw_light, rgb
from model.data.materials import Stage, linear_of
from model.data.seeding import Draw
from model.data.shapes import Point, box, coverage, limb
from model.data.subjects.people import person
from model.data.textures import read, spectral
from model.data.truth import ALPHA, COLOR
from model.data.view import View, draw_motion

Ending = Literal["free", "strip", "amid"]


class _Screen(NamedTuple):
    """A rectangle of cloth or paint, in world units."""

    turn: float  # radians
    center: Point  # in the turned axes
    half: Point  # half its width and height


def _free(draw: Draw) -> _Screen:
    turn = draw.normal(0.05)
    half = (draw.uniform(0.35, 0.85), draw.uniform(0.32, 0.7))
    return _Screen(turn, (draw.uniform(-0.2, 0.2), draw.uniform(-0.2, 0.1)), half)


def _nearly_filling(draw: Draw, view: View) -> _Screen:
    """A screen that the picture was framed by: it ends a little inside one border or two, mostly the lower one."""
    turn = view.angle + draw.normal(0.02)
    narrow = view.pixel * view.height
    picture = 0.5 * view.pixel * view.width, 0.5 * narrow
    reach = dict.fromkeys(("left", "right", "top", "bottom"), 4.0)
    for _ in range(draw.integer(1, 2)):
        side = draw.pick(("bottom", "bottom", "left", "right", "top"))
        reach[side] = picture[side in ("top", "bottom")] - draw.log_uniform(0.006, 0.1) * narrow
    middle = (reach["right"] - reach["left"]) / 2, (reach["bottom"] - reach["top"]) / 2
    half = (reach["right"] + reach["left"]) / 2, (reach["bottom"] + reach["top"]) / 2
    across = math.cos(turn) * view.center[0] + math.sin(turn) * view.center[1]
    down = math.cos(turn) * view.center[1] - math.sin(turn) * view.center[0]
    return _Screen(turn, (across + middle[0], down + middle[1]), half)


def _amid(draw: Draw, view: View, subject: Point) -> _Screen:
    """A screen that ends on all four sides inside the picture, near the subject: a tenth to a half of the picture."""
    turn = view.angle + draw.normal(0.03)
    tall, wide = view.pixel * view.height, view.pixel * view.width
    share, ratio = draw.uniform(0.1, 0.5), draw.log_uniform(0.7, 2.2)
    area = share * tall * wide
    half = min(0.5 * math.sqrt(area * ratio), 0.47 * wide), min(0.5 * math.sqrt(area / ratio), 0.47 * tall)
    cosine, sine = math.cos(turn), math.sin(turn)
    middle = cosine * view.center[0] + sine * view.center[1], cosine * view.center[1] - sine * view.center[0]
    beside = cosine * subject[0] + sine * subject[1], cosine * subject[1] - sine * subject[0]
    place = [
        min(max(there + draw.normal(0.3) * reach, here - room), here + room)
        for here, there, reach, room in zip(
            middle, beside, half, (0.48 * wide - half[0], 0.48 * tall - half[1]), strict=True
        )
    ]
    return _Screen(turn, (place[0], place[1]), half)


def with_room(
    draw: Draw,
    view: View,
    x: Tensor,
    y: Tensor,
    picture: Tensor,
    *,
    ending: Ending = "free",
    subject: Point = (0.0, 0.0),
    furnished: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the picture with the room around the screen, and the share that is still screen.

    ``ending``: with "strip", only a strip of the room is seen, at one border of the picture or two; with "amid", the
    screen stands near ``subject`` in a room, often a dark one, that is seen on all four sides; with "free", anywhere.
    A ``furnished`` room is a heap of things with edges, otherwise it is soft patches.
    """
    device = view.device
    if ending == "amid":
        turn, center, half = _amid(draw.child("amid"), view, subject)
    else:
        turn, center, half = _nearly_filling(draw.child("strip"), view) if ending == "strip" else _free(draw)
    u, v = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
    ripple = read(spectral(draw.child("hem"), device, slope=1.8, low=1, high=10), u * 0.5, v * 0.5)[:, 0]
    outline = box(u, v, center, half, 0.01) + draw.uniform(0, 0.01) * ripple
    share = coverage(outline, view.pixel).unsqueeze(1)
    tile = spectral(draw.child("room"), device, slope=1.6, low=1, high=60, channels=3)
    wall = linear_of((draw.uniform(0.08, 0.75), draw.uniform(0.08, 0.75), draw.uniform(0.08, 0.75)))
    mean = sum(wall) / 3
    wall = tuple(mean + 0.15 * (part - mean) for part in wall)  # type: ignore[assignment]  # three parts in, three out
    room = rgb(wall, device) * torch.exp(0.35 * read(tile, u * 0.4, v * 0.4))
    if furnished:
        room = _furnished(draw.child("furniture"), u, v, view.pixel) * torch.exp(
            0.25 * read(tile[:1], u * 0.4, v * 0.4)
        )
    for index in range(draw.integer(0, 5)):
        own = draw.child(f"thing {index}")
        place = (own.uniform(-1.0, 1.0), own.uniform(-0.6, 0.6))
        if own.chance(0.5):
            shape = limb(
                u,
                v,
                place,
                (place[0] + own.normal(0.1), place[1] + own.uniform(0.2, 0.8)),
                own.log_uniform(0.003, 0.03),
                0.01,
            )
        else:
            shape = box(u, v, place, (own.uniform(0.03, 0.2), own.uniform(0.03, 0.2)), 0.01)
        level = own.log_uniform(0.01, 0.6) if own.chance(0.85) else own.uniform(1.5, 6.0)
        tint = rgb((level, level * own.uniform(0.8, 1.1), level * own.uniform(0.6, 1.2)), device)
        room = room + (tint - room) * coverage(shape, view.pixel).unsqueeze(1)
    if ending == "amid":
        room = _behind(draw.child("behind"), room, outline, view.pixel)
    result = room + (picture - room) * share
    # Stands and flags that reach in front of the screen are part of the room as well.
    for index in range(draw.integer(0, 2)):
        own = draw.child(f"stand {index}")
        foot = own.sign() * (half[0] - own.uniform(-0.05, 0.15))
        shape = torch.minimum(
            limb(u, v, (foot, -0.3), (foot + 0.01, 0.45), 0.004, 0.007),
            limb(u, v, (foot, -0.28), (foot - own.sign() * 0.25, -0.33), 0.003, 0.003),
        )
        cover = coverage(shape, view.pixel).unsqueeze(1)
        result = result + (0.02 - result) * cover
        share = share * (1 - cover)
    return result, share


def _furnished(draw: Draw, u: Tensor, v: Tensor, pixel: float) -> Tensor:
    """Return the light (T, 3, H, W) of a heap of things, muted, mostly darker than a screen."""
    scale = draw.log_uniform(0.5, 1.6)
    frames = zip(u * scale, v * scale, strict=True)
    heap = torch.cat([dead_leaves(draw.child("heap"), a[None], b[None], pixel * scale) for a, b in frames])
    grey = heap.mean(dim=1, keepdim=True)
    return (grey + draw.uniform(0.2, 0.9) * (heap - grey)) * draw.log_uniform(0.1, 1.5)


def _behind(draw: Draw, room: Tensor, outline: Tensor, pixel: float) -> Tensor:
    """Return the room in its own light, mostly less than the screen's, and often the frame that holds the screen."""
    grey = room.mean(dim=1, keepdim=True)
    room = (grey + draw.uniform(0.2, 1.0) * (room - grey)) * draw.log_uniform(0.02, 1.2)
    if draw.chance(0.5):
        bars = coverage(outline - draw.log_uniform(0.002, 0.02), pixel).unsqueeze(1)
        room = room + (draw.log_uniform(0.005, 0.5) - room) * bars
    return room


def with_crew(
    draw: Draw, view: View, x: Tensor, y: Tensor, screen_color: Rgb, picture: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """Return picture and share with one to three people at the sides of the frame, who belong to the room.

    They stand in less light than a subject, mostly half out of the frame, and hide room and screen alike.
    """
    frame = 0.5 * view.width / view.height  # half the width of the whole shoot's frame, in world units
    dim = draw_light(draw.child("light"), (0.1, 0.8))
    stage = Stage(view, x, y, dim, screen_color, near_screen=0.0)
    for index in range(draw.integer(1, 3)):
        own = draw.child(str(index))
        size = own.log_uniform(0.05, 0.12)  # half a head
        place = own.sign() * (frame - own.uniform(-0.06, 0.12)), own.uniform(-0.3, 0.15)
        stack = person(own.child("look"), stage, draw_motion(own, place, size, turn=0.15, fast=False)).stack
        picture = stack[:, COLOR] + (1 - stack[:, ALPHA]) * picture
        share = share * (1 - stack[:, ALPHA])
    return picture, share
