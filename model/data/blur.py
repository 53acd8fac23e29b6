"""Blurs of a lens and of motion; linear, so a stack that went through them stays exact."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.data.view import Motion, View


def gaussian(pictures: Tensor, sigma: float) -> Tensor:
    """Return (N, C, H, W) blurred with a Gaussian of ``sigma`` pixels; wide ones are made on a smaller picture."""
    if sigma < 0.15:
        return pictures
    height, width = pictures.shape[-2:]
    factor = 1
    while sigma / factor > 4 and min(height, width) // (factor * 2) >= 8:
        factor *= 2
    if factor > 1:
        padded = functional.pad(pictures, (0, -width % factor, 0, -height % factor), mode="replicate")
        small = functional.avg_pool2d(padded, factor)
        # Averaging blocks and reading between them blur too; the Gaussian adds what is missing.
        small = gaussian(small, math.sqrt(max(sigma**2 - factor**2 / 4, 0.01)) / factor)
        large = functional.interpolate(small, padded.shape[-2:], mode="bilinear", align_corners=False)
        return large[..., :height, :width]
    radius = max(1, math.ceil(sigma * 2.5))
    kernel = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)]
    kernel = [weight / sum(kernel) for weight in kernel]
    padded = functional.pad(pictures, (radius, radius, radius, radius), mode="replicate")
    rows = _weighted_sum([padded[..., index : index + width] for index in range(2 * radius + 1)], kernel)
    return _weighted_sum([rows[..., index : index + height, :] for index in range(2 * radius + 1)], kernel)


def _weighted_sum(parts: list[Tensor], weights: list[float]) -> Tensor:
    """Sum shifted pictures; on a CPU several times faster than a convolution with one channel."""
    total = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total.add_(part, alpha=weight)
    return total


def disc(pictures: Tensor, radius: float) -> Tensor:
    """Return (N, C, H, W) seen out of focus: each point becomes a disc of ``radius`` pixels."""
    height, width = pictures.shape[-2:]
    reach = math.ceil(radius) + 1
    padded = functional.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    size = padded.shape[-2:]
    y = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    kernel = (radius + 0.5 - torch.sqrt(y.view(-1, 1) ** 2 + y.view(1, -1) ** 2)).clamp(0, 1)
    kernel = kernel / kernel.sum()
    frame = torch.zeros(size, device=pictures.device)
    frame[: 2 * reach + 1, : 2 * reach + 1] = kernel
    frame = torch.roll(frame, (-reach, -reach), (0, 1))
    blurred = torch.fft.irfft2(torch.fft.rfft2(padded) * torch.fft.rfft2(frame), s=size)
    # The transform leaves rounding errors of about 1e-7, also below zero.
    inner: Tensor = blurred[..., reach : reach + height, reach : reach + width].clamp(min=0.0)
    return inner


def motion_blur(stack: Tensor, view: View, motion: Motion, shutter: float) -> Tensor:
    """Return the stack (T, C, H, W) averaged over the time the shutter is open, a share of one frame."""
    x, y = _pixel_grid(view)
    center = motion.place(view, torch.zeros(1, 1, 2).expand(view.frames, 1, 1, 2))[:, 0, 0]
    cosine, sine = math.cos(view.angle), math.sin(view.angle)
    vx, vy = motion.velocity[0] - view.pan[0], motion.velocity[1] - view.pan[1]
    u, v = (cosine * vx + sine * vy) / view.pixel, (cosine * vy - sine * vx) / view.pixel
    swing = abs(motion.spin) * 0.5 * math.hypot(view.height, view.width)
    steps = int(min(16, max(3, math.ceil((math.hypot(u, v) + swing) * shutter / 2))))
    blurred = torch.zeros_like(stack)
    for index in range(steps):
        moment = shutter * ((index + 0.5) / steps - 0.5)
        turn = motion.spin * moment
        dx = x - center[:, 0].view(-1, 1, 1) - u * moment
        dy = y - center[:, 1].view(-1, 1, 1) - v * moment
        sx = math.cos(turn) * dx + math.sin(turn) * dy + center[:, 0].view(-1, 1, 1)
        sy = -math.sin(turn) * dx + math.cos(turn) * dy + center[:, 1].view(-1, 1, 1)
        blurred += shift(stack, sx - x, sy - y)
    return blurred / steps


def shift(pictures: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """Return pictures (T, C, H, W) read ``dx``, ``dy`` (T, H, W) pixels away from each pixel; the border extends."""
    height, width = pictures.shape[-2:]
    x = torch.arange(width, device=pictures.device).view(1, 1, -1) + 0.5 + dx
    y = torch.arange(height, device=pictures.device).view(1, -1, 1) + 0.5 + dy
    shape = (pictures.shape[0], height, width)
    grid = torch.stack(((x * (2 / width) - 1).expand(shape), (y * (2 / height) - 1).expand(shape)), dim=-1)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _pixel_grid(view: View) -> tuple[Tensor, Tensor]:
    x = torch.arange(view.width, device=view.device).view(1, 1, -1) + 0.5
    y = torch.arange(view.height, device=view.device).view(1, -1, 1) + 0.5
    return x, y
