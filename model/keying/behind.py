"""What stands behind the subject of a shot and is no screen: markers and stands that the shot shows bare.

One frame cannot tell a marker from a button. A shot can, where its camera stands still or its way can be followed
(`model.keying.camera`): what looks the same in many frames once they lie on one another, lies where no subject stands,
and is a speck by itself in the bare screen, or was covered by the subject and shows again, is no part of the subject.
Where a frame shows just that, it is bare there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying import camera
from model.keying.clean_plate import clean_plate
from model.keying.color_difference import color_difference_alpha
from model.keying.fill import box_blur, dilate, erode, fill
from model.keying.screen import hue_rotation
from model.settings import Screen

SAMPLES = 9
"""Frames, spread over a shot, that are compared."""

FEWEST = 5
"""Frames with less than these tell nothing."""

_LINES = 480  # shorter side of a sample, at most
_WHITE = 0.99  # quantile of light
_FREE, _SUBJECT = 0.2, 0.6  # evidence below which no subject stands, and above which one does
_MARGIN = 0.02  # of the shorter side: what is so near a subject is not seen for certain
_SAME, _OTHER = 0.045, 0.09  # of the square root of light: differences within which frames show the same, and beyond
_OFTEN = 0.7  # share of the frames without a subject there that show the same
_TIMES = 3  # and how many at least
_MOVING = 0.003  # share of a picture that must change in one frame: what never moves teaches nothing
_NO_SCREEN = 0.08  # color difference alpha from which something is no plain screen
_SPECK = 0.06  # of the shorter side: the most that a marker measures that is alone …
_MARKER, _ALIKE, _SEVERAL = 0.16, 0.7, 3  # … and one of several, of sizes that differ by no more than this ratio
_UNSURE = 0.25  # share of a marker that may look otherwise from frame to frame, as compression leaves its outline
_UNCOVERED = 0.1  # share of something that the subject must have covered, where it is no speck
_RING = 2  # pixels of a sample, which its soft edge is wide
_WIDEST = 2.0  # times a sample's sides: the most that is laid out of what a moving camera passes


@dataclass(frozen=True)
class Sample:
    """One of the frames that are compared, small."""

    light: Tensor  # (3, h, w) on the CPU, scene-linear, not negative
    evidence: Tensor | None  # (1, h', w') of a subject; None: not known


@dataclass(frozen=True)
class Behind:
    """What is to be taken away wherever a frame shows it bare.

    It is laid out on a canvas: of a sample's size where the camera stands still, of all that it passes where it moves.
    """

    light: Tensor  # (3, h, w), how it looks
    taken: Tensor  # (1, h, w), 1 where it is
    size: tuple[int, int]  # height and width of a sample
    known: Tensor | None = None  # (1, h, w), True where the canvas was seen bare; None: the camera stands still


def spread(frames: Sequence[int], count: int) -> tuple[int, ...]:
    """Return up to ``count`` of ``frames``, evenly spread, first and last among them."""
    if len(frames) <= count:
        return tuple(frames)
    return tuple(frames[round(index * (len(frames) - 1) / (count - 1))] for index in range(count))


def sample(plate: Tensor, evidence: Tensor | None) -> Sample:
    """Return what is kept of a finite plate (3, H, W)."""
    return Sample(_small(plate), evidence)


def find_behind(samples: Sequence[Sample], screen: Screen) -> Behind | None:
    """Return what stands behind the subject in the samples of a shot; None where they teach nothing."""
    known = [one for one in samples if one.evidence is not None and one.light.shape == samples[0].light.shape]
    if len(known) < FEWEST or min(known[0].light.shape[-2:]) < 4 * _RING:
        return None
    size = (known[0].light.shape[-2], known[0].light.shape[-1])
    subjects = torch.stack([_fitted(one.evidence.cpu(), size) for one in known if one.evidence is not None])
    lights = torch.stack([one.light for one in known])
    near = torch.stack([dilate(subject, max(1, round(_MARGIN * min(size)))) for subject in subjects])
    laid = _laid_out(_Layer(lights, subjects, near < _FREE, torch.ones_like(subjects, dtype=torch.bool)))
    return None if laid is None else _found(_evenly_lit(laid), size, screen)


@dataclass(frozen=True)
class _Layer:
    """The samples, laid on one canvas, all (n, …, h, w)."""

    lights: Tensor
    subjects: Tensor  # evidence
    free: Tensor  # True where no subject is near
    within: Tensor  # True within the sample's frame
    moves: bool = False  # the camera does


def _found(laid: _Layer, size: tuple[int, int], screen: Screen) -> Behind | None:
    """Return what the samples show of what stands behind the subject."""
    white = _white(laid.lights[0])
    roots, free = (laid.lights / white).sqrt(), laid.free & laid.within
    bare = torch.where(free, roots, torch.nan).nanmedian(dim=0).values
    departs = torch.stack([box_blur(one, 1) for one in (roots - bare).nan_to_num(nan=1.0)])
    differs = departs.abs().amax(dim=1, keepdim=True)
    often = (free & (differs < _SAME)).sum(dim=0)
    seen = (often >= _TIMES) & (often >= _OFTEN * free.sum(dim=0))
    usual = torch.where(laid.within, roots, torch.nan).nanmedian(dim=0).values
    changes = (((roots - usual).abs().amax(dim=1) > _OTHER) & laid.within[:, 0]).float().mean(dim=(1, 2))
    if float(changes.max()) < _MOVING:
        return None
    known_at = bare.isfinite().all(dim=0, keepdim=True)
    light = bare.nan_to_num(nan=0.0).square() * white
    light = fill(light, known_at.to(light))
    other = color_difference_alpha(light, clean_plate(light, screen)[0], hue_rotation(screen.color)[0]) > _NO_SCREEN
    covered = ((laid.subjects > _SUBJECT) & (differs > _OTHER) & laid.within).any(dim=0)
    taken = _removable((seen & other)[0].numpy(), (~seen)[0].numpy(), covered[0].numpy(), min(size))
    if not taken.any():
        return None
    ring = dilate(torch.from_numpy(taken.astype(np.float32))[None], _RING) * known_at
    return Behind(light, ring, size, known_at if laid.moves else None)


def _laid_out(samples: _Layer) -> _Layer | None:
    """Lay samples on one canvas by their camera's way; as they are, where it stands still or has no corners.

    Too few that can be laid so teach nothing: None.
    """
    size = (samples.lights.shape[-2], samples.lights.shape[-1])
    white = _white(samples.lights[0])
    looks = [_look(light, white, free) for light, free in zip(samples.lights, samples.free, strict=True)]
    found = camera.follow(looks)
    still = [one is None or camera.moved_most(one, size) < camera.STILL for one in found]
    if all(still):
        return samples
    kept = [index for index, one in enumerate(found) if one is not None]
    if len(kept) < FEWEST:
        return None
    ways = [one for one in found if one is not None]
    least, most = camera.outline(ways, size)
    least, most = (np.clip(edge, *_reach(size)) for edge in (least, most))
    ways = [camera.after(one, np.array([(1.0, 0.0, -least[0]), (0.0, 1.0, -least[1])])) for one in ways]
    width, height = (int(side) for side in np.ceil(most - least))

    def moved(pictures: Tensor) -> Tensor:
        return torch.stack(
            [_warped(pictures[index].float(), way, (height, width)) for index, way in zip(kept, ways, strict=True)]
        )

    within = moved(samples.within) > _WHITE
    return _Layer(moved(samples.lights), moved(samples.subjects), moved(samples.free) > _WHITE, within, True)


def _reach(size: tuple[int, int]) -> tuple[camera.Array, camera.Array]:
    """Return the least and the greatest x and y that a canvas may have around the sample in the middle."""
    sides = np.array((size[1], size[0]), float)
    beyond = (_WIDEST - 1.0) / 2.0 * sides
    return -beyond, sides + beyond


def bare(behind: Behind, plate: Tensor, evidence: Tensor | None = None) -> Tensor:
    """Return, 0–1, where a finite plate (3, H, W) shows what stands behind its subject, bare: (1, H, W).

    Not where ``evidence`` (1, h, w) sees a subject, who may look just like that: a black coat before a black stand.
    """
    light = _small(plate)
    subject = None if evidence is None else _fitted(evidence.cpu(), light.shape[-2:])
    here = _seen_from(behind, light, subject) if tuple(light.shape[-2:]) == behind.size else None
    if here is None:
        return torch.zeros_like(plate[:1])
    white = _white(here.light)
    shown = (here.light / white).sqrt()
    root = (light * (_gain(light, here.light, here.known) / white)).sqrt()
    # Grain, which differs in every frame, is averaged away; what covers something in part is not.
    differs = box_blur(root - shown, 1).abs().amax(dim=0, keepdim=True)
    same = ((_OTHER - differs) / (_OTHER - _SAME)).clamp(0.0, 1.0)
    found = erode(same, 1) * here.taken
    if subject is not None:
        found = found * (subject < _SUBJECT)
    whole = functional.interpolate(found[None], plate.shape[-2:], mode="bilinear", align_corners=False)[0]
    return whole.to(plate)


def _seen_from(behind: Behind, light: Tensor, subject: Tensor | None) -> Behind | None:
    """Return what is behind as a frame's camera sees it; None where its way is not found."""
    if behind.known is None:
        return behind
    white = _white(behind.light)
    free = torch.ones_like(light[:1]) if subject is None else (subject < _FREE).float()
    own = _look(light * _gain_anywhere(light, behind.light), white, free)
    canvas = _look(behind.light, white, behind.known.float())
    way = camera.register(own, canvas)
    if way is None:
        return None
    light, taken, known = (
        _warped(one.float(), camera.back(way), behind.size) for one in (behind.light, behind.taken, behind.known)
    )
    seen = known > _WHITE
    return replace(behind, light=light, taken=taken * seen, known=seen)


