"""Reads, keys and writes one frame. A fault of the frame becomes its result; a fault of the shot is raised."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.device import free_memory, is_out_of_memory
from model.errors import KeyingError
from model.keyer import KeyedFrame, Keyer, Mattes
from model.settings import FrameNotes, Screen
from service.errors import (
    BadInput,
    DropKeyError,
    OutOfMemory,
    PlateAway,
    PlateChanged,
    PlateMismatch,
    PlateMissing,
    PlateUnreadable,
)
from service.exr import ExrHeader, write_alpha, write_foreground
from service.jobs import FrameResult, FrameState
from service.messages import ShotOrder
from service.pipeline.carried import Steps
from service.pipeline.delivery import Delivery, Origin, channels_of
from service.pipeline.mattes import MatteReader
from service.pipeline.neighbours import Glimpses, Neighbours, key_around
from service.pipeline.quality import Quality
from service.pipeline.record import problem_of
from service.pipeline.sources import Sources
from service.plates import Plate
from service.plates.working_space import WorkingSpace, working_space

log = logging.getLogger("dropkey.pipeline")


@dataclass(frozen=True)
class Times:
    """Seconds that one frame spent in each stage."""

    read: float = 0.0
    key: float = 0.0
    write: float = 0.0


@dataclass(frozen=True)
class FrameOutcome:
    """What became of one frame, and the error as raised where it failed."""

    result: FrameResult
    times: Times
    error: DropKeyError | None = None


@dataclass(frozen=True)
class ReadFrame:
    """A decoded frame, or the reason why it is none; tensors as `model` wants them."""

    frame: int
    plate_fingerprint: str | None = None
    matte_fingerprint: str | None = None
    around_fingerprint: str | None = None
    plate: torch.Tensor | None = None
    mattes: Mattes | None = None
    remarks: tuple[str, ...] = ()  # of the reader, for the artist
    seconds: float = 0.0
    looking_seconds: float = 0.0  # of the look that its neighbours need, too
    error: DropKeyError | None = None


@dataclass(frozen=True)
class ReadyFrame:
    """A keyed frame on its way to the disk; with an error in it, it only passes through."""

    source: ReadFrame
    color: NDArray[np.float32] | None = None  # (H, W, 3), multiplied by alpha where the order says so
    alpha: NDArray[np.float32] | None = None  # (H, W)
    layers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # (H, W) by channel
    notes: FrameNotes | None = None
    seconds: float = 0.0
    error: DropKeyError | None = None


class Stages:
    """The three stages of one shot; each is called from one thread, `write` from several."""

    def __init__(
        self,
        order: ShotOrder,
        plate: Plate,
        keyer: Keyer,
        screen: Screen,
        sources: Sources,
        quality: Quality,
        delivery: Delivery,
        neighbours: Neighbours,
        header: Callable[[Origin], ExrHeader],
        retry_seconds: float,
    ) -> None:
        self._order = order
        self._plate = plate
        self._keyer = keyer
        self._screen = screen
        self._sources = sources
        self._delivery = delivery
        self._header = header
        self._retry_seconds = retry_seconds
        self._mattes = MatteReader(order, plate.format, Steps(self._light))
        self._quality = quality
        self.neighbours = neighbours
        self._glimpses = Glimpses(keyer, screen, neighbours)
        self._present = frozenset(plate.format.frames)
        self._space = working_space(order.settings.delivery.color_space)
        self._disk = _device(order.shot.folder)

    def read(self, frame: int, *, beside: bool = False) -> ReadFrame:
        """Decode a frame and its mattes, twice if the first time fails; a share may have hiccuped.

        Of one that stands ``beside`` those to be keyed, the plate alone.
        """
        started = time.perf_counter()
        try:
            try:
                return self._read(frame, started, beside=beside)
            except (PlateMissing, PlateUnreadable, OSError):
                if frame not in self._present:
                    raise
            except (OutOfMemory, MemoryError):
                free_memory()
            time.sleep(self._retry_seconds)
            return self._read(frame, started, beside=beside)
        except BadInput as error:
            error = self._changed(frame) or error
            if isinstance(error, PlateMissing) and self._is_disk_away():
                # Nobody deleted a shot here: its disk is gone, and no frame can be read until it is back.
                raise PlateAway(
                    f"The disk of the plate's folder {self._order.shot.folder} is away.",
                    fix="See whether the disk is there.",
                    frame=frame,
                ) from error
            return ReadFrame(frame, seconds=time.perf_counter() - started, error=error)
        except (DropKeyError, MemoryError) as error:
            raise (_out_of_memory(error, frame) if isinstance(error, MemoryError) else error) from error
        except Exception as error:
            log.exception("reading frame %d", frame)
            unreadable = PlateUnreadable(f"It cannot be read: {error}.", fix="Render the frame again.")
            return ReadFrame(frame, seconds=time.perf_counter() - started, error=unreadable)

    def _read(self, frame: int, started: float, *, beside: bool) -> ReadFrame:
        self._sources.look([frame])  # what was not there when the attempt began may have come
        picture = self._plate.read(frame)
        height, width = picture.color.shape[:2]
        if (width, height) != (self._plate.format.width, self._plate.format.height):
            raise PlateMismatch(
                f"It is {width}×{height}; the shot is {self._plate.format.width}×{self._plate.format.height}.",
                fix="Render the frame again in the size of the others.",
            )
        mattes = Mattes() if beside else self._mattes.read(frame, picture)
        self._sources.check(frame)
        return ReadFrame(
            frame,
            plate_fingerprint=self._sources.plate(frame),
            matte_fingerprint=self._sources.mattes(frame),
            plate=torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture.color, -1, 0))),
            mattes=mattes,
            remarks=picture.notes,
            seconds=time.perf_counter() - started,
        )

    def _light(self, frame: int) -> NDArray[np.float32]:
        """Return the light of a plate that strokes are followed over."""
        color = self._plate.read(frame).color
        self._sources.check(frame)
        return color

    def _is_disk_away(self) -> bool:
        """Tell whether the disk of the plate left: with the folder above the shot's, or leaving its mount point."""
        folder = self._order.shot.folder
        return not folder.parent.is_dir() or _device(folder) != self._disk

    def _changed(self, frame: int) -> PlateChanged | None:
        """Return why a frame could not be read, where that is because somebody writes it anew."""
        try:
            self._sources.check(frame)
        except PlateChanged as error:
            return error
        except PlateMissing:
            pass  # it went away, which the reader says
        return None

    def look(self, source: ReadFrame) -> ReadFrame:
        """Look at a frame that was read, for its own and its neighbours' sake; returns it. Raises OutOfMemory."""
        started = time.perf_counter()
        try:
            try:
                self._glimpses.look(source.frame, source.plate)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                free_memory()
                self._glimpses.look(source.frame, source.plate)
        except torch.AcceleratorError:
            raise  # the device is lost
        except Exception as error:
            if is_out_of_memory(error):
                raise _out_of_memory(error, source.frame) from error
            log.exception("looking at frame %d", source.frame)
            self._glimpses.look(source.frame, None)
        return replace(source, looking_seconds=time.perf_counter() - started)

    def missing(self, frame: int) -> tuple[int, ...]:
        """Return the frames around one that must still be looked at before it can be keyed."""
        return self._glimpses.missing(frame)

    def key(self, source: ReadFrame) -> ReadyFrame:
        """Key a frame that was looked at; when memory runs out, once more with the caches emptied.

        Raises OutOfMemory.
        """
        if source.plate is None or source.mattes is None:
            return ReadyFrame(source, error=source.error)
        started = time.perf_counter() - source.looking_seconds
        try:
            try:
                return self._key(source, started)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside of the handler: the traceback would keep the tensors alive.
            free_memory()
            return self._key(source, started)
        except KeyingError as error:
            refused = BadInput(error.message, fix=error.fix)
            return ReadyFrame(source, seconds=time.perf_counter() - started, error=refused)
        except torch.AcceleratorError:
            raise  # the device is lost, and with it every frame to come
        except Exception as error:
            if is_out_of_memory(error):
                free_memory()
                raise _out_of_memory(error, source.frame) from error
            log.exception("keying frame %d", source.frame)
            failure = DropKeyError(f"The keyer failed: {error}.", fix="Please report it, with the worker's log.")
            return ReadyFrame(source, seconds=time.perf_counter() - started, error=failure)

    @torch.inference_mode()
    def _key(self, source: ReadFrame, started: float) -> ReadyFrame:
        assert source.plate is not None and source.mattes is not None
        keyed = key_around(
            self._keyer.key,
            source.plate,
            self._screen,
            source.mattes,
            self._order.settings.at(source.frame),
            self._glimpses.around(source.frame),
        )
        source = replace(
            source,
            around_fingerprint=self.neighbours.mark(source.frame, self._sources, self._glimpses.unread),
            plate=None,
        )
        planes = deliverable(keyed, premultiplied=self._order.settings.association == "premultiplied")
        return ReadyFrame(
            source,
            color=self._space.from_linear(np.moveaxis(planes[:3], 0, -1)),
            alpha=planes[3],
            layers=layer_planes(keyed, self._space),
            notes=keyed.notes.model_copy(
                update={
                    "quality": self._quality.of(source.frame, keyed),
                    "warnings": (*source.remarks, *keyed.notes.warnings),
                }
            ),
            seconds=time.perf_counter() - started,
        )

    def write(self, ready: ReadyFrame) -> FrameOutcome:
        """Write both passes of a frame. Raises OutputFull, OutputReadOnly or Transient."""
        started = time.perf_counter()
        source = ready.source
        if ready.color is None or ready.alpha is None:
            error = (ready.error or PlateUnreadable("The frame came without a picture.")).located(frame=source.frame)
            result = FrameResult(
                frame=source.frame,
                state=FrameState.FAILED,
                plate_fingerprint=source.plate_fingerprint,
                problem=problem_of(error),
            )
            return FrameOutcome(result, Times(source.seconds, ready.seconds), error)
        notes = ready.notes or FrameNotes()
        within = self._delivery.within
        header = self._header(
            Origin(source.frame, source.plate_fingerprint, source.matte_fingerprint, source.around_fingerprint, notes)
        )
        checksums = {
            "foreground": write_foreground(
                self._delivery.file("foreground", source.frame),
                ready.color,
                ready.alpha,
                header,
                layers=ready.layers,
                within=within,
            ),
            "alpha": write_alpha(self._delivery.file("alpha", source.frame), ready.alpha, header, within=within),
        }
        result = FrameResult(
            frame=source.frame,
            state=FrameState.DONE,
            checksums=checksums,
            plate_fingerprint=source.plate_fingerprint,
            matte_fingerprint=source.matte_fingerprint,
            around_fingerprint=source.around_fingerprint,
            notes=ready.notes,
        )
        return FrameOutcome(result, Times(source.seconds, ready.seconds, time.perf_counter() - started))


