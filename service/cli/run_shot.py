"""Keys one shot in this process and tells how far it is: the road of `dropkey key` and of a farm's parts."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from model.settings import KeySettings, Screen
from service import parts
from service.atomic import is_full, write_error
from service.cli.failures import show_failure, show_warning
from service.cli.progress import Progress, open_progress
from service.errors import BadInput, Cancelled, OutputReadOnly, PlateMissing, Transient
from service.jobs import FrameResult, FrameState, JobRequest
from service.manifest import read_manifest
from service.messages import FrameFinished, ShotFinished, ShotOrder, ShotStarted
from service.sequences import format_frames
from service.settings import Settings
from service.shots import Shot, shot_from_plate
from service.versions import claim_version, version_folder, wanted_frames

if TYPE_CHECKING:
    from model.keyer import Keyer
    from service.pipeline import Limits

_VERSION = re.compile(r"v(\d{3,9})")
_OUTCOMES = {"done": 0, "incomplete": BadInput.exit_code, "stopped": Cancelled.exit_code}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for, checked."""

    request: JobRequest
    output: Path
    service: Settings
    version_folder: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Result:
    """What became of the shot."""

    manifest: Path
    outcome: str
    frames_done: int
    frames_failed: int
    exit_code: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "manifest": str(self.manifest),
            "outcome": self.outcome,
            "frames_done": self.frames_done,
            "frames_failed": self.frames_failed,
        }


def run_shot(wish: Wish, *, style: str, quiet_output: bool) -> Result:
    """Key the shot that ``wish`` names and return what became of it.

    Raises DropKeyError or KeyingError where the shot as a whole cannot be keyed.
    """
    from model.device import find_device
    from model.keyer import load_keyer
    from service.pipeline import Limits, key_shot

    request = wish.request
    shot, frames = find_shot(request)
    device, _ = find_device(wish.device)
    keyer = load_keyer(request.settings.keyer, device, wish.service.weights_folder)
    limits = Limits.of(wish.service)
    version, number = find_version(wish, shot)
    place = find_place(
        wish,
        version,
        frames,
        lambda: survey_shot(shot, request.settings, keyer, limits),
        lambda agreed: are_the_plates(shot, agreed.plates),
    )
    order = ShotOrder(
        shot=shot,
        frames=frames,
        settings=request.settings,
        output=place.folder,
        version=number,
        fps=request.fps,
        pixel_aspect=request.pixel_aspect,
        mattes=request.mattes,
        screen=place.screen,
        accept_gaps=request.accept_gaps,
    )
    with open_progress(style, quiet_output=quiet_output, shot=shot.name) as progress, stop_on_interrupt() as stopped:
        watch = _Watch(progress)
        try:
            finished = key_shot(order, keyer, job_id="", attempt=1, report=watch.hear, stopped=stopped, limits=limits)
        except BaseException:
            _remove_if_empty(place.folder)
            raise
    if place.gathers and finished.outcome == "done":
        parts.remove_parts(version)
    watch.show_failures(shot)
    for sentence in read_manifest(finished.manifest).warnings:
        show_warning(sentence, shot.name)
    return Result(finished.manifest, finished.outcome, watch.done, len(watch.failed), watch.exit_code(finished))


def find_shot(request: JobRequest) -> tuple[Shot, tuple[int, ...]]:
    """Return the shot and its frames to key; raises PlateMissing for frames that are not there, unless accepted."""
    shot = shot_from_plate(request.plate, first_frame=request.first_frame)
    frames, absent = wanted_frames(request, shot)
    if absent and not request.accept_gaps:
        raise PlateMissing(
            f"Frames are missing: {format_frames(absent)}.",
            fix="Render them, or key what is there with --accept-gaps.",
            shot=shot.name,
        )
    return shot, frames


@dataclass(frozen=True)
class _Place:
    """Where to key, with which screen (None: look for it), and whether parts of others end here."""

    folder: Path
    screen: Screen | None
    gathers: bool


