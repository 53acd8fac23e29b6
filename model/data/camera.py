"""The camera: noise, sharpening, clipping, encoding and compression between the light and the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.blur import gaussian
from model.data.codecs import round_trip
from model.data.compression import compress
from model.data.config import DataConfig
from model.data.encodings import ENCODINGS
from model.data.looks import Look, draw_look
from model.data.seeding import Draw

Codec = Callable[[Tensor], Tensor]
Matrix = tuple[tuple[float, ...], ...]
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

# Noise and the chance of a file without losses, by grade; `clean` is a plate that was reduced, denoised or rendered.
_SENSITIVITY = {"film": 0.5, "photo": 0.5, "broadcast": 1.0, "phone": 1.6, "web": 2.5, "clean": 0.05}
_LOSSLESS = {"film": 0.6, "broadcast": 0.2, "photo": 0.3, "phone": 0.0, "web": 0.0, "clean": 1.0}


@dataclass(frozen=True)
class Camera:
    """One camera with its settings; lengths in pixels."""

    gains: tuple[float, float, float]  # white balance and exposure: part of the truth too, being linear
    saturation: float  # of the camera's color matrix: linear as well
    lens_blur: float
    clip: float  # light at which the sensor saturates
    shot_noise: float  # variance per light
    read_noise: float
    noise_size: float  # blur of the noise by debayering and denoising
    sharpening: float
    sharpening_radius: float
    encoding: str
    bits: int
    chroma: str
    quality: float | None
    matrix: str
    origin: tuple[int, int]
    enlarged: float  # 1: none
    codec: str | None
    codec_quality: float
    look: Look | None = None  # picture profile or grade: part of the truth, though not linear
    smoothing: float = 0.0  # signal differences up to about this are smoothed away, as phones do; 0: none
    smoothing_radius: float = 1.0

    def recipe(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)


def draw_camera(draw: Draw, config: DataConfig) -> Camera:
    """Draw a camera: phone and web cameras, DSLRs, broadcast and film cameras, by turns, and plates without a trace."""
    grade = draw.weighted(config.cameras)
    log = grade == "film" or (grade in ("broadcast", "clean") and draw.chance(0.3))
    iso = draw.log_uniform(0.15, 3.0) * _SENSITIVITY[grade]
    encoding = draw.pick(("logc3", "slog3")) if log else draw.pick(("srgb", "rec709")) if grade != "photo" else "srgb"
    lossless = draw.chance(_LOSSLESS[grade])
    quality = (
        None
        if lossless
        else draw.uniform(*{"web": (35, 75), "phone": (50, 92), "photo": (75, 97)}.get(grade, (82, 98)))
    )
    exposure, warm = 2 ** draw.normal(0.12), draw.normal(0.05)
    camera = Camera(
        gains=(exposure * (1 + warm), exposure, exposure * (1 - warm)),
        saturation=draw.uniform(0.9, 1.25),
        lens_blur=draw.log_uniform(0.3, 0.9 if grade in ("film", "photo", "clean") else 1.3),
        clip=draw.uniform(4, 12) if log else draw.uniform(0.98, 1.0),
        shot_noise=2.0e-4 * iso,
        read_noise=0.0012 * iso**0.5,
        noise_size=draw.uniform(0.0, 0.5) if grade == "film" else draw.uniform(0.3, 1.1),
        sharpening=draw.uniform(0.2, 1.3)
        if draw.chance({"film": 0.1, "photo": 0.35, "clean": 0.0}.get(grade, 0.6))
        else 0.0,
        sharpening_radius=draw.uniform(0.6, 1.6),
        encoding=encoding,
        bits=10 if log or draw.chance(0.6 if grade == "clean" else 0.15) else 8,
        chroma={
            "film": draw.pick(("4:4:4", "4:2:2")),
            "broadcast": draw.pick(("4:2:2", "4:2:0")),
            "photo": draw.pick(("4:4:4", "4:2:0")),
            "clean": "4:4:4",
        }.get(grade, "4:2:0"),
        quality=quality,
        matrix="rec601" if grade in ("photo", "web") else "rec709",
        origin=(draw.integer(0, 7), draw.integer(0, 7)),
        enlarged=draw.uniform(1.3, 2.5) if draw.chance(config.low_resolution) else 1.0,
        codec=draw.pick(("jpeg", "h264")) if draw.chance(config.real_codec) else None,
        codec_quality=draw.uniform(0.3, 0.95),
    )
    return _processed(draw.child("processing"), config, _graded(draw.child("look"), config, camera))


def _graded(draw: Draw, config: DataConfig, camera: Camera) -> Camera:
    if not draw.chance(config.looks):
        return camera
    # A log file is decoded by its own name and graded after that; what was graded before is no log file any more.
    encoding = draw.pick(("srgb", "rec709")) if camera.encoding in ("logc3", "slog3") else camera.encoding
    return replace(camera, encoding=encoding, look=draw_look(draw.child("curves")))


def _processed(draw: Draw, config: DataConfig, camera: Camera) -> Camera:
    if not draw.chance(config.processing):
        return camera
    return replace(
        camera,
        smoothing=draw.log_uniform(0.01, 0.07),
        smoothing_radius=draw.uniform(0.8, 3.0),
        sharpening=draw.uniform(0.4, 2.2),
        sharpening_radius=draw.log_uniform(0.7, 2.5),
    )


def color_matrix(camera: Camera) -> Matrix:
    """Return the linear 3×3 matrix of exposure, white balance and saturation. It applies to every part of the truth."""
    weights = (0.2126, 0.7152, 0.0722)
    rows = [
        [
            (camera.saturation * (row == column) + (1 - camera.saturation) * weights[column]) * camera.gains[column]
            for column in range(3)
        ]
        for row in range(3)
    ]
    return tuple(map(tuple, rows))


def through(matrix: Matrix, light: Tensor) -> Tensor:
    """Return light (N, 3, H, W) after a 3×3 color matrix, in full precision whatever the matrix units are set to."""
    red, green, blue = light.unbind(1)
    return torch.stack([row[0] * red + row[1] * green + row[2] * blue for row in matrix], dim=1)


def record(draw: Draw, light: Tensor, camera: Camera, codec: Codec | None = None) -> Tensor:
    """Return what a keyer reads (T, 3, H, W), scene-linear again, when the camera records ``light``.

    ``codec`` may replace the encoder: it takes and returns an encoded signal in 0–1.
    """
    height, width = light.shape[-2:]
    if camera.enlarged > 1:
        size = (max(8, round(height / camera.enlarged)), max(8, round(width / camera.enlarged)))
        light = functional.interpolate(light, size, mode="area")
    light = _with_noise(draw, light, camera)
    light = camera.look(light) if camera.look is not None else _knee(light, camera.clip)
    transfer = ENCODINGS[camera.encoding]
    signal = transfer.encode(light.clamp(min=0) if camera.encoding in ("srgb", "rec709") else light)
    if camera.smoothing > 0:
        signal = _smoothed(signal, camera.smoothing, camera.smoothing_radius)
    if camera.sharpening > 0:
        detail = signal - gaussian(signal, camera.sharpening_radius)
        signal = signal + camera.sharpening * detail
    signal = signal.clamp(0, 1)
    if camera.enlarged > 1:
        signal = functional.interpolate(signal, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)
    if codec is not None:
        signal = codec(signal)
    elif camera.codec is not None:
        signal = _really_encoded(signal, camera)
    else:
        signal = compress(
            signal,
            scheme=camera.chroma,
            quality=camera.quality,
            bits=camera.bits,
            matrix=camera.matrix,
            origin=camera.origin,
        )
    return transfer.decode(signal)


def _smoothed(signal: Tensor, least: float, radius: float) -> Tensor:
    """Flatten what differs by less than ``least`` and leave edges: a guided filter (He, Sun, Tang 2010)."""
    mean, square = gaussian(torch.cat((signal, signal * signal), 1), radius).chunk(2, dim=1)
    spread = (square - mean * mean).clamp(min=0)
    kept = spread / (spread + least * least)
    slope, base = gaussian(torch.cat((kept, mean - kept * mean), 1), radius).chunk(2, dim=1)
    return slope * signal + base


def _knee(light: Tensor, clip: float) -> Tensor:
    """Highlights roll off over the last tenth before they clip."""
    start = 0.85 * clip
    over = (light - start).clamp(min=0)
    return torch.where(light > start, start + (clip - start) * over / (over + clip - start), light)


def _with_noise(draw: Draw, light: Tensor, camera: Camera) -> Tensor:
    """Photons arrive by chance and the sensor adds its own; the channels' gains amplify both."""
    noise = draw.child("grain").noise(light.shape, light.device)
    if camera.noise_size > 0.3:
        smooth = gaussian(noise, camera.noise_size)
        noise = smooth / max(0.28, 1 / (1 + 2.2 * camera.noise_size**2)) * 0.8
    variance = camera.shot_noise * light.clamp(min=0) + camera.read_noise**2
    balance = torch.tensor((1.3, 0.85, 1.6), device=light.device).view(1, 3, 1, 1)
    return light + noise * torch.sqrt(variance) * balance


def _really_encoded(signal: Tensor, camera: Camera) -> Tensor:
    height, width = signal.shape[-2:]
    even = functional.pad(signal, (0, width % 2, 0, height % 2), mode="replicate")
    frames = (even.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8).cpu().numpy()
    decoded = np.stack(round_trip(list(frames), camera.codec or "jpeg", camera.codec_quality))
    back = torch.from_numpy(decoded).to(signal.device).permute(0, 3, 1, 2).to(torch.float32) / 255
    return back[..., :height, :width].contiguous()
