"""Reads each sidecar and job file once per change, and keeps what it says or why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.drop_folder.settling import Sample
from service.drop_folder.sidecars import JOB_FILE, dropped, read_job_file, read_sidecar, with_folder_defaults
from service.drop_folder.sightings import Key, Look, Sighting, key_of
from service.errors import DropKeyError, PlateMissing
from service.jobs import JobRequest, Problem
from service.paths import Paths
from service.requests import Order, matte_pictures
from service.settings import Settings
from service.shots import Shot, format_frames, parse_frames, safe_name, shot_from_plate

_NAMED = 5  # files named in a message


@dataclass(frozen=True)
class Entry:
    """What orders a shot: an order, or the reason why there is none."""

    order: Order
    """The default order where the file cannot be used."""

    trouble: DropKeyError | None = None
    """Why the file cannot be used."""

    plate: Path | None = None
    """What a job file asks for."""


class OrderBook:
    """The orders of one drop folder."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._own = self._settings = settings
        self._paths = paths
        self._kept: dict[tuple[Path, tuple[Key, str] | None], tuple[Sample | None, Entry]] = {}

    def read_defaults(self, root: Path) -> None:
        """Read what a folder says of shots which say nothing of their own; raises BadInput where it cannot be used."""
        settings = with_folder_defaults(root, self._paths, self._own)
        if settings.key_defaults != self._settings.key_defaults:
            self._kept.clear()
        self._settings = settings

    def knows_defaults(self, root: Path) -> bool:
        """Read them, and tell whether that was possible; where not, the next scan says why."""
        try:
            self.read_defaults(root)
        except DropKeyError:
            return False
        return True

    def order(self, sighting: Sighting) -> Entry:
        """Return what is wanted for a shot."""
        plain = dropped(sighting.shot, self._paths, self._settings)
        if sighting.source is None:
            return Entry(plain)
        sample = sighting.files.get(sighting.source.name)
        if sighting.source.name.casefold().endswith(JOB_FILE):
            return self._job_file(sighting.source, sample, plain)
        place = sighting.source, (sighting.key, sighting.shot.pattern)
        if place not in self._kept or self._kept[place][0] != sample:
            self._kept[place] = sample, self._sidecar(sighting.source, sighting.shot, plain)
        return self._kept[place][1]

    def ordered(self, file: Path, look: Look) -> Sighting | None:
        """Return the shot that a job file orders; where it orders none, the file itself stands for it."""
        stand_in = Shot(
            name=safe_name(file.name[: -len(JOB_FILE)]), kind="still", folder=file.parent, prefix=file.name, frames=(1,)
        )
        entry = self._job_file(file, look.sample(file), dropped(stand_in, self._paths, self._settings))
        if entry.plate is None:
            return look.see(stand_in, file)
        try:
            return look.see(shot_from_plate(entry.plate, first_frame=entry.order.request.first_frame), file)
        except DropKeyError:
            return look.see(stand_in, file)

    def forget_except(self, files: Iterable[Path]) -> None:
        """Drop what was read from files that are gone."""
        present = set(files)
        self._kept = {place: kept for place, kept in self._kept.items() if place[0] in present}

    def mattes(self) -> set[Key]:
        """Return the shots that are hints and mattes of others; a folder stands for all in it as `(folder, …)`."""
        keys: set[Key] = set()
        for _, entry in self._kept.values():
            for picture in matte_pictures(entry.order.mattes).values():
                try:
                    keys.add(key_of(shot_from_plate(picture)))
                except DropKeyError:
                    keys.add(("folder", picture, "", ""))
        return keys

    def _sidecar(self, file: Path, shot: Shot, plain: Order) -> Entry:
        try:
            return _checked(Entry(read_sidecar(file, shot, self._paths, self._settings)))
        except DropKeyError as error:
            return Entry(plain, error)

    def _job_file(self, file: Path, sample: Sample | None, plain: Order) -> Entry:
        place = file, None
        if place not in self._kept or self._kept[place][0] != sample:
            try:
                order, plate = read_job_file(file, self._paths, self._settings)
                entry = _checked(Entry(order, plate=plate))
            except DropKeyError as error:
                entry = Entry(plain, error)
            self._kept[place] = sample, entry
        return self._kept[place][1]


