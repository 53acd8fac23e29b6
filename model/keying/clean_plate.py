"""The clean plate of a frame: the screen as it would be without the subject, as a smooth field of color.

Cameras and graders put a curve on every channel, so one paint drifts in chromaticity with the light on it, up to white
where it clips. A screen is therefore not what lies around one color: it begins where that color is seen for certain,
and is grown from there as far as its color changes gradually.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.color_difference import color_difference
from model.keying.fill import box_blur, dilate, enlarge, erode, fill, reduce
from model.keying.screen import chromaticity_of, hue_rotation, rotate
from model.settings import Screen

_GROWN_SIDE = 135  # pixels; the screen is grown at about this height
_SMOOTH_SIDE = 540  # pixels; the clean plate is worked out at about this height
_DARKEST, _BRIGHTEST = 0.15, 6.0  # light on the screen, relative to its typical color, where it may begin
_FAINTEST, _GLARING = 0.05, 12.0  # … and as far as it may be grown
_STEP = 0.06  # distance of chromaticity between a grown pixel and the screen beside it
_BESIDE = 2  # pixels of the grown field
_ENOUGH = 0.15  # share of screen around a pixel from which it is grown
# Color difference, relative to that of the screen in as much light, down to which a screen may pale: in the light of
# the certain screen around, where what is paler is smoke or the blur of a subject, and in glare.
_PALER = (0.9, 0.3)
_GLARE = (0.35, 0.8)  # stops above the certain screen around, between which glare begins
# Stops of light in which the color of a screen is told apart, and the percentile of its color that tells.
_BIN, _UNVEILED = 0.25, 0.7
_LEAST_SAMPLE = 32  # pixels of the field
_BENDING = (0.75, 0.95)  # of the light that clips: there a camera's curve bends, up to white
_CLIPPED, _MANY = 0.97, 1e-3  # of the brightest light, and the share of the picture that lies there where it clips
_ENDS = (0.9, 1.15)  # light between which encoded pictures end
_ROUGH, _LEAST_ROUGH = 3.0, 0.08  # roughness of a pixel of the field, relative to the screen's median, and absolute
_FREE = 0.8  # evidence of a subject, below which a pixel of the field may be screen
_NO_SUBJECT = 0.85  # and a pixel of the plate
_MISTAKEN = 0.5  # share of the screen on which evidence cannot be of a subject
_TOWARDS_GREY = 0.5  # of the way from the field's color to grey, beyond which a pixel is not of the screen
_LEAST_LIGHT, _MOST_LIGHT = 0.3, 3.0  # light of a pixel relative to the field around it
_MOST_STEPS = 400
_SPREAD, _LEAST_SPREAD = 4.0, 0.02  # reach of plain screen, in units of the 90th percentile of its distances
_SAMPLE = 20_000  # pixels that tell it


def clean_plate(plate: Tensor, screen: Screen, evidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the screen as it would be without the subject (3, H, W), and where it was seen for certain (1, H, W).

    ``plate`` (3, H, W) is finite and scene-linear. ``evidence`` (1, h, w), 0–1, of any size, says where a subject
    probably stands: no screen is taken from there, however much its color is like it.
    Falloff, hot spots, folds and shadows stay in the clean plate; screen pixels are averaged over a few (grain would
    print through into alpha), taken a safe distance from everything else (soft edges would tint it), and continued
    smoothly behind the subject.
    """
    shown = _shows_screen(plate, screen, evidence)
    # All that follows is smooth, so it is worked out at about half the height of HD. Where the screen is purer than
    # the working gamut a channel is below 0: what is looked at is not, what is kept is.
    shrink = max(1, min(plate.shape[-2:]) // _SMOOTH_SIDE)
    share, mean = reduce(shown.to(plate.dtype), shrink), reduce(plate * shown, shrink)
    mean = mean / share.clamp_min(1e-6)
    plain = (share > 0.99).to(plate.dtype)
    radius = max(2, round(min(plain.shape[-2:]) / 250))
    seen = erode(erode(plain, 1) * (box_blur(plain, 2 * radius) > 0.7), radius)
    if float(seen.sum()) < 16:
        color = torch.tensor(screen.color, dtype=plate.dtype, device=plate.device)
        return color[:, None, None].expand_as(plate).clone(), torch.zeros_like(plate[:1])
    smooth = box_blur(mean * seen, 2 * radius) / box_blur(seen, 2 * radius).clamp_min(1e-6)
    smooth = fill(torch.where(seen > 0, smooth, torch.zeros_like(smooth)), seen)
    return enlarge(smooth, plate.shape[-2:], shrink), enlarge(seen, plate.shape[-2:], shrink, smooth=False)


def heeded(evidence: Tensor, plate: Tensor, screen: Screen) -> Tensor | None:
    """Return ``evidence`` (1, h, w) of a subject in a plate (3, H, W); None where it takes the screen for the subject.

    A screen amid a dark set is what such a picture is of, to a network that does not know screens.
    """
    small = functional.interpolate(
        plate[None].clamp_min(0.0), evidence.shape[-2:], mode="bilinear", align_corners=False, antialias=True
    )[0]
    total = small.sum(dim=0, keepdim=True)
    shows = _typical(small / total.clamp_min(1e-5), total, screen).to(evidence)
    return None if float((shows * evidence).sum()) > _MISTAKEN * float(shows.sum()) else evidence


@dataclass(frozen=True)
class _Field:
    """What is known of a frame's screen at a reduced size; light is R + G + B, chromaticity its shares."""

    factor: int
    known: Tensor  # (1, h, w), 1 where the screen is seen
    chromaticity: Tensor  # (3, h, w), continued where it is not
    light: Tensor  # (1, h, w), continued as well


def _shows_screen(plate: Tensor, screen: Screen, evidence: Tensor | None) -> Tensor:
    """Return which pixels (1, H, W) have the color that the field of the screen has there."""
    light = plate.clamp_min(0.0)
    total = light.sum(dim=0, keepdim=True)
    chromaticity = light / total.clamp_min(1e-5)
    size = plate.shape[-2:]
    field = _grown(light, screen, evidence)
    expected = enlarge(field.chromaticity, size, field.factor)
    away = _distance(chromaticity, expected)
    inside = enlarge(field.known, size, field.factor, smooth=False) > 0
    reach = (_TOWARDS_GREY * _distance(expected, 1.0 / 3.0)).clamp_max(_spread(away, inside, screen))
    relative = total / enlarge(field.light, size, field.factor).clamp_min(1e-5)
    alike = (away < reach) & (relative > _LEAST_LIGHT) & (relative < _MOST_LIGHT)
    near = enlarge(dilate(field.known, _BESIDE), size, field.factor, smooth=False) > 0
    # Away from the field, in gaps of a fence or a narrow strip, the shot's own color alone decides.
    shown = alike & (near | _typical(chromaticity, total, screen))
    if evidence is None:
        return shown
    subject = functional.interpolate(evidence[None], size, mode="bilinear", align_corners=False)[0]
    return shown & (subject < _NO_SUBJECT)


def _spread(away: Tensor, inside: Tensor, screen: Screen) -> float:
    """Return how far plain screen strays from the field by its grain, given its distances (1, H, W)."""
    sample = away[inside][:: max(1, int(inside.sum()) // _SAMPLE)]
    usual = float(sample.quantile(0.9)) if len(sample) else screen.tolerance
    return min(max(_SPREAD * usual, _LEAST_SPREAD), screen.tolerance)


def _grown(light: Tensor, screen: Screen, evidence: Tensor | None) -> _Field:
    """Grow the screen of a plate without negative light (3, H, W) from where it has the shot's color for certain."""
    factor = max(1, min(light.shape[-2:]) // _GROWN_SIDE)
    mean = reduce(light, factor)
    total = mean.sum(dim=0, keepdim=True)
    chromaticity = mean / total.clamp_min(1e-5)
    free = torch.ones_like(total)
    if evidence is not None:
        subject = functional.interpolate(
            evidence[None], mean.shape[-2:], mode="bilinear", align_corners=False, antialias=True
        )[0]
        free = (subject < _FREE).to(total)
    certain = _typical(chromaticity, total, screen) & (free > 0)
    smooth = _smooth(light, mean, factor, certain)
    possible = _possible(mean, chromaticity, certain, screen)
    known = (certain & smooth & possible).to(total)
    known = known * (box_blur(known, 1) > 0.5)
    allowed = free * (smooth & possible)
    for _ in range(_MOST_STEPS):
        around = box_blur(known, _BESIDE)
        beside = box_blur(chromaticity * known, _BESIDE) / around.clamp_min(1e-6)
        reached = (around > _ENOUGH) & (_distance(chromaticity, beside) < _STEP)
        more = torch.maximum(known, allowed * reached)
        if float((more - known).sum()) < 1.0:
            break
        known = more
    zero = torch.zeros_like(total)
    return _Field(
        factor,
        known,
        fill(torch.where(known > 0, chromaticity, zero), known),
        fill(torch.where(known > 0, total, zero), known),
    )


def _typical(chromaticity: Tensor, total: Tensor, screen: Screen) -> Tensor:
    """Return which pixels (1, H, W) have the shot's screen color in any plausible light."""
    level = total / max(sum(max(channel, 0.0) for channel in screen.color), 1e-6)
    center = chromaticity_of(screen.color).to(chromaticity)[:, None, None]
    return (_distance(chromaticity, center) < screen.tolerance) & (level > _DARKEST) & (level < _BRIGHTEST)


def _possible(mean: Tensor, chromaticity: Tensor, certain: Tensor, screen: Screen) -> Tensor:
    """Return which pixels of the field (1, h, w) a screen may be grown into, given where it is ``certain``.

    Light on a screen raises all its channels, and a camera's curve makes it paler as the highest nears its end. What is
    paler than the screen is elsewhere in as much light is smoke before it, or another cloth.
    """
    rotation = hue_rotation(screen.color)[0]
    color = torch.tensor(screen.color).to(mean)[:, None, None]
    primary = rotate(rotation, mean)[1:2] / rotate(rotation, color)[1:2].clamp_min(1e-6)
    difference = color_difference(rotate(rotation, chromaticity))
    light = primary.clamp_min(_FAINTEST).log2()
    usual = _usual_difference(light, difference, certain)
    plain = (certain & (difference > _PALER[0] * usual)).to(light)
    departs = light - fill(light * plain, plain)
    paler = _PALER[0] + (_PALER[1] - _PALER[0]) * _ramp(departs, _GLARE)
    paler = paler * (1.0 - _ramp(mean.amax(dim=0, keepdim=True) / _white(mean), _BENDING))
    possible: Tensor = (difference > paler * usual - 0.01) & (primary > _FAINTEST) & (primary < _GLARING)
    return possible


def _usual_difference(light: Tensor, difference: Tensor, certain: Tensor) -> Tensor:
    """Return the color difference that the ``certain`` screen has in as much ``light``, each (1, h, w), in stops.

    In each light it is a high percentile: where some of the screen is veiled, the rest of it tells.
    """
    if int(certain.sum()) < _LEAST_SAMPLE:
        return torch.full_like(light, float(difference[certain].median()) if bool(certain.any()) else 0.0)
    lights, differences = light[certain], difference[certain]
    low, high = (float(lights.quantile(share)) for share in (0.02, 0.98))
    bins = max(1, math.ceil((high - low) / _BIN))
    place = ((lights - low) / _BIN).long().clamp(0, bins - 1)
    curve = differences.quantile(_UNVEILED).expand(bins).clone()
    for index in range(bins):
        here = differences[place == index]
        if len(here) >= _LEAST_SAMPLE // 4:
            curve[index] = here.quantile(_UNVEILED)
    at = ((light - low) / _BIN - 0.5).clamp(0.0, bins - 1.0)
    left = at.floor().long()
    return torch.lerp(curve[left], curve[(left + 1).clamp_max(bins - 1)], at - left)


def _white(mean: Tensor) -> float:
    """Return the light at which the file of a reduced plate (3, h, w) clips; infinite where nothing shows that.

    Encoded pictures end at about 1, and where they clip, much of the picture lies there.
    """
    highest = mean.amax(dim=0)
    brightest = float(highest.max())
    clipped = float((highest > _CLIPPED * brightest).float().mean())
    return brightest if clipped > _MANY and _ENDS[0] < brightest < _ENDS[1] else float("inf")


def _ramp(value: Tensor, ends: tuple[float, float]) -> Tensor:
    clipped: Tensor = ((value - ends[0]) / (ends[1] - ends[0])).clamp(0.0, 1.0)
    return clipped


def _smooth(light: Tensor, mean: Tensor, factor: int, certain: Tensor) -> Tensor:
    """Return which pixels of the field (1, h, w) are no rougher inside than the certain screen: no edge, no hair."""
    variance = (reduce(light.square(), factor) - mean.square()).clamp_min(0.0).sum(dim=0, keepdim=True)
    rough = variance.sqrt() / mean.norm(dim=0, keepdim=True).clamp_min(1e-3)
    usual = float(rough[certain].median()) if bool(certain.any()) else 0.0
    smooth: Tensor = rough < max(_ROUGH * usual, _LEAST_ROUGH)
    return smooth


def _distance(chromaticity: Tensor, center: Tensor | float) -> Tensor:
    return (chromaticity - center).square().sum(dim=0, keepdim=True).sqrt()
