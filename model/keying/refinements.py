"""What happens between a network's answer and alpha: an ordered tuple of named refinements, each pure, each by itself.

A refinement takes what is known of a frame (`KeyEstimate`) and its own constants, and returns the estimate with what it
changed. `dropkey evaluate --without NAME` leaves one out. docs/neural.md says what each is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.errors import KeyingError
from model.keying.chroma import lacking_chroma
from model.keying.edges import solve_again, stretch
from model.keying.fill import dilate, erode
from model.keying.recording import chroma_halved, exact_color


@dataclass(frozen=True)
class KeyEstimate:
    """What is known of one frame; light is scene-linear (3, H, W), everything else (1, H, W)."""

    plate: Tensor
    clean_plate: Tensor
    seen: Tensor  # 1 where plain screen is seen
    unit: Tensor  # what light is divided by to compare it: the clean plate's color difference
    difference: Tensor  # color difference alpha, not clipped
    recording: Tensor  # (2, H, W), how the plate was recorded: `model.keying.recording.recording`
    first: Tensor  # alpha as the network answered it, 0–1
    foreground: Tensor  # straight, without screen light
    first_projection: Tensor  # the plate projected on the line from screen to foreground, as the network saw it
    most: Tensor  # how much subject stands around a pixel, at most …
    least: Tensor  # … and at least
    solid: Tensor  # how opaque guide or evidence take that for, at least: smoke is a subject, too, but no solid one
    alpha: Tensor  # as refined so far, 0–1
    plain: Tensor  # the same, for an artist who wants no edges refined
    near: Tensor  # 1 where a subject is near
    again: Tensor  # alpha of the edges, solved with the core that was found
    sure: Tensor  # how surely
    lacking: Tensor  # (3, H, W), light that the recorder took from outlines

    @property
    def sharp(self) -> Tensor:
        """The plate with its outlines' color put back."""
        return self.plate + self.lacking


def begin(
    *,
    plate: Tensor,
    clean_plate: Tensor,
    seen: Tensor,
    unit: Tensor,
    difference: Tensor,
    recording: Tensor,
    alpha: Tensor,
    plain: Tensor,
    foreground: Tensor,
    projection: Tensor,
    most: Tensor,
    least: Tensor,
    near: Tensor,
    solid: Tensor,
) -> KeyEstimate:
    """Return the estimate before any refinement: ``alpha`` and ``plain`` (1, H, W) are the network's own answers.

    ``near`` (1, H, W) is how much of a subject both guide and segmenter see around a pixel at most.
    """
    return KeyEstimate(
        plate=plate,
        clean_plate=clean_plate,
        seen=seen,
        unit=unit,
        difference=difference,
        recording=recording,
        first=alpha,
        foreground=foreground,
        first_projection=projection,
        most=most,
        least=least,
        solid=solid,
        alpha=alpha,
        plain=plain,
        near=ramp(near, *NEAR),
        again=alpha,
        sure=torch.zeros_like(alpha),
        lacking=torch.zeros_like(plate),
    )


NEAR = (0.7, 0.9)
"""Of a coarse alpha around a pixel at most, between which a subject counts as near."""


@dataclass(frozen=True)
class GrowConnected:
    """Constants of `grow_connected`."""

    side: int = 270  # pixels; what is connected is followed at about this height
    reach: float = 0.4  # of a frame's shorter side
    solid: float = 0.8  # color difference along which it is followed
    some: float = 0.1  # and alpha


def grow_connected(estimate: KeyEstimate, constants: GrowConnected) -> KeyEstimate:
    """Grow *near* along what hangs on a subject: leaves, strands and limbs that are too thin for the segmenter's lines.

    Grown is where the color difference finds something solid and alpha is not quite nothing: markers lie by themselves,
    and sets have none.
    """
    height, width = estimate.near.shape[-2:]
    factor = max(1, round(min(height, width) / constants.side))

    def most(picture: Tensor) -> Tensor:
        return functional.max_pool2d(picture[None], factor, ceil_mode=True)

    solid = torch.minimum(estimate.difference / constants.solid, estimate.first / constants.some)
    way = (most(solid) > 1.0).to(estimate.near.dtype)
    found = most(estimate.near)
    for _ in range(round(constants.reach * min(height, width) / factor)):
        found = torch.maximum(found, _grown(found) * way)
    whole = functional.interpolate(_grown(found), scale_factor=float(factor), mode="bilinear", align_corners=False)
    return replace(estimate, near=torch.maximum(estimate.near, whole[0, :, :height, :width]))


@dataclass(frozen=True)
class SnapConfident:
    """Constants of `snap_confident`."""

    covered: float = 0.87  # color difference alpha from which hardly any screen shows
    inside: float = 1.0 / 240.0  # of the shorter side is how far inside that must be
    power: float = 3.0  # of the odds
    open: float = 0.8  # alpha, or 1 − alpha, that is open …
    nearly: float = 0.9  # … and that is as good as decided
    short: float = 0.1  # by which the projection may fall short of what covers


