"""Keys one shot from order to manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Literal

from model.keyer import Keyer
from service.errors import BadInput, DropKeyError, PlateChanged, PlateMissing
from service.exr import ExrHeader
from service.jobs import FrameResult, FrameState, error_from
from service.manifest import KeyerInfo, Manifest, ManifestState
from service.messages import FrameFinished, FrameStarted, FromWorker, ShotFinished, ShotOrder, ShotStarted
from service.parts import clear_parts
from service.pipeline.conveyor import Outcomes, one_by_one, overlapped
from service.pipeline.delivery import Delivery, Origin, dropkey_version, exact_rate, exr_header, recipe
from service.pipeline.kept import Kept, earlier_attempt, earlier_version
from service.pipeline.limits import Limits
from service.pipeline.mattes import MatteReader
from service.pipeline.memory import freed_memory_kept
from service.pipeline.movie import ShotMovie
from service.pipeline.neighbours import Neighbours, drawn_frames, learn_behind, reach_of
from service.pipeline.quality import Quality
from service.pipeline.record import Record, problem_of
from service.pipeline.sources import Sources
from service.pipeline.stages import Stages
from service.pipeline.survey import Survey, sampled, survey
from service.plates import Plate, open_plate
from service.shots import format_frames


@dataclass(frozen=True)
class _Run:
    """What all steps of one run share."""

    order: ShotOrder
    keyer: Keyer
    info: KeyerInfo
    delivery: Delivery
    sources: Sources
    job_id: str
    attempt: int
    report: Callable[[FromWorker], None]
    stopped: Callable[[], bool]
    limits: Limits

    def starting(self, frame: int) -> None:
        self.report(FrameStarted(job_id=self.job_id, attempt=self.attempt, frame=frame))


@freed_memory_kept()
def key_shot(
    order: ShotOrder,
    keyer: Keyer,
    *,
    job_id: str,
    attempt: int,
    report: Callable[[FromWorker], None],
    stopped: Callable[[], bool],
    limits: Limits | None = None,
) -> ShotFinished:
    """Key the frames of ``order`` that are not finished yet, and leave passes and manifest in its output folder.

    ``report`` hears of every step, from this thread only; ``stopped`` is asked between frames. A frame that cannot be
    keyed is listed with its reason and the rest is finished (`incomplete`). Raises DropKeyError when the shot as a
    whole cannot be keyed, or not now; what is finished stays, and the next attempt goes on from there.
    """
    limits = limits or Limits()
    info = KeyerInfo(
        name=keyer.name,
        weights=keyer.weights_id,
        device=str(getattr(keyer, "device", "cpu")),
        dropkey=dropkey_version(),
    )
    delivery = Delivery(order.shot, order.output, order.output_within)
    sources = Sources(order.shot, order.mattes, order.plates)
    run = _Run(order, keyer, info, delivery, sources, job_id, attempt, report, stopped, limits)
    try:
        if order.role == "part":
            run.delivery.make_part()
        run.delivery.prepare(limits.minimum_free_gib)
        if order.role in ("look", "gather", "tidy"):
            run.delivery.gather_parts()
        previous = earlier_attempt(order, run.delivery, info)
        record = Record(order, run.delivery, info, order.job_id or job_id, limits.manifest_seconds)
        try:
            outcome = _key(run, record, previous)
        except DropKeyError as error:
            record.fail(error)
            raise
        if order.role == "gather" and outcome in ("done", "incomplete"):
            clear_parts(order.output)
    except DropKeyError as error:
        raise error.located(shot=order.shot.name) from error.__cause__
    return ShotFinished(
        job_id=job_id,
        attempt=attempt,
        outcome=outcome,
        manifest=run.delivery.manifest,
        warnings=record.warnings,
    )


Outcome = Literal["done", "incomplete", "stopped"]


def _key(run: _Run, record: Record, previous: Manifest | None) -> Outcome:
    order, limits = run.order, run.limits
    with open_plate(
        order.shot,
        order.settings,
        maximum_side_pixels=limits.maximum_side_pixels,
        maximum_picture_mib=limits.maximum_picture_mib,
    ) as plate:
        fps = exact_rate(order.fps_fraction or plate.format.fps)
        frames = _frames(order, plate, record)
        record.expect(frames)
        aspect = order.pixel_aspect or plate.format.pixel_aspect_ratio
        record.opened(plate.format, fps, aspect)
        for sentence in (*order.shot.remarks, *order.warned):
            record.warn(sentence)
        run.sources.look(frames)
        if previous is not None:
            record.resume(previous)  # should the attempt end here, what is finished stays known
        _check_content(run, frames)
        record.expect(frames)
        MatteReader(order, plate.format).check(frames[0])
        version = earlier_version(order, run.info)
        plate.watch(sampled(_readable(run, plate, frames)))
        surveyed = _survey(run, plate, frames, previous, version)
        screen = surveyed.screen
        record.surveyed(surveyed)
        mark = recipe(order.settings, screen, run.info)
        quality = Quality(order, run.delivery, screen, plate.format.frames)
        readable = frozenset(_readable(run, plate, plate.format.frames))
        neighbours = Neighbours(readable, reach_of(run.keyer, order.settings), drawn=drawn_frames(order.mattes))
        run.sources.look((*neighbours.to_read(frames), *neighbours.spread, *neighbours.followed(frames)))
        starting = run.starting if order.careful else _nobody
        neighbours = learn_behind(plate, neighbours, run.keyer, screen, starting, run.sources.check)
        kept = Kept(order, run.delivery, run.sources, screen, mark, quality, neighbours)
        remaining = _keep(run, record, kept, frames, previous, version)
        record.save()
        run.report(
            ShotStarted(
                job_id=run.job_id,
                attempt=run.attempt,
                screen=screen,
                frames=frames,
                kept=tuple(result for result in record.results if result.state is FrameState.DONE),
                surveyed=surveyed.plates,
                plates=run.sources.seen(frames) if order.role == "look" else {},
            )
        )
        if order.role == "look":
            for sentence in plate.doubts():
                record.warn(sentence)
            record.save()
            return "stopped"
        header = partial(_header, run, mark, fps, aspect)
        stages = Stages(
            order,
            plate,
            run.keyer,
            screen,
            run.sources,
            quality,
            run.delivery,
            neighbours,
            header,
            limits.retry_seconds,
        )
        with _movie(run, record, frames, fps, aspect) as movie:
            fault = _work(run, record, _outcomes(run, stages, remaining), movie)
        for sentence in plate.doubts():
            record.warn(sentence)
    _check_content(run, frames)  # of plates that came late, too
    return _finish(record, fault)


def _frames(order: ShotOrder, plate: Plate, record: Record) -> tuple[int, ...]:
    """Return the frames that the result is to have.

    Raises PlateMissing for frames that a movie can never have; those of a sequence may still arrive and are holes.
    """
    present = set(plate.format.frames)
    wanted = order.frames or (*plate.format.frames, *plate.format.lost_frames)
    absent = [frame for frame in wanted if frame not in present]
    if order.accept_gaps and absent:
        record.warn(f"Frames {format_frames(absent)} are not in the plate; their absence was accepted.")
        wanted = tuple(frame for frame in wanted if frame in present)
    elif order.shot.kind == "movie" and (beyond := set(absent).difference(plate.format.lost_frames)):
        raise PlateMissing(
            f"The movie has no frames {format_frames(beyond)}; it has {format_frames(plate.format.frames)}.",
            fix="Name frames that it has.",
        )
    if not wanted:
        raise BadInput("There is no frame to key.", fix="Name frames that are in the plate.")
    return tuple(sorted(wanted))


def _check_content(run: _Run, frames: Sequence[int]) -> None:
    """Raise PlateChanged where the plates are not those that the order is for; one that went away is a hole."""
    wanted = run.order.frames or frames
    if run.order.content is None or any(run.sources.plate(frame) is None for frame in wanted):
        return
    if run.sources.content(wanted) != run.order.content:
        raise PlateChanged(
            "Its plates were written anew after it was ordered: this version would mix what they were with what they "
            "are.",
            fix="What lies in a drop folder is keyed anew by itself, as the next version. Otherwise retry once nothing "
            "writes there any more: it is keyed from what lies there then.",
        )


def _survey(
    run: _Run, plate: Plate, frames: Sequence[int], previous: Manifest | None, version: Manifest | None
) -> Survey:
    """Return the screen that the order names, or that is known from before and was found in these plates; else look."""
    if run.order.screen:
        return Survey(run.order.screen, run.order.surveyed)
    for earlier in (previous, version):
        if earlier and earlier.screen and earlier.surveyed and run.sources.are(earlier.surveyed):
            return Survey(earlier.screen, earlier.surveyed)
    # A frame that kills its worker may do so here as well.
    starting = run.starting if run.order.careful else _nobody
    return survey(plate, _readable(run, plate, frames), run.keyer, run.order.settings, run.sources, starting)


def _readable(run: _Run, plate: Plate, frames: Sequence[int]) -> list[int]:
    """Return those of ``frames`` that are there and did not kill a worker."""
    readable = set(plate.format.frames) - {result.frame for result in run.order.given_up}
    return [frame for frame in frames if frame in readable]


def _nobody(frame: int) -> None:
    del frame


def _keep(
    run: _Run,
    record: Record,
    kept: Kept,
    frames: Sequence[int],
    previous: Manifest | None,
    version: Manifest | None,
) -> tuple[int, ...]:
    """Enter what needs no work; returns the frames that do."""
    given_up = {result.frame: result for result in run.order.given_up if result.frame in set(frames)}
    found = dict(given_up) | kept.of_parts(run.order.known)
    remaining = [frame for frame in frames if frame not in found]
    found |= kept.of_attempt(previous, remaining, run.stopped)
    if version is not None:
        found |= kept.of_version(version, [frame for frame in remaining if frame not in found], run.stopped)
    record.enter(found.values())
    if run.order.role == "tidy":
        return ()
    return tuple(frame for frame in frames if frame not in found)


def _header(run: _Run, mark: str, fps: Fraction | None, aspect: float, origin: Origin) -> ExrHeader:
    return exr_header(run.order.settings, run.order.shot, mark, origin, keyer=run.info, fps=fps, aspect=aspect)


def _outcomes(run: _Run, stages: Stages, frames: Sequence[int]) -> Outcomes:
    if run.order.careful:
        return one_by_one(stages, frames, run.stopped, run.starting)
    return overlapped(stages, frames, run.stopped, run.starting, run.limits)


@contextlib.contextmanager
def _movie(
    run: _Run, record: Record, frames: Sequence[int], fps: Fraction | None, aspect: float
) -> Iterator[ShotMovie | None]:
    """Give a movie to fill where one is asked for; it stays where the whole shot came out, holes or not."""
    settings = run.order.settings
    if settings.delivery.movie == "none" or run.order.role in ("part", "tidy"):
        yield None
        return
    if fps is None:
        record.warn("No movie was made: the shot's rate is not known. Give `fps` and key again.")
        yield None
        return
    movie = ShotMovie(run.delivery, settings, frames, fps, aspect)
    try:
        yield movie
        if all(result.state is not FrameState.WAITING for result in record.results):
            _advance(movie, record)
            movie.finish()
    finally:
        movie.abandon()


def _advance(movie: ShotMovie, record: Record) -> None:
    states = {result.frame: result.state for result in record.results}
    done = {frame for frame, state in states.items() if state is FrameState.DONE}
    movie.advance(done, {frame for frame, state in states.items() if state is FrameState.FAILED})


def _work(run: _Run, record: Record, outcomes: Outcomes, movie: ShotMovie | None) -> DropKeyError | None:
    """Enter and report frames as they come; returns the first fault."""
    first: DropKeyError | None = None
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            record.add(outcome.result)
            first = first or outcome.error
            run.report(
                FrameFinished(
                    job_id=run.job_id,
                    attempt=run.attempt,
                    result=outcome.result,
                    read_seconds=outcome.times.read,
                    key_seconds=outcome.times.key,
                    write_seconds=outcome.times.write,
                )
            )
            run.delivery.check_room(run.limits.minimum_free_gib)
            if movie is not None:
                _advance(movie, record)
    return first


def _finish(record: Record, fault: DropKeyError | None) -> Outcome:
    """Write the last manifest. Raises the first fault when nothing came out."""
    failed = [result for result in record.results if result.state is FrameState.FAILED]
    if any(result.state is FrameState.WAITING for result in record.results):
        record.save(ManifestState.STOPPED)
        return "stopped"
    if not failed:
        record.save(ManifestState.DONE)
        return "done"
    reason = _reason(failed, len(record.results), fault)
    if len(failed) == len(record.results):
        raise reason
    record.save(ManifestState.INCOMPLETE, problem_of(reason))
    return "incomplete"


def _reason(failed: Sequence[FrameResult], total: int, fault: DropKeyError | None) -> DropKeyError:
    """Sum the failed frames up in an error of the first one's kind."""
    problem = failed[0].problem
    frames = format_frames(result.frame for result in failed)
    why = problem.message if problem else "unknown"
    fix = problem.fix if problem else ""
    if fault is None and problem is not None:
        fault = error_from(problem)
    error = type(fault) if fault is not None else BadInput
    frame = failed[0].frame
    return error(f"{len(failed)} of {total} frames failed ({frames}). Frame {frame}: {why}", fix=fix, frame=frame)