def _look(light: Tensor, white: float, still: Tensor) -> camera.Look:
    """Return light (3, h, w) as the camera is followed in it, where it is ``still`` (1, h, w)."""
    grey = (light / white).clamp(0.0, 1.0).sqrt().mean(dim=0).mul(255.0)
    return camera.Look(grey.numpy().astype(np.uint8), still[0].numpy().astype(np.uint8))


def _warped(picture: Tensor, way: camera.Map, size: tuple[int, int]) -> Tensor:
    """Return a picture (C, h, w), moved by a map onto a canvas of a ``size``, 0 around it."""
    return torch.from_numpy(np.stack([camera.seen_through(way, plane.numpy(), size) for plane in picture]))


def _removable(other: np.ndarray, unknown: np.ndarray, covered: np.ndarray, side: int) -> np.ndarray:
    """Return what of all that is no screen (h, w) is a marker by itself, or was covered by a subject in part.

    ``side`` is a frame's shorter one.
    """
    taken = np.zeros_like(other)
    things = _things(other | unknown)
    alone = [one for one in things if (unknown[one.place] & one.shape).sum() <= _UNSURE * one.shape.sum()]
    for thing in alone:
        ratios = (min(thing.side, one.side) / max(thing.side, one.side) for one in alone)
        several = sum(ratio > _ALIKE for ratio in ratios) >= _SEVERAL
        if thing.side <= (_MARKER if several else _SPECK) * side:
            taken[thing.place] |= thing.shape
    for thing in _things(other):
        if (covered[thing.place] & thing.shape).sum() > _UNCOVERED * thing.shape.sum():
            taken[thing.place] |= thing.shape
    return taken


