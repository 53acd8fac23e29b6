"""Keeps the manifest of a running shot: what is known so far is on disk within seconds, and complete at the end."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from service.errors import DropKeyError
from service.jobs import FrameResult, FrameState, Problem
from service.manifest import KeyerInfo, Manifest, ManifestState, PlateInfo, write_manifest
from service.messages import ShotOrder
from service.pipeline.delivery import Delivery
from service.pipeline.survey import Survey
from service.plates import PlateFormat
from service.plates.working_space import LINEAR, working_space
from service.quality import summary_of_shot
from service.shots import format_frames

log = logging.getLogger("dropkey.pipeline")


class Record:
    """The manifest in the making."""

    def __init__(self, order: ShotOrder, delivery: Delivery, keyer: KeyerInfo, job_id: str, seconds: float) -> None:
        self._path = delivery.manifest
        self._within = delivery.within
        self._seconds = seconds
        self._saved_at = 0.0
        self._results: dict[int, FrameResult] = {}
        self._warnings: list[str] = []
        plate = delivery.relative(order.shot.folder / order.shot.pattern)
        self._manifest = Manifest(
            state=ManifestState.RUNNING,
            job_id=job_id or None,
            shot=order.shot.name,
            version=order.version,
            plate=PlateInfo(
                path=plate, kind=order.shot.kind, width=None, height=None, encoding=None, encoding_reason=None
            ),
            first_frame=None,
            last_frame=None,
            padding=order.shot.padding,
            fps=None,
            pixel_aspect_ratio=1.0,
            association=order.settings.association,
            **_other_space(order),
            screen=order.screen,
            keyer=keyer,
            settings=order.settings,
            mattes=delivery.relative_mattes(order.mattes),
            passes=delivery.passes(order.settings),
            frames=(),
        )
        self.expect(order.frames)

    @property
    def results(self) -> tuple[FrameResult, ...]:
        """What is known of each frame, in order."""
        return tuple(self._results[frame] for frame in sorted(self._results))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences for the artist that were last written."""
        return self._manifest.warnings

    def expect(self, frames: Iterable[int]) -> None:
        """Set which frames the result is to have."""
        self._results = {frame: FrameResult(frame=frame, state=FrameState.WAITING) for frame in frames}
        self._update(
            first_frame=min(self._results, default=None),
            last_frame=max(self._results, default=None),
        )

    def resume(self, earlier: Manifest) -> None:
        """Enter what an earlier attempt finished, and with which screen."""
        done = {result.frame: result for result in earlier.frames if result.state is FrameState.DONE}
        self._results |= {frame: done[frame] for frame in done.keys() & self._results.keys()}
        self._update(screen=earlier.screen, surveyed=earlier.surveyed)

    def opened(self, plate: PlateFormat, fps: Fraction | None, aspect: float) -> None:
        """Enter what the plate says of itself, and what was decided for it."""
        info = self._manifest.plate.model_copy(
            update={
                "width": plate.width,
                "height": plate.height,
                "encoding": plate.encoding,
                "encoding_reason": plate.encoding_reason,
            }
        )
        self._warnings.extend(plate.warnings)
        self._update(plate=info, fps=None if fps is None else str(fps), pixel_aspect_ratio=aspect)

    def surveyed(self, survey: Survey) -> None:
        """Enter the screen, where it was found, and what is doubtful about it."""
        self._update(screen=survey.screen, surveyed=survey.plates)
        if survey.screen.doubt:
            self.warn(survey.screen.doubt)

    def warn(self, sentence: str) -> None:
        """Add a sentence for the artist."""
        self._warnings.append(sentence)

    def enter(self, results: Iterable[FrameResult]) -> None:
        """Enter frames that needed no work."""
        self._results |= {result.frame: result for result in results}

    def add(self, result: FrameResult) -> None:
        """Enter what became of a frame; writes the manifest when the last time is long enough ago."""
        self._results[result.frame] = result
        if time.monotonic() - self._saved_at >= self._seconds:
            self.save()

    def save(self, state: ManifestState = ManifestState.RUNNING, problem: Problem | None = None) -> None:
        """Write the manifest."""
        started = time.monotonic()
        results = self.results
        self._update(
            state=state,
            problem=problem,
            frames=results,
            warnings=tuple(dict.fromkeys((*self._warnings, *_warnings(results)))),
            quality=None if state is ManifestState.RUNNING else summary_of_shot(results),
        )
        write_manifest(self._path, self._manifest, within=self._within)
        self._saved_at = time.monotonic()
        # A long shot's manifest takes a while: it may use a twentieth of the time, no more.
        self._seconds = max(self._seconds, 20.0 * (self._saved_at - started))

    def fail(self, error: DropKeyError) -> None:
        """Say in the manifest, if it can be written, why the shot as a whole failed."""
        try:
            self.save(ManifestState.FAILED, problem_of(error))
        except DropKeyError as second:
            log.warning("the manifest cannot be written: %s", second)

    def _update(self, **values: object) -> None:
        self._manifest = self._manifest.model_copy(update=values)


def problem_of(error: DropKeyError) -> Problem:
    """Return an error as data."""
    return Problem(kind=error.kind, message=error.message, fix=error.fix, frame=error.frame)


def _other_space(order: ShotOrder) -> dict[str, Any]:
    space = working_space(order.settings.delivery.color_space)
    return {} if space.name == LINEAR else {"color_space": space.name}


def _warnings(results: Iterable[FrameResult]) -> tuple[str, ...]:
    """Gather the notes of all frames: each sentence once, with its frames."""
    frames: dict[str, list[int]] = defaultdict(list)
    repaired: dict[int, int] = {}
    for result in results:
        if result.notes is None:
            continue
        for sentence in result.notes.warnings:
            frames[sentence].append(result.frame)
        if result.notes.nan_repaired:
            repaired[result.frame] = result.notes.nan_repaired
    sentences = [f"{sentence} (frames {format_frames(where)})" for sentence, where in frames.items()]
    if repaired:
        sentences.append(
            f"{sum(repaired.values())} pixels that were NaN, infinite or beyond any light were filled "
            f"from their neighbours (frames {format_frames(repaired)})"
        )
    return tuple(sentences)
