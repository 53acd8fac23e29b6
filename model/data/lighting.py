"""Light on the subject, and the screen light that it should not have: spill."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data.blur import gaussian
from model.data.seeding import Draw
from model.data.truth import ALPHA, BOUNCE, COLOR, GLEAM

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """The subject's light: a key from a direction, a fill from everywhere, and a rim from behind."""

    direction: Rgb  # unit vector towards the key; z points to the camera
    key: Rgb
    fill: Rgb
    rim: Rgb


def draw_light(draw: Draw, strength: tuple[float, float]) -> Light:
    """Draw a light whose overall level is within ``strength`` of a correct exposure."""
    level = draw.log_uniform(*strength)
    warmth = draw.normal(0.10)
    tint = (1 + warmth, 1.0, 1 - warmth * 1.2)
    side = draw.uniform(-1.0, 1.0)
    vector = (side, -draw.uniform(0.1, 0.9), draw.uniform(0.35, 1.2))
    length = math.sqrt(sum(part * part for part in vector))
    contrast = draw.uniform(0.35, 0.9)
    rim = draw.uniform(0.2, 1.6) if draw.chance(0.35) else 0.0
    cool = draw.normal(0.08)
    return Light(
        direction=(vector[0] / length, vector[1] / length, vector[2] / length),
        key=tuple(level * contrast * part for part in tint),  # type: ignore[arg-type]  # three parts in, three out
        fill=tuple(level * (1 - 0.75 * contrast) * part for part in (1 - cool, 1.0, 1 + cool)),  # type: ignore[arg-type]  # as above
        rim=(level * rim, level * rim, level * rim),
    )


def rgb(color: Rgb, device: torch.device) -> Tensor:
    """Return a color as a tensor (1, 3, 1, 1)."""
    return torch.tensor(color, dtype=torch.float32, device=device).view(1, 3, 1, 1)


def shade(
    albedo: Tensor,
    normal: tuple[Tensor, Tensor, Tensor],
    light: Light,
    *,
    gloss: Tensor | float = 0.0,
    shininess: float = 20.0,
) -> Tensor:
    """Return the light (T, 3, H, W) that a surface of ``albedo`` sends to the camera.

    Lambert with a soft terminator, a sky that is brighter above, Blinn's highlight of strength ``gloss``
    (0–1, may be (T, H, W)), and a rim from behind.
    """
    nx, ny, nz = normal
    lx, ly, lz = light.direction
    device = albedo.device
    facing = ((nx * lx + ny * ly + nz * lz) * 0.85 + 0.15).clamp(min=0)
    sky = 0.72 - 0.28 * ny
    irradiance = facing.unsqueeze(1) * rgb(light.key, device) + sky.unsqueeze(1) * rgb(light.fill, device)
    result = albedo * irradiance
    if isinstance(gloss, Tensor) or gloss > 0:
        half = math.sqrt(lx * lx + ly * ly + (lz + 1) ** 2)
        aligned = ((nx * lx + ny * ly + nz * (lz + 1)) / half).clamp(min=0)
        strength = aligned**shininess * (gloss * (0.15 + shininess / 25))
        result = result + strength.unsqueeze(1) * rgb(light.key, device)
    if light.rim[0] > 0:
        edge = (1 - nz) ** 3 * (0.4 - 0.6 * ny + 0.4 * nx * (-1.0 if lx > 0 else 1.0)).clamp(min=0)
        result = result + edge.unsqueeze(1) * rgb(light.rim, device) * (0.15 + albedo * 0.85)
    return result


@dataclass(frozen=True)
class Spill:
    """How much screen light reaches the subject."""

    ambient: float  # bounce that arrives everywhere
    wrap: float  # light that creeps around the outline
    reach: float  # how far it creeps, in pixels
    mirror: float  # strength of reflections and of light that shines through
    glare: float  # screen light scattered in the lens


def draw_spill(draw: Draw, pixel: float) -> Spill:
    """Draw the amount of spill; ``pixel`` is the size of a pixel in frames."""
    strong = draw.chance(0.3)
    return Spill(
        ambient=draw.log_uniform(0.008, 0.12 if strong else 0.04),
        wrap=draw.log_uniform(0.05, 0.6) * (1.5 if strong else 0.8),
        reach=draw.log_uniform(0.004, 0.04) / pixel,
        mirror=draw.uniform(0.3, 1.0),
        glare=draw.uniform(0.0, 0.025) if draw.chance(0.35) else 0.0,
    )


def screen_light_on(stack: Tensor, spill: Spill, screen: Tensor) -> Tensor:
    """Return the screen light (T, 3, H, W) that a settled stack sends to the camera.

    ``screen`` is the clean screen; what arrives is its wide average, so spill follows its hot spots and its color.
    """
    alpha = stack[:, ALPHA]
    height, width = screen.shape[-2:]
    arriving = gaussian(screen, 0.25 * math.hypot(height, width)).clamp(min=0)
    # A rough surface turned towards the outline sees the screen behind it: the open share of its neighbourhood.
    near = 1 - gaussian(alpha, min(spill.reach, 0.1 * width))
    wide = 1 - gaussian(alpha, min(3 * spill.reach, 0.3 * width))
    grazing = (1.6 * near**2 + 0.4 * wide).clamp(0, 1)
    bounce = stack[:, BOUNCE] * (spill.ambient + spill.wrap * grazing)
    # Light that a fiber or a rim scatters forward keeps the screen's color, whatever the fiber's own is.
    forward = alpha * (0.12 * spill.wrap * near**2)
    return (bounce + forward + stack[:, GLEAM] * spill.mirror) * arriving


def lens_glare(stack: Tensor, background: Tensor, spill: Spill) -> Tensor:
    """Return the veil (T, 3, H, W) that light scattered in the lens lays over the picture."""
    scene = stack[:, COLOR] + (1 - stack[:, ALPHA]) * background
    return spill.glare * gaussian(scene, 0.15 * scene.shape[-1]).clamp(min=0)