@dataclass(frozen=True)
class _Thing:
    """What hangs together in a mask."""

    place: tuple[slice, slice]
    shape: np.ndarray  # within its place

    @property
    def side(self) -> int:
        """Its longer side."""
        return int(max(self.shape.shape))


def _things(mask: np.ndarray) -> list[_Thing]:
    """Return what hangs together in a mask (h, w)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for label in range(1, count):
        left, top, width, height, _area = stats[label]
        place = (slice(top, top + height), slice(left, left + width))
        found.append(_Thing(place, labels[place] == label))
    return found


def _small(plate: Tensor) -> Tensor:
    """Return a plate (3, H, W) as samples hold it."""
    scale = min(1.0, _LINES / min(plate.shape[-2:]))
    size = [max(1, round(side * scale)) for side in plate.shape[-2:]]
    light = functional.interpolate(
        plate[None].clamp_min(0.0), size, mode="bilinear", antialias=True, align_corners=False
    )
    return light[0].cpu()


def _fitted(evidence: Tensor, size: tuple[int, ...]) -> Tensor:
    return functional.interpolate(evidence[None], size, mode="bilinear", align_corners=False)[0]


def _evenly_lit(samples: _Layer) -> _Layer:
    """Return samples brought to the exposure of one of them, judged where both show no subject."""
    like = len(samples.lights) // 2 if samples.moves else 0
    seen = samples.within & (samples.subjects < _FREE)
    gains = [
        _gain(one, samples.lights[like], here & seen[like]) for one, here in zip(samples.lights, seen, strict=True)
    ]
    return replace(samples, lights=samples.lights * torch.tensor(gains).view(-1, 1, 1, 1))


def _white(light: Tensor) -> float:
    """Return the light that counts as white in a picture (3, h, w)."""
    return max(float(light.amax(dim=0).flatten().quantile(_WHITE)), 1e-6)


def _gain(light: Tensor, like: Tensor, where: Tensor | None = None) -> float:
    """Return by how much light (3, h, w) is to be raised to be like another."""
    ratio = (like.sum(dim=0, keepdim=True) + 1e-4) / (light.sum(dim=0, keepdim=True) + 1e-4)
    chosen = ratio if where is None or not bool(where.any()) else ratio[where]
    return float(chosen.median())


def _gain_anywhere(light: Tensor, like: Tensor) -> float:
    """Return by how much light is to be raised to be like another that need not show the same place."""
    return float((like.sum(dim=0).median() + 1e-4) / (light.sum(dim=0).median() + 1e-4))
