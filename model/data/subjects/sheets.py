"""Thin sheets that let the screen through: veils, lace, nets and chain-mail."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.data.lighting import rgb, shade
from model.data.materials import Stage, any_color
from model.data.seeding import Draw
from model.data.shapes import blob, coverage, line_coverage, rounded_normal
from model.data.subjects.part import Part
from model.data.textures import read, spectral
from model.data.truth import stack_of
from model.data.view import Motion


class _Sheet:
    """A hanging sheet: its outline, its folds, and coordinates along its threads."""

    def __init__(self, draw: Draw, stage: Stage, motion: Motion, bend: float) -> None:
        view = stage.view
        self.x, self.y = motion.local(view, stage.x, stage.y)
        self.pixel = view.pixel / motion.size
        waves = [(n, draw.normal(0.10 / n), draw.uniform(0, 6.28)) for n in range(2, 8)]
        self.distance = blob(self.x, self.y, 0.8, waves)
        if draw.chance(0.5):
            # A hanging cloth: one long hem across the picture.
            hem = sum((0.25 * a * torch.sin(n * self.x * 2 + phase) for n, a, phase in waves), self.y * 0)
            self.distance = self.y - 0.3 - hem
        tile = spectral(
            draw.child("folds"),
            stage.device,
            slope=1.9,
            low=1,
            high=24,
            stretch=draw.uniform(1, 4),
            angle=draw.uniform(0, 3.1),
            channels=2,
            slopes=True,
        )
        relief = read(tile, self.x * 0.35, self.y * 0.35)
        self.u = self.x + bend * relief[:, 0]
        self.v = self.y + bend * relief[:, 3]
        self.fold = relief[:, 0]
        self.steep = torch.hypot(relief[:, 1], relief[:, 2])
        nx, ny, nz = rounded_normal(self.distance, 1.5)
        self.normal = (nx * 0.5 - 0.045 * relief[:, 1], ny * 0.5 - 0.045 * relief[:, 2], nz)
        self.inside = coverage(self.distance, self.pixel)


def veil(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw tulle or chiffon: half-transparent, denser where it folds, with a hem."""
    sheet = _Sheet(draw.child("sheet"), stage, motion, 0.03)
    dense = draw.uniform(0.12, 0.6)
    layers = 1 + 1.2 * torch.sigmoid(3 * sheet.fold) + 0.05 * sheet.steep.clamp(max=20)
    alpha = 1 - (1 - dense) ** layers
    hem = coverage((sheet.distance + 0.02).abs() - 0.01, sheet.pixel)
    alpha = torch.maximum(alpha, 0.8 * hem)
    if draw.chance(0.5):
        threads = _threads(sheet, draw.log_uniform(1.5, 8) * sheet.pixel, 0.35)
        alpha = alpha * (0.45 + 0.9 * threads)
    tint = any_color(draw, stage)
    albedo = rgb(tint, stage.device) * torch.ones_like(sheet.u).unsqueeze(1)
    color = shade(albedo, sheet.normal, stage.light, gloss=0.15, shininess=6.0)
    return Part(stack_of(color, alpha.clamp(0, 0.98) * sheet.inside, gleam=0.12))