def snap_confident(estimate: KeyEstimate, constants: SnapConfident) -> KeyEstimate:
    """Bring alpha nearer to 0 or 1 where the color difference finds no screen: doubt there is doubt between the two.

    Edges are left alone, where the color difference errs upward. In the blur of a warm color it does so far inside:
    where alpha is open, the projection, which knows the foreground, must find no screen either.
    """
    first, projected = estimate.alpha, estimate.first_projection
    opened = 1.0 - ramp(torch.maximum(first, 1.0 - first), constants.open, constants.nearly)
    difference = estimate.difference
    difference = torch.lerp(difference, torch.minimum(difference, projected + constants.short), opened)
    covered = ramp(difference, constants.covered, 1.0)
    inside = erode(covered, _radius(estimate, constants.inside))
    alpha, plain = (one.lerp(surer(one, constants.power), inside) for one in (first, estimate.plain))
    return replace(estimate, alpha=alpha, plain=plain)


@dataclass(frozen=True)
class RestoreChroma:
    """Constants of `restore_chroma`."""

    margin: float = 0.02  # of alpha that a mixture leaves at 0 and 1


def restore_chroma(estimate: KeyEstimate, constants: RestoreChroma) -> KeyEstimate:
    """Put back the color that 4:2:0 and 4:2:2 took from outlines (`model.keying.chroma`)."""
    halved = chroma_halved(estimate.plate)
    alpha = stretch(estimate.alpha, constants.margin)
    lacking = lacking_chroma(estimate.plate, estimate.clean_plate, alpha, estimate.foreground, halved)
    return replace(estimate, lacking=lacking)


@dataclass(frozen=True)
class SolveAgain:
    """Constants of `solve_edges_again`."""

    margin: float = 0.02  # of alpha that a mixture leaves at 0 and 1


def solve_edges_again(estimate: KeyEstimate, constants: SolveAgain) -> KeyEstimate:
    """Solve the edges a second time, with the core that the network found (`model.keying.edges`)."""
    alpha = stretch(estimate.alpha, constants.margin)
    again, sure = solve_again(estimate.sharp, estimate.clean_plate, estimate.difference, estimate.seen, alpha)
    return replace(estimate, again=again, sure=sure)


@dataclass(frozen=True)
class BlendEstimates:
    """Constants of `blend_edge_estimates`."""

    narrowed: float = 1.5  # power that keeps cores and the screen from following what is meant for the edges
    weight: float = 2.0  # of the second solution, which knows the core, beside the projection
    margin: float = 0.02  # of alpha that a mixture leaves at 0 and 1


def blend_edge_estimates(estimate: KeyEstimate, constants: BlendEstimates) -> KeyEstimate:
    """Draw alpha towards what was solved and projected, where it is half-transparent, and let it reach 0 and 1.

    Where choices are hardest to make, two physical answers whose errors differ are nearer to the truth in the mean.
    Only where a subject is near: markers and sets are solid to both, and stay what was chosen.
    """
    from_screen, direction = (light - estimate.clean_plate for light in (estimate.sharp, estimate.foreground))
    projected = project((from_screen / estimate.unit)[None], (direction / estimate.unit)[None])[0]
    alpha = estimate.alpha
    physical = (projected + constants.weight * estimate.again) / (1.0 + constants.weight)
    # A mixture may pass 1 by a rounding, and a root of what is below 0 is no number.
    open_ = (4.0 * alpha * (1.0 - alpha)).clamp_min(0.0) ** constants.narrowed
    blended = torch.lerp(alpha, physical, estimate.near * open_)
    return replace(estimate, alpha=stretch(blended, constants.margin), plain=stretch(estimate.plain, constants.margin))


@dataclass(frozen=True)
class TrustExactColor:
    """`trust_exact_color` has no constants of its own: `model.keying.recording.exact_color` has them."""


def trust_exact_color(estimate: KeyEstimate, constants: TrustExactColor) -> KeyEstimate:
    """Take the second solution as far as it is sure, where color ends with the outline: it is nearest the truth."""
    del constants
    trust = estimate.near * estimate.sure * exact_color(estimate.recording, chroma_halved(estimate.plate))
    return replace(estimate, alpha=estimate.alpha.lerp(estimate.again, trust))


@dataclass(frozen=True)
class CloseGaps:
    """Constants of `close_gaps`."""

    reach: float = 1.0 / 200.0  # of the shorter side: gaps up to twice as wide are closed
    found: tuple[float, float] = (0.3, 0.5)  # alpha of the network, below which screen may be seen through a gap
    clear: float = 1.0 / 100.0  # of the shorter side, within which the network finds no plain screen …
    screen: tuple[float, float] = (0.1, 0.3)  # … alpha of which is below this
    within: tuple[float, float] = (0.8, 0.95)  # of subject around at least
    opaque: tuple[float, float] = (0.8, 0.95)  # of what is solid


