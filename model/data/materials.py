"""What surfaces are made of: skin, cloth with its patterns, fibers, metal, and colors close to the screen's."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data.backgrounds import dead_leaves
from model.data.lighting import Light, Rgb, rgb, shade
from model.data.seeding import Draw
from model.data.shapes import rounded_normal
from model.data.textures import read, spectral, step
from model.data.truth import ALPHA, BOUNCE, COLOR
from model.data.view import Motion, View

SKIN_TONES: tuple[Rgb, ...] = (
    (0.58, 0.38, 0.30),
    (0.50, 0.31, 0.23),
    (0.42, 0.24, 0.16),
    (0.32, 0.17, 0.105),
    (0.20, 0.105, 0.065),
    (0.105, 0.058, 0.040),
)
HAIR_TONES: tuple[Rgb, ...] = (
    (0.012, 0.010, 0.010),
    (0.030, 0.019, 0.013),
    (0.065, 0.036, 0.020),
    (0.14, 0.075, 0.035),
    (0.33, 0.21, 0.10),
    (0.48, 0.36, 0.21),
    (0.28, 0.075, 0.022),
    (0.24, 0.24, 0.24),
    (0.62, 0.60, 0.56),
)

_BRIGHTEST_PRINT = 3.0  # of the print's own mean


@dataclass(frozen=True)
class Stage:
    """What every subject needs to know: the view, the light and the screen's color, on one device."""

    view: View
    x: Tensor  # (T, H, W) world coordinates
    y: Tensor
    light: Light
    screen_color: Rgb  # linear
    near_screen: float  # chance of a color close to the screen's
    palette: tuple[Rgb, ...] = ()  # linear; where given, cloth, paint and gels take their colors from it

    @property
    def device(self) -> torch.device:
        """Where everything is made."""
        return self.view.device


def linear_of(encoded: Rgb) -> Rgb:
    """Return scene-linear Rec.709 of a color given as sRGB (IEC 61966-2-1), 0–1."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded]
    return parts[0], parts[1], parts[2]


def near_screen_color(draw: Draw, screen: Rgb) -> Rgb:
    """Draw a reflectance whose hue is near the screen's: teal, olive, khaki, yellow and lime beside green."""
    hue = colorsys.rgb_to_hsv(*screen)[0]
    turned = hue + draw.sign() * draw.uniform(0.04, 0.20)
    return linear_of(colorsys.hsv_to_rgb(turned % 1.0, draw.uniform(0.18, 0.85), draw.uniform(0.22, 0.9)))


def plain_palette(draw: Draw) -> tuple[Rgb, ...]:
    """Draw one to three linear colors of plain clothes: white, grey, olive, black."""
    colors = []
    for _ in range(draw.integer(1, 3)):
        kind = draw.weighted({"white": 2.0, "grey": 2.0, "olive": 1.5, "black": 0.7})
        if kind == "olive":
            color = linear_of(
                colorsys.hsv_to_rgb(draw.uniform(0.13, 0.33), draw.uniform(0.1, 0.5), draw.uniform(0.2, 0.7))
            )
        else:
            low, high = {"white": (0.5, 0.9), "grey": (0.06, 0.45), "black": (0.008, 0.04)}[kind]
            level = draw.uniform(low, high)
            color = level * draw.uniform(0.96, 1.04), level, level * draw.uniform(0.92, 1.06)
        colors.append(color)
    return tuple(colors)


def any_color(draw: Draw, stage: Stage) -> Rgb:
    """Draw the reflectance of cloth or paint: black, white, muted, vivid, or near the screen's; or of the palette."""
    if stage.palette:
        return draw.pick(stage.palette)
    if draw.chance(stage.near_screen):
        return near_screen_color(draw, stage.screen_color)
    kind = draw.weighted({"black": 1.6, "white": 1.4, "grey": 1.2, "muted": 3.0, "vivid": 1.6})
    if kind == "black":
        level = draw.uniform(0.008, 0.04)
        return level, level * draw.uniform(0.9, 1.05), level * draw.uniform(0.9, 1.2)
    if kind in ("white", "grey"):
        level = draw.uniform(0.55, 0.85) if kind == "white" else draw.uniform(0.06, 0.45)
        return level * draw.uniform(0.97, 1.05), level, level * draw.uniform(0.9, 1.06)
    hue = draw.uniform(0, 1)
    screen_hue = colorsys.rgb_to_hsv(*stage.screen_color)[0]
    if abs((hue - screen_hue + 0.5) % 1.0 - 0.5) < 0.1:
        hue += 0.35
    saturation = draw.uniform(0.12, 0.55) if kind == "muted" else draw.uniform(0.6, 0.97)
    return linear_of(colorsys.hsv_to_rgb(hue % 1.0, saturation, draw.uniform(0.2, 0.88)))