def _checked(entry: Entry) -> Entry:
    if entry.order.request.frames is not None:
        parse_frames(entry.order.request.frames)
    return entry


def plate_missing(file: Path, plate: Path) -> PlateMissing:
    """Return the error of a job file whose plate does not come."""
    return PlateMissing(f"{file.name} orders {plate}, which is not there.", fix="Check the path in it.")


def frames_missing(file: Path, frames: str, shot: Shot) -> PlateMissing:
    """Return the error of a range of which nothing comes."""
    return PlateMissing(
        f"{file.name} asks for frames {frames}, and none of them is there.",
        fix=f"Check the range: {shot.pattern} has frames {format_frames(shot.frames)}.",
    )


def awaited(
    sighting: Sighting,
    request: JobRequest,
    empty: Sequence[str],
    unfinished: Sequence[str],
    *,
    declared: bool,
    grace: float,
) -> Problem | None:
    """Say which frames and files a shot waits for, and until when (``grace`` in seconds); None when it waits for none.

    ``empty`` are its files without content, ``unfinished`` those that are still being copied; ``declared``: a `.ready`
    file is there, so that no frame is waited for.
    """
    shot, source = sighting.shot, sighting.source
    waits, fixes = [], []
    absent = set() if declared or source is None else _absent(shot, request)
    if absent and source is not None:
        only = f", of which only {shot.prefix} is there" if shot.kind == "still" else ""
        waits.append(f"for frames {format_frames(absent)} that {source.name} asks for{only}")
        fixes.append(f"Render them, or correct the range in {source.name}.")
    if empty:
        waits.append(f"for content in {', '.join(empty[:_NAMED])}{' …' if len(empty) > _NAMED else ''}")
        fixes.append("Copy or render anew what is empty.")
    if unfinished:
        waits.append(f"for the rest of {', '.join(unfinished[:_NAMED])}{' …' if len(unfinished) > _NAMED else ''}")
        fixes.append("Copy anew what is unfinished, or delete it.")
    if not waits:
        return None
    some = shot.kind != "sequence" or bool(narrowed(shot, request).frames)
    fixes.append(f"After {grace / 60:.3g} min without a new file {'what is there is taken' if some else 'it fails'}")
    return Problem(
        kind=PlateMissing.kind,
        message=f"Nothing comes any more; it waits {' and '.join(waits)}.",
        fix=" ".join(fixes) + (", with a .ready file at once." if absent else "."),
        frame=min(absent, default=None),
    )


def _absent(shot: Shot, request: JobRequest) -> set[int]:
    """Return the frames of a range that are not there."""
    wanted = set(parse_frames(request.frames)) if request.frames and shot.kind != "movie" else set()
    if shot.kind == "still":
        return wanted if len(wanted) > 1 else set()  # the first frame of a sequence: the others are still to come
    return wanted - set(shot.frames)


def promised_files(shot: Shot, request: JobRequest) -> set[str] | None:
    """Return the files that a request with a range promises, None when it promises nothing."""
    if request.frames is None or shot.kind == "movie":
        return None
    frames = parse_frames(request.frames)
    if shot.kind == "still" and len(frames) > 1:
        return {f"more than {shot.prefix}"}  # the first frame of a sequence: the others are still to come
    return {shot.frame_path(frame).name for frame in frames}


def narrowed(shot: Shot, request: JobRequest) -> Shot:
    """Return ``shot`` with the frames that are wanted of it."""
    if shot.kind != "sequence":
        return shot.starting_at(request.first_frame)
    if request.frames is None:
        return shot
    wanted = set(parse_frames(request.frames))
    return shot.model_copy(update={"frames": tuple(frame for frame in shot.frames if frame in wanted)})
