"""Finds the frames that need no work: finished by an earlier attempt, or unchanged since an earlier version."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.keyer import KeyedFrame
from model.settings import FrameNotes, KeySettings, Screen
from service.atomic import flush_folder, write_error
from service.errors import BadInput, DropKeyError, NotFound, PlateMissing, WrongState
from service.exr import checksum, read_exr
from service.jobs import FrameResult, FrameState
from service.manifest import KeyerInfo, Manifest, read_manifest
from service.messages import ShotOrder
from service.pipeline.delivery import PASSES, Delivery, Origin
from service.pipeline.neighbours import Neighbours
from service.pipeline.quality import Quality
from service.pipeline.sources import Sources
from service.plates.working_space import working_space


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

    def __init__(
        self,
        order: ShotOrder,
        delivery: Delivery,
        sources: Sources,
        screen: Screen,
        mark: str,
        quality: Quality,
        neighbours: Neighbours,
    ) -> None:
        self._order = order
        self._delivery = delivery
        self._sources = sources
        self._screen = screen
        self._mark = mark
        self._quality = quality
        self._neighbours = neighbours

    def of_parts(self, results: Iterable[FrameResult]) -> dict[int, FrameResult]:
        """Return what parts told of their frames, as far as the files have come to their places since."""
        return {
            result.frame: result
            for result in results
            if result.state is FrameState.FAILED
            or all(self._delivery.file(name, result.frame).is_file() for name in PASSES)
        }

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
        """Adopt a frame that was written just before its worker died, so that no manifest knows it.

        Its files say themselves what they were made from: the plate may have changed while the frame was keyed.
        """
        plate, mattes = self._sources.plate(frame), self._sources.mattes(frame)
        around = self._neighbours.mark(frame, self._sources)
        if plate is None:
            return None
        try:
            checksums = {name: checksum(self._delivery.file(name, frame)) for name in PASSES}
            passes = {name: read_exr(self._delivery.file(name, frame)) for name in PASSES}
            headers = [header for _, header in passes.values()]
            notes = FrameNotes.model_validate_json(str(headers[0].get("dropkey/notes")))
        except (BadInput, ValueError):
            return None
        ours = Origin(frame, plate, mattes, around, notes).attributes(self._mark)
        names = {f"dropkey/{name}" for name in ("frame", "recipe", "plate", "mattes", "around", "notes")}
        for header in headers:
            if {name: header[name] for name in names & header.keys()} != {f"dropkey/{n}": v for n, v in ours.items()}:
                return None
        planes, _ = passes["foreground"]
        try:
            keyed = _as_keyed(planes, self._order.settings)
        except KeyError:
            return None
        # Doubt is known while a frame is keyed only.
        doubtful = None if notes.quality is None else notes.quality.doubtful
        figures = self._quality.of(frame, keyed).model_copy(update={"doubtful": doubtful})
        return FrameResult(
            frame=frame,
            state=FrameState.DONE,
            checksums=checksums,
            plate_fingerprint=plate,
            matte_fingerprint=mattes,
            around_fingerprint=around,
            notes=notes.model_copy(update={"quality": figures}),
        )

    def _is_unchanged(self, result: FrameResult) -> bool:
        return (
            result.plate_fingerprint is not None
            and result.plate_fingerprint == self._sources.plate(result.frame)
            and result.matte_fingerprint == self._sources.mattes(result.frame)
            and result.around_fingerprint == self._neighbours.mark(result.frame, self._sources)
        )

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


def _as_keyed(planes: Mapping[str, NDArray[np.float32]], settings: KeySettings) -> KeyedFrame:
    """Return what a foreground's planes were made of, as far as they still tell."""
    alpha = torch.from_numpy(planes["A"])[None]
    delivered = np.stack([planes[name] for name in "RGB"], axis=-1)
    linear = working_space(settings.delivery.color_space).to_linear(delivered)
    color = torch.from_numpy(linear).movedim(-1, 0).contiguous()
    if settings.association == "premultiplied":
        color = torch.where(alpha > 0.0, color / alpha, torch.zeros_like(color))
    return KeyedFrame(alpha, color, FrameNotes())


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
                copy.flush()
                os.fsync(copy.fileno())
        os.replace(temporary, target)
        flush_folder(target.parent)
    except OSError as error:
        raise write_error(error, target) from error
    finally:
        # Renaming one name of a file onto another name of the same file does nothing, and leaves both.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