def _two_colored(draw: Draw, stage: Stage, mask: Tensor) -> Tensor:
    first, second = rgb(any_color(draw, stage), stage.device), rgb(any_color(draw, stage), stage.device)
    return first + (second - first) * mask.unsqueeze(1)


def pattern(draw: Draw, stage: Stage, x: Tensor, y: Tensor, pixel: float, span: float) -> Tensor:
    """Return an albedo (T, 3, H, W) at local x, y; ``pixel`` is a pixel's size there, ``span`` the thing's own."""
    kind = draw.weighted({"plain": 5.0, "stripes": 1.2, "checks": 0.8, "plaid": 0.8, "dots": 0.4, "print": 1.0})
    period = span * draw.log_uniform(0.06, 0.5)
    turn = draw.pick((0.0, 0.0, math.pi / 2, draw.uniform(0, math.pi)))
    u = (math.cos(turn) * x + math.sin(turn) * y) / period
    v = (math.cos(turn) * y - math.sin(turn) * x) / period
    ramp = pixel / period
    if kind == "plain":
        return rgb(any_color(draw, stage), stage.device).expand(x.shape[0], 3, *x.shape[1:])
    if kind == "print":
        tile = spectral(draw.child("print"), stage.device, slope=2.0, low=2, high=draw.uniform(6, 30))
        value = read(tile, u * 0.3, v * 0.3)[:, 0]
        return _two_colored(draw, stage, step(value - draw.uniform(-0.5, 1.0), 0.25 + 4 * ramp))
    share = draw.uniform(0.2, 0.6)
    across = step(share / 2 - (u - torch.floor(u) - 0.5).abs(), ramp)
    along = step(share / 2 - (v - torch.floor(v) - 0.5).abs(), ramp)
    if kind == "stripes":
        return _two_colored(draw, stage, across)
    if kind == "checks":
        return _two_colored(draw, stage, across + along - 2 * across * along)
    if kind == "plaid":
        thin = step(0.04 - (u * 2 - torch.floor(u * 2) - 0.5).abs(), ramp)
        return _two_colored(draw, stage, (0.45 * across + 0.45 * along + 0.3 * thin).clamp(0, 1))
    spot = torch.hypot(u - torch.floor(u) - 0.5, v - torch.floor(v) - 0.5)
    return _two_colored(draw, stage, step(share * 0.6 - spot, ramp))


def heap(draw: Draw, stage: Stage, x: Tensor, y: Tensor, pixel: float) -> Tensor:
    """Return the albedo (T, 3, H, W) of a heap of things at x, y (T, H, W), which span about 1.5.

    ``pixel`` is a pixel's size there. The same draws serve every frame: what lies on a body moves with it.
    """
    frames = [dead_leaves(draw.child("leaves"), u[None], v[None], pixel) for u, v in zip(x, y, strict=True)]
    return _unlike(torch.cat(frames), stage.screen_color)


def _unlike(albedo: Tensor, screen: Rgb) -> Tensor:
    """Return colors (T, 3, H, W) that are paler where their hue is the screen's: they would look like holes."""
    grey = albedo.mean(dim=1, keepdim=True)
    chroma = albedo - grey
    hue = rgb(screen, albedo.device) - sum(screen) / 3.0
    alike = (chroma * hue).sum(dim=1, keepdim=True) / (chroma.norm(dim=1, keepdim=True) * hue.norm()).clamp_min(1e-6)
    paler: Tensor = grey + chroma * (1.0 - 0.8 * ((alike - 0.7) / 0.2).clamp(0.0, 1.0))
    return paler


def printed(draw: Draw, stage: Stage, motion: Motion, stack: Tensor) -> Tensor:
    """Return the stack (T, 11, H, W) of a subject with the colors of a heap of things upon it, its light as bright."""
    x, y = motion.local(stage.view, stage.x, stage.y)
    scale = draw.log_uniform(0.3, 1.2)
    albedo = heap(draw.child("heap"), stage, x * scale, y * scale, stage.view.pixel / motion.size * scale)
    tint = (albedo / albedo.mean().clamp_min(1e-3)).clamp_max(_BRIGHTEST_PRINT)
    worn = stack.clone()
    worn[:, COLOR] *= tint
    worn[:, BOUNCE] = torch.minimum(stack[:, BOUNCE] * tint, stack[:, ALPHA])
    return worn