def _device(folder: Path) -> int:
    """Return which disk ``folder`` lies on, or would lie on."""
    while True:
        try:
            return folder.stat().st_dev
        except OSError:
            if folder == folder.parent:
                return 0
            folder = folder.parent


def deliverable(keyed: KeyedFrame, *, premultiplied: bool) -> NDArray[np.float32]:
    """Return R, G, B, A as (4, H, W), as they are written; one copy from the device.

    Premultiplied: RGB · alpha, and exactly 0 where alpha is 0, whatever the foreground holds there.
    """
    color = keyed.foreground
    if premultiplied:
        color = torch.where(keyed.alpha > 0.0, color * keyed.alpha, torch.zeros_like(color))
    planes: NDArray[np.float32] = torch.cat((color, keyed.alpha)).cpu().numpy()
    return planes


def layer_planes(keyed: KeyedFrame, space: WorkingSpace) -> dict[str, NDArray[np.float32]]:
    """Return the layers of a frame as they are written, (H, W) by channel; their colors in the working space."""
    planes: dict[str, NDArray[np.float32]] = {}
    for name, layer in keyed.layers.items():
        pixels: NDArray[np.float32] = layer.movedim(0, -1).contiguous().cpu().numpy()
        if pixels.shape[-1] == 3:
            pixels = space.from_linear(pixels)
        for index, channel in enumerate(channels_of(name)):
            planes[channel] = pixels[..., index]
    return planes


def _out_of_memory(error: BaseException, frame: int) -> OutOfMemory:
    reason = (str(error).splitlines() or ["no memory"])[0].rstrip(".")
    return OutOfMemory(
        f"Memory ran out: {reason}.",
        fix="Close other programs that use the card, or key on a machine with more memory.",
        frame=frame,
    )
