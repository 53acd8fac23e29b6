"""Screens: their color, uneven light, folds, seams and floor."""

from __future__ import annotations

import colorsys
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from model.data.blur import gaussian
from model.data.config import DataConfig
from model.data.gear import with_gear
from model.data.lighting import Rgb, rgb
from model.data.markers import Marks, draw_marks
from model.data.materials import linear_of
from model.data.rooms import Ending, with_crew, with_room
from model.data.scattered import scattered
from model.data.seeding import Draw
from model.data.shapes import Point, box, coverage
from model.data.textures import read, spectral, step
from model.data.uneven import unevenly_lit
from model.data.view import View


def draw_color(draw: Draw, config: DataConfig) -> tuple[str, Rgb]:
    """Draw a screen's name and its linear color as a camera records it in even light."""
    name = draw.weighted(config.screen_colors)
    if name == "green":
        hue, saturation, value = draw.normal(0.045) + 0.335, draw.uniform(0.45, 1.0), draw.uniform(0.32, 0.92)
        if draw.chance(0.2):
            saturation, value = draw.uniform(0.25, 0.5), draw.uniform(0.28, 0.95)
        hue = min(max(hue, 0.23), 0.46)
    elif name == "dull":
        hue, saturation, value = draw.uniform(0.16, 0.45), draw.uniform(0.22, 0.6), draw.uniform(0.22, 0.75)
    elif name == "blue":
        hue, saturation, value = draw.normal(0.02) + 0.64, draw.uniform(0.5, 0.95), draw.uniform(0.35, 1.0)
    elif name == "pale":
        return name, _pale(draw)
    else:
        hue, saturation, value = draw.uniform(0, 1), draw.uniform(0.4, 0.95), draw.uniform(0.3, 0.95)
    return name, linear_of(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def _pale(draw: Draw) -> Rgb:
    """Draw a washed backdrop: from light to dark, olive to teal, now and then blue, hardly more colored than grey."""
    hue = draw.uniform(0.17, 0.5) if draw.chance(0.8) else draw.uniform(0.55, 0.66)
    red, green, blue = colorsys.hsv_to_rgb(hue, draw.uniform(0.15, 0.5), draw.log_uniform(0.06, 0.75))  # linear
    return red, green, blue


class Stand(NamedTuple):
    """Where the first subject stands, in world coordinates."""

    place: Point
    reach: float  # from there to a typical outline


def screen(
    draw: Draw, config: DataConfig, view: View, x: Tensor, y: Tensor, color: Rgb, stand: Stand | None = None
) -> tuple[Tensor, Marks, Tensor, dict[str, Any]]:
    """Return the clean plate (T, 3, H, W), the markers on it, the share of screen (T, 1, H, W), and a description.

    Everything is tied to world coordinates, so it stays in place while the camera pans. A screen amid a room is put
    behind the ``stand``.
    """
    recipe: dict[str, Any] = {}
    picture = _wall(draw, config, view, x, y, color, recipe)
    picture = picture * draw.child("level").log_uniform(*config.screen_light)
    lamps = draw.child("uneven")
    if lamps.chance(config.uneven):
        picture, recipe["uneven"] = unevenly_lit(lamps.child("lamps"), view, x, y, picture)
    marks = Marks.none(view)
    if draw.chance(config.markers):
        marks = draw_marks(draw.child("markers"), view, x, y, color)
        recipe["markers"] = marks.kind
    small = draw.child("scattered")
    if small.chance(config.scattered):
        marks = scattered(small.child("things"), view, x, y, color).over(marks)
        recipe["scattered"] = marks.kind
    picture, share = _surrounded(draw, config, view, x, y, color, picture, recipe, stand or Stand(view.center, 0.0))
    if draw.chance(0.5):
        sigma = draw.log_uniform(0.0008, 0.008) / view.pixel
        both = gaussian(torch.cat((picture, share, marks.coverage, marks.color), 1), min(sigma, 12.0))
        picture, share = both[:, 0:3], both[:, 3:4]
        marks = Marks(marks.kind, both[:, 4:5], both[:, 5:8])
    return picture, marks, share, recipe


def _wall(
    draw: Draw, config: DataConfig, view: View, x: Tensor, y: Tensor, color: Rgb, recipe: dict[str, Any]
) -> Tensor:
    """Return the screen itself (T, 3, H, W): paint or cloth in its usual light."""
    device = view.device
    level = _illumination(draw.child("light"), x, y)
    tint = rgb(color, device)
    if draw.chance(config.wrinkles):
        recipe["wrinkles"] = True
        level = level * _folds(draw.child("folds"), device, x, y)
    if draw.chance(0.25):
        recipe["seams"] = True
        level = level * _seams(draw.child("seams"), x, y, view.pixel)
    if draw.chance(0.2):
        recipe["floor"] = True
        edge = draw.uniform(0.1, 0.45) + draw.uniform(-0.15, 0.15) * x
        below = torch.sigmoid((y - edge) / draw.log_uniform(0.002, 0.15))
        level = level * (1 + below * draw.uniform(-0.4, 0.4))
    cloth = read(
        spectral(draw.child("cloth"), device, slope=0.5, low=4, high=128),
        x / (view.pixel * 400),
        y / (view.pixel * 400),
    )
    level = level.unsqueeze(1) * (1 + draw.log_uniform(0.002, 0.02) * cloth)
    # Bright paint and cloth shine: the brightest places turn paler, the darkest more saturated.
    sheen = draw.uniform(0.0, 0.12) * (level - 0.8).clamp(min=0)
    patchy = read(spectral(draw.child("patches"), device, slope=2.0, low=1, high=6, channels=3), x * 0.3, y * 0.3)
    picture = tint * level * torch.exp(draw.uniform(0.0, 0.05) * patchy) + sheen * sum(color) / 3
    corner = draw.child("corner")
    if corner.chance(config.corners):
        recipe["corner"] = True
        picture = picture * _corner(corner.child("walls"), x, y, view.pixel)
    second = draw.child("second paint")
    if second.chance(config.two_paints):
        recipe["two_paints"] = True
        picture = picture * _second_paint(second.child("paint"), view, x, y, color)
    return picture


def _surrounded(
    draw: Draw,
    config: DataConfig,
    view: View,
    x: Tensor,
    y: Tensor,
    color: Rgb,
    picture: Tensor,
    recipe: dict[str, Any],
    stand: Stand,
) -> tuple[Tensor, Tensor]:
    """Return the picture with room, crew and gear around and before the screen, and the share of screen."""
    share = torch.ones_like(picture[:, :1])
    # What hides all of a small screen could be told from it by nobody.
    amid = draw.child("amid").chance(config.amid) and stand.reach < 0.25 * view.pixel * view.height
    if draw.chance(config.set_visible) or amid:
        recipe["set"] = True
        room = draw.child("set")
        ending: Ending = "amid" if amid else "strip" if room.child("strips").chance(config.strips) else "free"
        furnished = room.child("furnished").chance(config.furnished)
        picture, share = with_room(room, view, x, y, picture, ending=ending, subject=stand.place, furnished=furnished)
        if room.child("crew").chance(config.crew):
            recipe["crew"] = True
            picture, share = with_crew(room.child("crew members"), view, x, y, color, picture, share)
    gear = draw.child("gear")
    if gear.chance(config.gear):
        recipe["gear"] = True
        picture, share = with_gear(gear.child("pieces"), view, x, y, picture, share)
    return picture, share


def _illumination(draw: Draw, x: Tensor, y: Tensor) -> Tensor:
    level = torch.full_like(x, draw.uniform(0.55, 0.95))
    for _ in range(draw.integer(1, 3)):
        cx, cy, radius = draw.uniform(-0.8, 0.8), draw.uniform(-0.5, 0.5), draw.uniform(0.3, 1.0)
        level = level + draw.uniform(0.0, 0.6) * torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    angle, slope = draw.uniform(0, 6.28), draw.uniform(0.0, 0.5)
    level = level * (1 + slope * (math.cos(angle) * x + math.sin(angle) * y)).clamp(min=0.2)
    return level * (1 - draw.uniform(0.0, 0.35) * (x * x + y * y)).clamp(min=0.15)


def _folds(draw: Draw, device: torch.device, x: Tensor, y: Tensor) -> Tensor:
    """Hanging cloth: soft long folds and sharp short creases, seen by a light from one side."""
    hang = draw.uniform(-0.5, 0.5) + math.pi / 2
    soft = spectral(
        draw.child("soft"), device, slope=2.0, low=1, high=24, stretch=draw.uniform(1.5, 6), angle=hang, slopes=True
    )
    scale = draw.uniform(0.4, 1.2)
    shape = read(soft, x * scale, y * scale)
    side = draw.uniform(0, 6.28)
    light = draw.log_uniform(0.003, 0.022) * (math.cos(side) * shape[:, 1] + math.sin(side) * shape[:, 2])
    crease = spectral(draw.child("crease"), device, slope=1.4, low=1, high=14)
    ridge = read(crease, x * 0.7, y * 0.7)[:, 0]
    sharp = draw.uniform(0.0, 0.25) * torch.exp(-((ridge / 0.05) ** 2)) * torch.sign(light)
    return (1 + light + sharp * 0.5).clamp(0.3, 1.8)


def _corner(draw: Draw, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    """Return the light (T, 3, H, W) on a screen of two or three walls, each in a light of its own."""
    light = torch.ones(1, 3, 1, 1, device=x.device)
    for index in range(draw.integer(1, 2)):
        own = draw.child(str(index))
        turn = (0.0, math.pi / 2)[index] + own.normal(0.12)  # first a second wall, then a floor
        place = own.uniform(-0.6, 0.6) if index == 0 else own.uniform(0.05, 0.4)
        distance = (math.cos(turn) * x + math.sin(turn) * y - place).unsqueeze(1)
        beyond = torch.sigmoid(own.sign() * distance / (0.25 * pixel + own.log_uniform(0.0005, 0.01)))
        other = own.log_uniform(0.35, 1.1)
        tint = rgb(
            (other * (1 + own.normal(0.06)), other * (1 + own.normal(0.03)), other * (1 + own.normal(0.08))), x.device
        )
        dim = 1 - own.uniform(0.0, 0.35) * torch.exp(-distance.abs() / own.log_uniform(0.01, 0.15))
        light = light * (1 + (tint - 1) * beyond) * dim
    return light


def _second_paint(draw: Draw, view: View, x: Tensor, y: Tensor, color: Rgb) -> Tensor:
    """Return the factor (T, 3, H, W) of a paint or cloth of a like color beyond a line, or in a rectangle."""
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    other = colorsys.hsv_to_rgb(
        (hue + draw.normal(0.025)) % 1.0,
        min(saturation * draw.log_uniform(0.8, 1.15), 0.99),
        value * draw.log_uniform(0.5, 1.6),
    )
    tall = view.pixel * view.height
    turn = draw.pick((0.0, math.pi / 2)) + draw.normal(0.05)
    across, up = x - view.center[0], y - view.center[1]
    u, v = math.cos(turn) * across + math.sin(turn) * up, math.cos(turn) * up - math.sin(turn) * across
    center = draw.uniform(-0.7, 0.7) * tall, draw.uniform(-0.4, 0.4) * tall
    if draw.chance(0.5):
        distance = draw.sign() * (u - center[0])
    else:
        distance = box(u, v, center, (draw.uniform(0.1, 0.8) * tall, draw.uniform(0.1, 0.5) * tall))
    first = rgb(color, view.device).clamp(min=1e-4)
    factor = rgb(other, view.device) / first
    # The picture holds the first paint in its light already; dark channels of a pure color stay bounded.
    return 1 + (factor.clamp(max=3.0) - 1) * coverage(distance, view.pixel).unsqueeze(1)


def _seams(draw: Draw, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    turn = draw.pick((0.0, math.pi / 2)) + draw.normal(0.03)
    u = math.cos(turn) * x + math.sin(turn) * y
    period = draw.uniform(0.3, 1.0)
    place = u / period + draw.uniform(0, 1)
    panel = torch.floor(place)
    shade_of_panel = 1 + draw.uniform(0, 0.08) * torch.sin(panel * 12.9 + 1)
    near = (place - panel - 0.5).abs() - 0.5
    line = step(near * period + draw.log_uniform(0.001, 0.006), 2 * pixel)
    return shade_of_panel * (1 - draw.uniform(0.05, 0.5) * line)