def lace(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw lace: flowers of dense thread on a fine net."""
    sheet = _Sheet(draw.child("sheet"), stage, motion, 0.02)
    period = draw.uniform(0.1, 0.3)
    cu, cv = sheet.u / period, sheet.v / period
    row = torch.floor(cv)
    du = cu + 0.5 * (row % 2) - torch.floor(cu + 0.5 * (row % 2)) - 0.5
    dv = cv - row - 0.5
    radius, angle = torch.hypot(du, dv), torch.atan2(dv, du)
    petals = radius - 0.3 - 0.12 * torch.cos(draw.integer(4, 7) * angle)
    ramp = sheet.pixel / period
    flower = coverage(petals, ramp) - coverage(petals + 0.1, ramp) + coverage(radius - 0.1, ramp)
    ground = _threads(sheet, period * draw.uniform(0.06, 0.15), 0.3)
    alpha = torch.maximum(flower.clamp(0, 1) * draw.uniform(0.8, 1.0), ground * draw.uniform(0.3, 0.9))
    hem = coverage((sheet.distance + 0.04).abs() - 0.03, sheet.pixel)
    alpha = torch.maximum(alpha, hem) * sheet.inside
    albedo = rgb(any_color(draw, stage), stage.device) * (0.8 + 0.2 * alpha.unsqueeze(1))
    return Part(stack_of(shade(albedo, sheet.normal, stage.light), alpha, gleam=0.06))


def net(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw a net, fence or grille: lines from a fifth of a pixel wide, square or diamond."""
    sheet = _Sheet(draw.child("sheet"), stage, motion, draw.uniform(0.0, 0.05))
    period = draw.log_uniform(0.03, 0.2)
    alpha = _threads(sheet, period, draw.log_uniform(0.03, 0.3))
    rim = coverage((sheet.distance + 0.02).abs() - draw.uniform(0.0, 0.02), sheet.pixel)
    albedo = rgb(any_color(draw, stage), stage.device) * torch.ones_like(alpha).unsqueeze(1)
    color = shade(albedo, sheet.normal, stage.light, gloss=draw.uniform(0, 0.5))
    return Part(stack_of(color, torch.maximum(alpha, rim) * sheet.inside))


def chainmail(draw: Draw, stage: Stage, motion: Motion) -> Part:
    """Draw rings of metal that hang in each other, with light through their holes."""
    sheet = _Sheet(draw.child("sheet"), stage, motion, 0.02)
    period = draw.log_uniform(0.035, 0.12)
    ramp = sheet.pixel / period
    thick = draw.uniform(0.08, 0.16)
    alpha = torch.zeros_like(sheet.u)
    bright = torch.zeros_like(sheet.u)
    for shift_u, shift_v in ((0.0, 0.0), (0.5, 0.5)):
        cu, cv = sheet.u / period + shift_u, sheet.v / period + shift_v
        du, dv = cu - torch.floor(cu) - 0.5, cv - torch.floor(cv) - 0.5
        distance = (torch.hypot(du, dv * 1.15) - 0.40).abs() - thick
        ring = coverage(distance, ramp)
        lit = (0.4 - 0.9 * (du * stage.light.direction[0] + dv * stage.light.direction[1]) * 2).clamp(0.05, 1.5)
        lit = lit * (1 + distance / thick * 0.6).clamp(0.2, 1)
        bright = bright * (1 - ring) + lit * ring
        alpha = alpha + ring * (1 - alpha)
    tint = rgb(draw.pick(((0.5, 0.5, 0.52), (0.55, 0.42, 0.22), (0.12, 0.12, 0.13))), stage.device)
    straight = bright / alpha.clamp(min=1e-3)
    color = (
        shade(tint * straight.unsqueeze(1), sheet.normal, stage.light)
        + (straight.unsqueeze(1) - 0.9).clamp(min=0) ** 2 * 3
    )
    return Part(stack_of(color, alpha * sheet.inside, gleam=0.15))


def _threads(sheet: _Sheet, period: float, share: float) -> Tensor:
    """Coverage of a grid of threads whose width is ``share`` of their distance; correct when finer than pixels."""
    turn = math.pi / 4
    u = (math.cos(turn) * sheet.u + math.sin(turn) * sheet.v) / period
    v = (math.cos(turn) * sheet.v - math.sin(turn) * sheet.u) / period
    ramp = sheet.pixel / period
    plain = 1 - (1 - share) ** 2
    if ramp > 1.0:
        return torch.full_like(u, plain)
    across = line_coverage((u - torch.floor(u) - 0.5).abs(), share / 2, ramp)
    along = line_coverage((v - torch.floor(v) - 0.5).abs(), share / 2, ramp)
    woven = across + along - across * along
    blend = min(1.0, max(0.0, ramp * 2 - 1))
    return woven * (1 - blend) + plain * blend
