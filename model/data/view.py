"""Where the camera looks and how things move: coordinates of every pixel in every frame.

The world is flat: y points down, (0, 0) is the middle of the frame, and the frame is 1 high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.data.seeding import Draw


@dataclass(frozen=True)
class View:
    """The picture that is made: a window into the frame of the shoot."""

    height: int
    width: int
    frames: int
    pixel: float  # world units per pixel
    angle: float  # radians; the camera is turned by it
    center: tuple[float, float]  # world point in the middle of the picture, in frame 0
    pan: tuple[float, float]  # world units per frame
    device: torch.device

    def world(self) -> tuple[Tensor, Tensor]:
        """Return x and y (T, H, W) of the pixel centers, in world units."""
        u = (torch.arange(self.width, device=self.device) + 0.5 - self.width / 2) * self.pixel
        v = (torch.arange(self.height, device=self.device) + 0.5 - self.height / 2) * self.pixel
        time = torch.arange(self.frames, device=self.device).view(-1, 1, 1)
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x = cosine * u.view(1, 1, -1) - sine * v.view(1, -1, 1)
        y = sine * u.view(1, 1, -1) + cosine * v.view(1, -1, 1)
        return x + self.center[0] + self.pan[0] * time, y + self.center[1] + self.pan[1] * time

    def to_pixels(self, points: Tensor) -> Tensor:
        """Map world points (T, …, 2) to pixels, where (0.5, 0.5) is the center of the first pixel."""
        time = torch.arange(self.frames, device=points.device).view(-1, *([1] * (points.ndim - 2)))
        x = points[..., 0] - self.center[0] - self.pan[0] * time
        y = points[..., 1] - self.center[1] - self.pan[1] * time
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        u = (cosine * x + sine * y) / self.pixel + self.width / 2
        v = (-sine * x + cosine * y) / self.pixel + self.height / 2
        return torch.stack((u, v), dim=-1)


@dataclass(frozen=True)
class Motion:
    """A rigid motion: where a thing is in frame ``t``, and how it moves while the shutter is open."""

    center: tuple[float, float]
    size: float  # world length of one local unit
    angle: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)  # world units per frame
    spin: float = 0.0  # radians per frame

    def local(self, view: View, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the thing's own coordinates (T, H, W) of world points x, y."""
        time = torch.arange(view.frames, device=x.device).view(-1, 1, 1)
        angle = self.angle + self.spin * time
        cosine, sine = torch.cos(angle) / self.size, torch.sin(angle) / self.size
        dx = x - self.center[0] - self.velocity[0] * time
        dy = y - self.center[1] - self.velocity[1] * time
        return cosine * dx + sine * dy, -sine * dx + cosine * dy

    def place(self, view: View, points: NDArray[np.float32] | Tensor) -> Tensor:
        """Return pixel positions (T, …, 2) of local points (…, 2), or of (T, …, 2) when they move by themselves."""
        local = torch.as_tensor(points, device=view.device)
        if local.shape[0] != view.frames or local.ndim < 4:
            local = local.unsqueeze(0).expand(view.frames, *local.shape)
        time = torch.arange(view.frames, device=view.device).view(-1, *([1] * (local.ndim - 2)))
        angle = self.angle + self.spin * time
        cosine, sine = torch.cos(angle) * self.size, torch.sin(angle) * self.size
        x = cosine * local[..., 0] - sine * local[..., 1] + self.center[0] + self.velocity[0] * time
        y = sine * local[..., 0] + cosine * local[..., 1] + self.center[1] + self.velocity[1] * time
        return view.to_pixels(torch.stack((x, y), dim=-1))


def draw_motion(draw: Draw, center: tuple[float, float], size: float, *, turn: float, fast: bool) -> Motion:
    """Draw a motion around ``center``: ``turn`` bounds the tilt in radians; fast ones move enough to blur."""
    speed = draw.log_uniform(0.006, 0.05) if fast else draw.log_uniform(0.0003, 0.006)
    heading = draw.uniform(0, 2 * math.pi)
    return Motion(
        center=center,
        size=size,
        angle=draw.uniform(-turn, turn),
        velocity=(speed * math.cos(heading), speed * math.sin(heading)),
        spin=draw.normal(0.03 if fast else 0.004),
    )