def find_place(
    wish: Wish,
    version: Path,
    frames: tuple[int, ...],
    survey: Callable[[], parts.Agreed],
    holds: Callable[[parts.Agreed], bool],
) -> _Place:
    """Return the version itself, or the part of it that a named version and named frames ask for, made.

    ``holds`` tells whether a screen was found in the plates that are there now. Raises what ``survey`` does, and
    OutputFull, OutputReadOnly or Transient.
    """
    if wish.version_folder is not None and wish.request.frames is not None and frames:
        agreed, part = parts.agreed_screen(version, survey, holds), parts.part_folder(version, frames)
        try:
            part.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(error, part) from error
        return _Place(part, agreed, gathers=False)
    known = parts.agreed_already(version)
    parts.gather(version)
    return _Place(version, known.screen if known and holds(known) else None, gathers=known is not None)


def are_the_plates(shot: Shot, plates: Mapping[int, str]) -> bool:
    """Tell whether these plates (frame → fingerprint) are there, unchanged."""
    from service.pipeline.sources import Sources

    return Sources(shot).are(plates)


def survey_shot(shot: Shot, settings: KeySettings, keyer: Keyer, limits: Limits) -> parts.Agreed:
    """Look at the whole shot, as a run over all its frames does."""
    from service.pipeline.sources import Sources
    from service.pipeline.survey import survey
    from service.plates import open_plate

    with open_plate(
        shot,
        settings,
        maximum_side_pixels=limits.maximum_side_pixels,
        maximum_picture_mib=limits.maximum_picture_mib,
    ) as plate:
        found = survey(plate, plate.format.frames, keyer, settings, Sources(shot), lambda _frame: None)
    return parts.Agreed(screen=found.screen, plates=found.plates)


class _Watch:
    """Listens to the pipeline as a service would."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.done = 0
        self.failed: list[FrameResult] = []

    def hear(self, message: BaseModel) -> None:
        if isinstance(message, ShotStarted):
            self._progress.start(len(message.frames))
            for result in message.kept:
                self._count(result)
        elif isinstance(message, FrameFinished):
            self._count(message.result)

    def _count(self, result: FrameResult) -> None:
        if result.state is FrameState.DONE:
            self.done += 1
        elif result.state is FrameState.FAILED:
            self.failed.append(result)
        self._progress.advance(result.frame)

    def show_failures(self, shot: Shot) -> None:
        """Say each reason once, with all the frames it holds for."""
        reasons: dict[tuple[str, str], list[int]] = {}
        for result in self.failed:
            if result.problem:
                reasons.setdefault((result.problem.message, result.problem.fix), []).append(result.frame)
        for (message, fix), frames in reasons.items():
            show_failure(message, fix, f"{shot.name} frame{'s' if len(frames) > 1 else ''} {format_frames(frames)}")

    def exit_code(self, finished: ShotFinished) -> int:
        """Return what the farm should make of it: frames that may succeed later make the whole worth another try."""
        kinds: tuple[type[Transient], ...] = (Transient, *Transient.__subclasses__())
        transient = {kind.kind for kind in kinds}
        if finished.outcome == "incomplete" and any(
            result.problem and result.problem.kind in transient for result in self.failed
        ):
            return Transient.exit_code
        return _OUTCOMES[finished.outcome]


def find_version(wish: Wish, shot: Shot) -> tuple[Path, int]:
    """Return the version to work in and its number: the one asked for, else the next free one, claimed by making it.

    Raises BadInput for a wrong name, OutputFull where there is no room, OutputReadOnly where nothing can be made.
    """
    place = wish.output / shot.name
    try:
        if wish.version_folder is not None:
            found = _VERSION.fullmatch(wish.version_folder)
            if not found:
                raise BadInput(f"'{wish.version_folder}' is not a version.", fix="Write it as v001.")
            folder = version_folder(place, int(found[1]))
            folder.mkdir(parents=True, exist_ok=True)
            return folder, int(found[1])
        return claim_version(place)
    except OSError as error:
        if is_full(error):
            raise write_error(error, place) from None
        raise OutputReadOnly(
            f"{place} cannot be written: {error.strerror}.", fix="Choose another --output, or allow writing there."
        ) from None


def _remove_if_empty(folder: Path) -> None:
    """Free a claimed version that nothing was written into."""
    for place in (folder, folder.parent):
        try:
            place.rmdir()
        except OSError:
            return


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C finish the frame at hand; the second ends the program at once."""
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
