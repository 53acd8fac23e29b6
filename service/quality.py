"""The quality report of a shot: each frame's figures, what is usual in the shot, and which frames stand out.

Pure: frame results in, report out. docs/quality.md defines the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model.settings import FrameNotes, FrameQuality
from service.jobs import FrameResult, FrameState

Figure = Literal[
    "edge_spill", "screen_noise", "core_noise", "soft_share", "doubtful", "flicker", "pops", "nan_repaired"
]
LEAST: dict[Figure, float] = {
    "edge_spill": 0.05,
    "screen_noise": 0.01,
    "core_noise": 0.01,
    "soft_share": 0.02,
    "doubtful": 0.01,
    "flicker": 0.01,
    "pops": 0.0,
    "nan_repaired": 0.0,
}
"""A frame stands out by a figure when it exceeds the shot's median by more than this, and by more than is usual."""

STRAYS = 5.0
"""… in robust standard deviations: 1.4826 · median absolute deviation (Rousseeuw and Croux 1993)."""

FEWEST_FRAMES = 5
MOST_WORST = 50
_MAD_TO_DEVIATION = 1.4826


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FrameFigures(_Frozen):
    """One frame's figures."""

    frame: int
    """Frame number."""

    edge_spill: float | None = None
    """Screen light left in soft edges: 0 none, 1 as strong as the screen itself."""

    screen_noise: float | None = None
    """Root mean square of alpha inside the screen."""

    core_noise: float | None = None
    """Root mean square of 1 - alpha inside the subject."""

    soft_share: float | None = None
    """Share of pixels whose alpha is neither near 0 nor near 1."""

    doubtful: float | None = None
    """Share of pixels whose alpha is rather wrong than right, by the keyer's own doubt."""

    flicker: float | None = None
    """Change of alpha against both neighbors: the smaller of the two; null at the ends of the shot."""

    pops: float | None = None
    """Share of what both neighbors are sure of, screen or subject, where this frame is otherwise; null at the ends."""

    nan_repaired: int = 0
    """Pixels that were NaN, infinite or beyond any light (1e8) in the plate."""

    stands_out: tuple[Figure, ...] = ()
    """Figures by which it stands out from the shot."""


class Standout(_Frozen):
    """A frame that differs from its shot."""

    frame: int
    """Frame number."""

    figure: Figure
    """By what."""

    value: float
    """Its figure."""

    usual: float
    """The shot's median."""


class ShotQuality(_Frozen):
    """What is usual in a shot, and the frames that stand out."""

    measured: int
    """How many frames have figures."""

    usual: dict[Figure, float]
    """Median of each figure."""

    worst: tuple[Standout, ...]
    """At most 50, the farthest from the usual first."""


class QualityReport(_Frozen):
    """The quality report of a shot."""

    shot: ShotQuality
    """The shot as a whole."""

    frames: tuple[FrameFigures, ...]
    """Finished frames, ascending."""


def report_on(results: Iterable[FrameResult]) -> QualityReport:
    """Return the report on the finished frames among ``results``."""
    done = sorted((r for r in results if r.state is FrameState.DONE), key=lambda result: result.frame)
    plain = [_figures(result, following) for result, following in zip(done, [*done[1:], None], strict=False)]
    usual: dict[Figure, float] = {}
    strays: dict[tuple[int, Figure], float] = {}
    for figure in LEAST:
        values = {f.frame: float(value) for f in plain if (value := getattr(f, figure)) is not None}
        if values:
            usual[figure] = median(values.values())
            strays |= {(frame, figure): by for frame, by in _outliers(figure, values).items()}
    frames = tuple(
        f.model_copy(update={"stands_out": tuple(figure for figure in LEAST if (f.frame, figure) in strays)})
        for f in plain
    )
    by_frame = {f.frame: f for f in plain}
    worst = tuple(
        Standout(frame=frame, figure=figure, value=float(getattr(by_frame[frame], figure)), usual=usual[figure])
        for frame, figure in sorted(strays, key=lambda key: (-strays[key], key))[:MOST_WORST]
    )
    measured = sum(result.notes is not None and result.notes.quality is not None for result in done)
    return QualityReport(shot=ShotQuality(measured=measured, usual=usual, worst=worst), frames=frames)


def _figures(result: FrameResult, following: FrameResult | None) -> FrameFigures:
    notes = result.notes or FrameNotes()
    own = notes.quality
    if own is None:
        return FrameFigures(frame=result.frame, nan_repaired=notes.nan_repaired)
    changes = [own.change, _quality(following).change]
    flicker = min(c for c in changes if c is not None) if None not in changes else None
    return FrameFigures(
        frame=result.frame,
        flicker=flicker,
        pops=_quality(following).popped,
        nan_repaired=notes.nan_repaired,
        **own.model_dump(exclude={"change", "popped"}),
    )


def _quality(result: FrameResult | None) -> FrameQuality:
    return (result.notes.quality if result and result.notes else None) or FrameQuality()


def _outliers(figure: Figure, values: dict[int, float]) -> dict[int, float]:
    """Return the frames that stand out, and by how many times the least that counts."""
    if len(values) < FEWEST_FRAMES:
        return {}
    usual = median(values.values())
    spread = _MAD_TO_DEVIATION * median(abs(value - usual) for value in values.values())
    least = max(LEAST[figure], STRAYS * spread)
    # A frame with less noise or spill than the others is none to look at; one with fewer soft pixels may be.
    away = {frame: abs(value - usual) if figure == "soft_share" else value - usual for frame, value in values.items()}
    return {frame: by / max(least, 1e-9) for frame, by in away.items() if by > least}


def summary_of_shot(results: Sequence[FrameResult]) -> ShotQuality | None:
    """Return what the manifest says; None where no frame has figures."""
    found = report_on(results).shot
    return found if found.measured else None