def close_gaps(estimate: KeyEstimate, constants: CloseGaps) -> KeyEstimate:
    """Close gaps narrower than any hole an outline could have, deep inside of what is solid (jewels, prints, weave).

    A gap in which the network finds mostly screen stays, and so does one with plain screen near: hair and leaves have
    such gaps.
    """
    radius = _radius(estimate, constants.reach)
    solid = ramp(estimate.least, *constants.within) * ramp(estimate.solid, *constants.opaque)
    clear = ramp(erode(estimate.first, _radius(estimate, constants.clear)), *constants.screen)
    doubt = solid * clear * ramp(estimate.first, *constants.found)

    def closed(alpha: Tensor) -> Tensor:
        return torch.maximum(alpha, alpha.lerp(erode(dilate(alpha, radius), radius), doubt))

    return replace(estimate, alpha=closed(estimate.alpha), plain=closed(estimate.plain))


@dataclass(frozen=True)
class KeepWithin:
    """Constants of `keep_within_segments`."""

    nothing: float = 0.03  # of subject around at most: what stands there is set or screen
    something: float = 0.12
    within: tuple[float, float] = (0.75, 0.9)  # of subject around at least: an opaque inside
    opaque: tuple[float, float] = (0.8, 0.95)  # of what is solid
    reach: float = 1.0 / 150.0  # of the shorter side, within which nothing is screen
    deep: tuple[float, float] = (0.2, 0.4)  # least alpha within that reach
    pivot: float = 0.4  # alpha from which an inside is made surer
    power: float = 6.0  # of the odds


def keep_within_segments(estimate: KeyEstimate, constants: KeepWithin) -> KeyEstimate:
    """Leave nothing far from any subject, and no thin place inside of one, as the segmenter sees it.

    What hangs on a subject (`grow_connected`) stays, however thin it is. An edge has screen within a few pixels; what
    has none, and lies in something solid, is thin by mistake.
    """
    allowed = torch.maximum(ramp(estimate.most, constants.nothing, constants.something), estimate.near)
    inside = ramp(estimate.least, *constants.within) * ramp(estimate.solid, *constants.opaque)
    radius = _radius(estimate, constants.reach)

    def kept(alpha: Tensor) -> Tensor:
        alpha = alpha * allowed
        deep = inside * ramp(erode(alpha, radius), *constants.deep)
        return torch.maximum(alpha, alpha.lerp(surer(alpha, constants.power, constants.pivot), deep))

    return replace(estimate, alpha=kept(estimate.alpha), plain=kept(estimate.plain))


def _radius(estimate: KeyEstimate, share: float) -> int:
    """Return a share of the shorter side in whole pixels, 2 at least."""
    return max(2, round(min(estimate.alpha.shape[-2:]) * share))


@dataclass(frozen=True)
class Refinement:
    """One step, by name."""

    name: str
    apply: Callable[[KeyEstimate, Any], KeyEstimate]
    constants: Any


REFINEMENTS: tuple[Refinement, ...] = (
    Refinement("grow-connected", grow_connected, GrowConnected()),
    Refinement("snap-confident", snap_confident, SnapConfident()),
    Refinement("restore-chroma", restore_chroma, RestoreChroma()),
    Refinement("solve-again", solve_edges_again, SolveAgain()),
    Refinement("blend-estimates", blend_edge_estimates, BlendEstimates()),
    Refinement("trust-exact-color", trust_exact_color, TrustExactColor()),
    Refinement("close-gaps", close_gaps, CloseGaps()),
    Refinement("keep-within", keep_within_segments, KeepWithin()),
)


def refined(estimate: KeyEstimate, without: Collection[str] = ()) -> KeyEstimate:
    """Return the estimate after all refinements but those ``without``; raises KeyingError for unknown names."""
    names = [one.name for one in REFINEMENTS]
    if unknown := sorted(set(without) - set(names)):
        raise KeyingError(f"There is no refinement {', '.join(unknown)}.", fix=f"There are: {', '.join(names)}.")
    for one in REFINEMENTS:
        if one.name not in without:
            estimate = one.apply(estimate, one.constants)
    return estimate


def project(from_screen: Tensor, direction: Tensor) -> Tensor:
    """Return how far (N, 1, H, W), 0–1, light (N, 3, H, W) has gone from the screen in a foreground's ``direction``."""
    along = (from_screen * direction).sum(dim=1, keepdim=True)
    return (along / (direction.square().sum(dim=1, keepdim=True) + _LEAST)).clamp(0.0, 1.0)


_LEAST = 0.01  # squared distance of foreground and screen, below which no projection is possible


def surer(alpha: Tensor, power: float, pivot: float = 0.5) -> Tensor:
    """Return alpha with its odds against those of ``pivot`` raised to a power: away from the pivot, to 0 or 1."""
    even = pivot / (1.0 - pivot)
    odds = even * (alpha / (1.0 - alpha).clamp_min(1e-6) / even).pow(power)
    # What is past float32's range is as sure as can be.
    return torch.where(odds.isfinite(), odds / (1.0 + odds), 1.0)


def ramp(value: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below ``low``, 1 above ``high``, and a line between."""
    return ((value - low) / (high - low)).clamp(0.0, 1.0)


def _grown(picture: Tensor) -> Tensor:
    return functional.max_pool2d(picture, 3, stride=1, padding=1)
