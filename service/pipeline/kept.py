"""Finds the frames that need no work: finished by an earlier attempt, or unchanged since an earlier version."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from model.settings import Screen
from service.atomic import write_error
from service.errors import BadInput, DropKeyError, NotFound, PlateMissing, WrongState
from service.exr import checksum, read_exr, verify
from service.jobs import FrameResult, FrameState
from service.manifest import KeyerInfo, Manifest, read_manifest
from service.messages import ShotOrder
from service.pipeline.delivery import PASSES, Delivery
from service.pipeline.mattes import fingerprint_of
from service.shots import file_fingerprint


def earlier_attempt(order: ShotOrder, delivery: Delivery, keyer: KeyerInfo) -> Manifest | None:
    """Return the manifest that an earlier attempt left in the version folder.

    Raises WrongState when the folder holds another result, which must not be overwritten.
    """
    try:
        manifest = read_manifest(delivery.manifest)
    except NotFound:
        return None
    except BadInput as error:
        raise WrongState(error.message, fix="Move the version folder away, or key into a new version.") from error
    if not _same_recipe(manifest, order, delivery, keyer):
        raise WrongState(
            f"{delivery.folder} holds a result of other settings, mattes or software.", fix="Key into a new version."
        )
    return manifest


def earlier_version(order: ShotOrder, keyer: KeyerInfo) -> Manifest | None:
    """Return the manifest of the version whose unchanged frames may be taken over; None where none fits."""
    if order.reuse is None or order.reuse == order.output:
        return None
    try:
        manifest = read_manifest(order.reuse / "manifest.json")
    except DropKeyError:
        return None  # it only saves work
    earlier = Delivery(order.shot, order.reuse)
    return manifest if _same_recipe(manifest, order, earlier, keyer) else None


def _same_recipe(manifest: Manifest, order: ShotOrder, delivery: Delivery, keyer: KeyerInfo) -> bool:
    theirs, ours = manifest.keyer, keyer
    return (
        manifest.shot == order.shot.name
        and manifest.settings == order.settings
        and manifest.mattes == delivery.relative_mattes(order.mattes)
        and (theirs.name, theirs.weights, theirs.dropkey) == (ours.name, ours.weights, ours.dropkey)
    )


class Kept:
    """Takes finished frames over into a version folder; every file is checked before it counts."""

    def __init__(self, order: ShotOrder, delivery: Delivery, screen: Screen, mark: str) -> None:
        self._order = order
        self._delivery = delivery
        self._screen = screen
        self._mark = mark
        self._fingerprints: dict[Path, str | None] = {}

    def of_attempt(
        self, manifest: Manifest | None, frames: Iterable[int], stopped: Callable[[], bool]
    ) -> dict[int, FrameResult]:
        """Return the frames that lie finished in the version folder, known to its manifest or not yet."""
        known = {} if manifest is None else _done(manifest)
        same_screen = manifest is None or manifest.screen in (None, self._screen)
        kept: dict[int, FrameResult] = {}
        for frame in frames if same_screen else ():
            if stopped():
                break
            # What the manifest knows otherwise has changed since; adopted, it would pass for the new plate's.
            result = self._recorded(known[frame]) if frame in known else self._unrecorded(frame)
            if result is not None:
                kept[frame] = result
        return kept

    def of_version(
        self, manifest: Manifest, frames: Iterable[int], stopped: Callable[[], bool]
    ) -> dict[int, FrameResult]:
        """Take over the frames whose plate and mattes are those of the earlier version."""
        known = _done(manifest) if manifest.screen == self._screen else {}
        taken: dict[int, FrameResult] = {}
        for frame in frames:
            if stopped():
                break
            result = known.get(frame)
            if result is not None and self._is_unchanged(result) and self._take_over(result):
                taken[frame] = result
        return taken

    def _recorded(self, result: FrameResult) -> FrameResult | None:
        if not self._is_unchanged(result):
            return None
        try:
            found = {name: checksum(self._delivery.file(name, result.frame)) for name in PASSES}
        except PlateMissing:
            return None
        return result if found == result.checksums else None

    def _unrecorded(self, frame: int) -> FrameResult | None:
        """Adopt a frame that was written just before its worker died, so that no manifest knows it."""
        try:
            plate = self._order.shot.frame_path(frame).stat()
            for name in PASSES:
                path = self._delivery.file(name, frame)
                if path.stat().st_mtime_ns < plate.st_mtime_ns:
                    return None  # the plate is newer
                _, header = read_exr(path)
                if (header.get("dropkey/recipe"), header.get("dropkey/frame")) != (self._mark, frame):
                    return None
            checksums = {name: verify(self._delivery.file(name, frame)) for name in PASSES}
        except (OSError, BadInput):
            return None
        return FrameResult(
            frame=frame,
            state=FrameState.DONE,
            checksums=checksums,
            plate_fingerprint=self._fingerprint(frame),
            matte_fingerprint=fingerprint_of(self._order.mattes, frame),
        )

    def _is_unchanged(self, result: FrameResult) -> bool:
        return (
            result.plate_fingerprint is not None
            and result.plate_fingerprint == self._fingerprint(result.frame)
            and result.matte_fingerprint == fingerprint_of(self._order.mattes, result.frame)
        )

    def _fingerprint(self, frame: int) -> str | None:
        path = self._order.shot.frame_path(frame)
        if path not in self._fingerprints:
            try:
                self._fingerprints[path] = file_fingerprint(path)
            except PlateMissing:
                self._fingerprints[path] = None
        return self._fingerprints[path]

    def _take_over(self, result: FrameResult) -> bool:
        assert self._order.reuse is not None
        earlier = Delivery(self._order.shot, self._order.reuse)
        for name in PASSES:
            source, target = earlier.file(name, result.frame), self._delivery.file(name, result.frame)
            try:
                if checksum(source) != result.checksums.get(name):
                    return False
            except PlateMissing:
                return False
            _link(source, target)
        return True


def _done(manifest: Manifest) -> dict[int, FrameResult]:
    return {result.frame: result for result in manifest.frames if result.state is FrameState.DONE}


def _link(source: Path, target: Path) -> None:
    """Give ``source`` a second name, or copy it where the disk knows no hard links; in one step."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            with source.open("rb") as original, temporary.open("xb") as copy:
                shutil.copyfileobj(original, copy)
        os.replace(temporary, target)
    except OSError as error:
        raise write_error(error, target) from error
    finally:
        # Renaming one name of a file onto another name of the same file does nothing, and leaves both.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
