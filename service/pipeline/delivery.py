"""Where a shot's results go, what their headers say, and whether the disk can take them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import xxhash

from model.settings import FrameNotes, FrameQuality, KeySettings, Layer, MatteSources, Screen
from service.atomic import replace_file, sweep_temporaries, write_error
from service.confined import check_written
from service.errors import OutputFull
from service.exr import ExrHeader
from service.manifest import KeyerInfo, Pass
from service.parts import gather, parts_folder
from service.plates.working_space import working_space
from service.shots import Shot

PASSES = ("foreground", "alpha")
_SINGLE: frozenset[Layer] = frozenset(("alpha", "doubt"))
_GIB = 1024**3
_NTSC = tuple(Fraction(base * 1000, 1001) for base in (24, 30, 48, 60, 120))


@dataclass(frozen=True)
class Delivery:
    """The version folder of one shot."""

    shot: Shot
    folder: Path
    within: tuple[Path, ...] = ()
    """Real folders that no link on the way may lead out of; none: links are fine."""

    @property
    def manifest(self) -> Path:
        """The manifest."""
        return self.folder / "manifest.json"

    def file(self, name: str, frame: int) -> Path:
        """Return the file of one frame of the pass called ``name``."""
        return self.folder / name / f"{self.shot.name}_{name}.{self.shot.frame_number(frame)}.exr"

    def relative(self, path: Path) -> str:
        """Write ``path`` as the manifest does: relative to it, POSIX style; absolute where it is on another drive."""
        try:
            return Path(os.path.relpath(path, self.folder)).as_posix()
        except ValueError:
            return path.as_posix()

    def relative_mattes(self, mattes: MatteSources) -> MatteSources:
        """Return ``mattes`` with its paths as the manifest writes them."""
        return mattes.model_copy(
            update={name: self.relative(Path(source)) for name, source in mattes if isinstance(source, str)}
        )

    def passes(self, settings: KeySettings) -> tuple[Pass, ...]:
        """Describe the passes for the manifest."""
        number = "#" * self.shot.padding
        return tuple(
            Pass(
                name=name,
                folder=name,
                pattern=f"{self.shot.name}_{name}.{number}.exr",
                channels=("R", "G", "B", "A", *(layer_channels(settings) if name == "foreground" else ())),
                compression=settings.compression,
            )
            for name in ("foreground", "alpha")
        )

    def prepare(self, minimum_free_gib: float) -> None:
        """Make the folders of the passes, prove that they can be written, and tidy up after dead writers.

        The version folder is made by who claims it: made here, it would lie behind the mount point of a disk that went
        away since. Raises OutputAway, OutputReadOnly, OutputFull, PathRefused or Transient.
        """
        passes = [self.folder / name for name in PASSES]
        for folder in passes:
            check_written(folder, self.within)
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise write_error(error, folder) from error
        for folder in (self.folder, *passes):
            sweep_temporaries(folder)
            probe = folder / f".probe.{os.getpid()}.tmp"
            replace_file(probe, b"DropKey", within=self.within)
            probe.unlink(missing_ok=True)
        self.check_room(minimum_free_gib)

    def make_part(self) -> None:
        """Make the folder of a part, in one that who looked at the shot made. Raises as `prepare` does."""
        check_written(self.folder, self.within)
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(error, self.folder) from error

    def gather_parts(self) -> None:
        """Move what lies finished in parts to its place, and make room for more of them. Raises as `prepare` does."""
        parts = parts_folder(self.folder)
        check_written(parts, self.within)
        try:
            parts.mkdir(exist_ok=True)
            gather(self.folder)
        except OSError as error:
            raise write_error(error, parts) from error

    def check_room(self, minimum_free_gib: float) -> None:
        """Raise OutputFull when less than that is free on the output disk."""
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise write_error(error, self.folder) from error
        if free < minimum_free_gib * _GIB:
            raise OutputFull(
                f"Only {free / _GIB:.2f} GiB are free on the disk of {self.folder}, less than {minimum_free_gib:g}.",
                fix="Make room on it, then retry; finished frames are kept.",
            )


def layer_channels(settings: KeySettings) -> tuple[str, ...]:
    """Return the channels that the layers of a foreground have beside R, G, B and A."""
    return tuple(channel for layer in settings.delivery.layers for channel in channels_of(layer))


def channels_of(layer: Layer) -> tuple[str, ...]:
    """Return the channels of a layer, by the names that Nuke and After Effects' EXtractoR list."""
    return (layer,) if layer in _SINGLE else tuple(f"{layer}.{channel}" for channel in "RGB")


def recipe(settings: KeySettings, screen: Screen, keyer: KeyerInfo) -> str:
    """Identify everything but plate and mattes that decides the bits of a result: 32 hexadecimal digits."""
    parts = (settings.model_dump_json(), screen.model_dump_json(), keyer.name, str(keyer.weights), keyer.dropkey)
    return xxhash.xxh3_128_hexdigest("\n".join(parts).encode())


_MEASURED_ANEW = set(FrameQuality.model_fields) - {"doubtful"}


@dataclass(frozen=True)
class Origin:
    """What one frame was made from, and what its key came upon."""

    frame: int
    plate: str | None
    """Fingerprint of its plate."""

    mattes: str | None
    """Fingerprint of its matte files; None where there are none."""

    around: str | None
    """Fingerprint of the plates around it that were heard; None where none were."""

    notes: FrameNotes

    def attributes(self, mark: str) -> dict[str, str | int]:
        """Return it as the EXRs' headers say it; ``mark`` is the recipe.

        Of the figures of quality only what is doubtful: the others are measured anew from the files, and depend on the
        frame before.
        """
        notes = self.notes.model_dump_json(exclude={"quality": _MEASURED_ANEW})
        told = {"recipe": mark, "plate": self.plate, "mattes": self.mattes, "around": self.around, "notes": notes}
        return {"frame": self.frame} | {name: value for name, value in told.items() if value is not None}


def exr_header(
    settings: KeySettings,
    shot: Shot,
    mark: str,
    origin: Origin,
    *,
    keyer: KeyerInfo,
    fps: Fraction | None,
    aspect: float,
) -> ExrHeader:
    """Return the header of one frame's files; ``mark`` is its recipe."""
    space = working_space(settings.delivery.color_space)
    return ExrHeader(
        compression=settings.compression,
        half=settings.delivery.depth == "half",
        chromaticities=space.chromaticities,
        color_interop_id=space.interop_id,
        association=settings.association,
        fps=fps,
        pixel_aspect_ratio=aspect,
        provenance={
            "version": keyer.dropkey,
            "keyer": keyer.name,
            "shot": shot.name,
            "color_space": space.name,
            **origin.attributes(mark),
        },
    )


def exact_rate(fps: Fraction | None) -> Fraction | None:
    """Return the NTSC rate that a rounded decimal such as 23.976 or 29.97 stands for; any other rate as it is.

    The rates are those of SMPTE ST 2051 and its kin: n · 1000 / 1001 with n of 24, 30, 48, 60 or 120.
    """
    if fps is None or fps.denominator == 1:
        return fps
    return next((rate for rate in _NTSC if abs(rate - fps) < Fraction(1, 200)), fps)


def dropkey_version() -> str:
    """Return the installed version."""
    return version("dropkey")