def cloth(draw: Draw, stage: Stage, x: Tensor, y: Tensor, distance: Tensor, pixel: float, thickness: float) -> Tensor:
    """Return the lit color (T, 3, H, W) of cloth over a rounded body: pattern, weave and folds."""
    albedo = pattern(draw.child("pattern"), stage, x, y, pixel, 3 * thickness)
    normal = rounded_normal(distance, thickness)
    folds = spectral(
        draw.child("folds"),
        stage.device,
        slope=draw.uniform(1.6, 2.4),
        low=1,
        high=40,
        stretch=draw.uniform(1.0, 2.5),
        angle=draw.uniform(0, math.pi),
        slopes=True,
    )
    scale = 1 / (thickness * draw.uniform(3.0, 7.0))
    relief = read(folds, x * scale, y * scale)
    depth = draw.uniform(0.015, 0.05)
    normal = _bent(normal, relief[:, 1] * depth, relief[:, 2] * depth)
    weave = spectral(draw.child("weave"), stage.device, slope=0.2, low=20, high=120, stretch=draw.pick((1.0, 3.0)))
    grain = read(weave, x / (pixel * 300), y / (pixel * 300))[:, 0:1]
    occlusion = 1 + 0.10 * relief[:, 0:1].clamp(-2, 1)
    albedo = albedo * (1 + draw.uniform(0.02, 0.09) * grain).clamp(min=0.2) * occlusion
    satin = draw.chance(0.15)
    return shade(
        albedo, normal, stage.light, gloss=draw.uniform(0.1, 0.5) if satin else 0.0, shininess=draw.uniform(8, 60)
    )


def skin(draw: Draw, stage: Stage, x: Tensor, y: Tensor, distance: Tensor, tone: Rgb, thickness: float) -> Tensor:
    """Return the lit color (T, 3, H, W) of skin over a rounded body: mottled, warm at its edge, a little oily."""
    tile = spectral(draw.child("mottle"), stage.device, slope=1.5, low=2, high=64, channels=2)
    value = read(tile, x * (0.35 / thickness), y * (0.35 / thickness))
    base = rgb(tone, stage.device)
    reddish = torch.tensor((1.10, 0.92, 0.90), device=stage.device).view(1, 3, 1, 1)
    albedo = base * (1 + 0.03 * value[:, 0:1]) * reddish ** (0.5 * value[:, 1:2]).clamp(-2.5, 2.5)
    fine = spectral(draw.child("pores"), stage.device, slope=0.8, low=6, high=128, slopes=True)
    pores = read(fine, x * (0.5 / thickness), y * (0.5 / thickness))
    normal = _bent(rounded_normal(distance, thickness), 0.0004 * pores[:, 1], 0.0004 * pores[:, 2])
    # Light that enters skin leaves it redder where the surface turns away from the light.
    flesh = shade(albedo, normal, stage.light, gloss=draw.uniform(0.02, 0.14), shininess=draw.uniform(8, 30))
    return flesh + albedo * torch.tensor((0.10, 0.02, 0.01), device=stage.device).view(1, 3, 1, 1) * stage.light.key[1]


def hard(draw: Draw, stage: Stage, x: Tensor, y: Tensor, distance: Tensor, pixel: float, thickness: float) -> Tensor:
    """Return the lit color (T, 3, H, W) of a hard thing: painted, wooden, plastic or metal."""
    kind = draw.weighted({"paint": 2.0, "wood": 0.8, "plastic": 1.2, "metal": 0.8})
    normal = rounded_normal(distance, thickness * draw.uniform(0.1, 1.0))
    if kind == "wood":
        tile = spectral(draw.child("wood"), stage.device, slope=1.0, low=1, high=100, stretch=12.0, channels=1)
        grain = read(tile, x / (4 * thickness), y / (4 * thickness))[:, 0:1]
        albedo = rgb(linear_of((0.62, 0.42, 0.24)), stage.device) * torch.exp(0.22 * grain + draw.normal(0.5))
        return shade(albedo.clamp(max=0.9), normal, stage.light, gloss=0.05)
    albedo = pattern(draw.child("pattern"), stage, x, y, pixel, 2 * thickness)
    dirt = spectral(draw.child("dirt"), stage.device, slope=1.2, low=1, high=128)
    albedo = albedo * (1 + 0.05 * read(dirt, x / (3 * thickness), y / (3 * thickness))[:, 0:1])
    gloss = {"paint": 0.05, "plastic": 0.4, "metal": 0.9}[kind]
    return shade(albedo, normal, stage.light, gloss=gloss, shininess=draw.uniform(10, 120))


def _bent(normal: tuple[Tensor, Tensor, Tensor], dx: Tensor, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    nx, ny, nz = normal[0] - dx, normal[1] - dy, normal[2]
    length = torch.rsqrt(nx * nx + ny * ny + nz * nz + 1e-8)
    return nx * length, ny * length, nz * length
