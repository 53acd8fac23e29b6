"""The fixed sets that every keyer is scored on: pictures with their truth, or with regions that are sure.

Reading files is the caller's: a ``ReadPicture`` comes in as a callable, so that this room knows no file format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.errors import KeyingError
from model.evaluation.hulls import Hull, hull_of, read_hulls
from model.evaluation.split import Wanted, everything

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rectangle = tuple[int, int, int, int]
Item = TypeVar("Item")

REGION_TRUTH = {"screen": 0.0, "background_not_screen": 0.0, "subject": 1.0, "subject_near_key": 1.0}
"""What alpha must be in each class of sure regions."""


MOVIES = (".mp4", ".mov", ".mkv", ".avi")


class ReadPicture(Protocol):
    """Reads one picture or movie frame as float32 (H, W, 3); a movie's first frame is 0.

    ``encoding`` is ``auto`` (what the file says: display-encoded pictures become scene-linear) or ``linear`` (the
    stored values as they are, 0–1). A grey picture comes back as three equal channels.
    """

    def __call__(self, path: Path, *, encoding: str, frame: int) -> Picture:
        """Return the picture."""
        ...


@dataclass(frozen=True)
class Example:
    """One plate with its truth; the members of one shot share ``shot`` and follow each other."""

    name: str
    plate: Picture  # (H, W, 3)
    alpha: Picture  # (H, W)
    foreground: Picture  # (H, W, 3), straight, without spill
    shot: str = ""  # frames of one moving shot share it; empty: a still
    markers: Mask | None = None  # (H, W), where tracking markers are
    clipped: Mask | None = None  # (H, W), where the camera lost light that the truth still has
    glow: Picture | None = None  # (H, W, 3), light that no coverage carries (fire, glow), on top of alpha · foreground
    departure: Picture | None = None  # (H, W, 3), plate − its noiseless composite: grain and losses; None: not known

    @property
    def screen_color(self) -> tuple[float, float, float]:
        """Median color of the plate in the true screen (of the whole plate where there is none)."""
        bare = self.plate[self.alpha <= 0.001]
        red, green, blue = np.median(bare if len(bare) else self.plate.reshape(-1, 3), axis=0)
        return float(red), float(green), float(blue)


@dataclass(frozen=True)
class RegionExample:
    """One real plate without truth, and the places in which alpha is known."""

    name: str
    plate: Picture
    regions: dict[str, tuple[Rectangle, ...]] = field(default_factory=dict)
    following: Picture | None = None  # the movie's next frame; the rectangles are thought sure there too
    hull: Hull | None = None  # outside of which all must go, and inside of which all must stay
    before: tuple[Picture, ...] = ()  # what the movie shows before these two frames, the nearest first
    after: tuple[Picture, ...] = ()  # and after them


@dataclass(frozen=True)
class PlateSet:
    """A named set; ``missing`` says why it is empty, where it is."""

    name: str
    about: str
    examples: tuple[Example, ...] = ()
    region_examples: tuple[RegionExample, ...] = ()
    missing: str = ""


REAL_ALPHA = "plates/alpha"
REAL = "plates/real"


def real_alpha(
    plates: Path | None, read_picture: ReadPicture, limit: int | None = None, wanted: Wanted = everything
) -> PlateSet:
    """Read the real-alpha plates below ``plates``; ``limit`` spreads a smaller choice evenly over them."""
    about = (
        "real photographs with captured alpha over modelled screens; the true foregrounds were estimated with "
        "PyMatting's estimate_foreground_ml, the estimator that the pymatting row uses too"
    )
    if plates is None or not (plates / "alpha").is_dir():
        return PlateSet(REAL_ALPHA, about, missing=_absent(plates, "alpha"))
    folders = sorted(folder for folder in (plates / "alpha").iterdir() if (folder / "alpha.0001.png").is_file())
    folders = [folder for folder in folders if wanted(folder.name)]
    examples = tuple(_read_alpha_plate(folder, read_picture) for folder in _spread(folders, limit))
    return PlateSet(REAL_ALPHA, about, examples, missing="" if examples else f"{plates / 'alpha'} holds no plate")


def real(
    plates: Path | None, read_picture: ReadPicture, limit: int | None = None, wanted: Wanted = everything
) -> PlateSet:
    """Read the real plates that ``hulls.json`` and ``regions.json`` below ``plates`` tell of.

    With a ``limit``, one frame of each movie.
    """
    about = "real plates without truth; alpha is known outside of hulls, inside of cores, and in marked rectangles"
    folder = plates / "real" if plates is not None else Path()
    hulls, regions = read_hulls(folder / "hulls.json"), _read_regions(folder / "regions.json")
    if plates is None or not (hulls or regions):
        return PlateSet(REAL, about, missing=_absent(plates, "real/hulls.json"))
    listed = sorted(place for place in hulls.keys() | regions.keys() if wanted(place[0]))
    if limit is not None:
        listed = sorted({name: (name, frame) for name, frame in reversed(listed)}.values())
    examples = tuple(
        _read_real_plate(folder / name, frame, regions.get((name, frame), {}), hulls.get((name, frame)), read_picture)
        for name, frame in _spread(listed, limit)
    )
    return PlateSet(REAL, about, region_examples=examples, missing="" if examples else f"{folder} holds no plate")


def _read_real_plate(
    file: Path,
    frame: int,
    regions: dict[str, tuple[Rectangle, ...]],
    entry: dict[str, Any] | None,
    read_picture: ReadPicture,
) -> RegionExample:
    plate = read_picture(file, encoding="auto", frame=frame)
    flickers = bool(regions) and file.suffix.lower() in MOVIES
    following = read_picture(file, encoding="auto", frame=frame + 1) if flickers else None
    sides = (range(frame - 1, frame - 3, -1), range(frame + 2, frame + 4)) if flickers else ((), ())
    before, after = (tuple(_read_beside(file, side, read_picture)) for side in sides)
    hull = None if entry is None else hull_of(entry)
    if hull is not None and hull.inside.shape != plate.shape[:2]:
        height, width = hull.inside.shape
        raise KeyingError(
            f"{file} is {plate.shape[1]} × {plate.shape[0]}, but hulls.json was drawn on {width} × {height}.",
            fix="Put the picture there that the hulls were drawn on, or draw them anew.",
        )
    name = f"{file.name}:{frame}" if frame else file.name
    return RegionExample(name, plate, regions, following, hull, before, after)


def _read_beside(file: Path, frames: Iterable[int], read_picture: ReadPicture) -> Iterator[Picture]:
    """Read frames of a movie up to one that it does not have."""
    for frame in frames:
        if frame < 0:
            return
        try:
            yield read_picture(file, encoding="auto", frame=frame)
        except Exception:  # the reader's own kind of error, which this room does not know
            return


def reduced(example: Example, longest: int) -> Example:
    """Average whole blocks of pixels so that the longer side is at most ``longest``; light is averaged, not codes."""
    factor = -(-max(example.alpha.shape) // longest)
    if factor <= 1:
        return example
    alpha = shrink(example.alpha, factor)
    foreground = shrink(example.foreground * example.alpha[..., None], factor) / np.maximum(alpha, 1e-6)[..., None]
    markers = None if example.markers is None else shrink(example.markers.astype(np.float32), factor) > 0.5
    return Example(
        example.name,
        shrink(example.plate, factor),
        alpha,
        np.where(alpha[..., None] > 0.0, foreground, 0.0).astype(np.float32),
        example.shot,
        markers,
        None if example.clipped is None else shrink(example.clipped.astype(np.float32), factor) > 0.0,
        None if example.glow is None else shrink(example.glow, factor),
        None if example.departure is None else shrink(example.departure, factor),
    )


def reduced_regions(example: RegionExample, longest: int) -> RegionExample:
    """The same for a plate with regions; a rectangle shrinks to the whole blocks inside it, or is left out."""
    factor = -(-max(example.plate.shape) // longest)
    if factor <= 1:
        return example
    regions = {}
    for kind, rectangles in example.regions.items():
        small = [(-(-x0 // factor), -(-y0 // factor), x1 // factor, y1 // factor) for x0, y0, x1, y1 in rectangles]
        regions[kind] = tuple(box for box in small if box[0] < box[2] and box[1] < box[3])
    following = None if example.following is None else shrink(example.following, factor)
    hull = None if example.hull is None else example.hull.reduced(factor)
    before, after = (tuple(shrink(one, factor) for one in side) for side in (example.before, example.after))
    return RegionExample(example.name, shrink(example.plate, factor), regions, following, hull, before, after)


def grained(plate_set: PlateSet, deviation: float) -> PlateSet:
    """Return the set with normal grain on every plate, of this deviation in the square root of light, always the same.

    Truth and regions stay what they are; in a new composite the grain belongs to what is opaque. A camera's photons
    give such grain: 0.01 is much, 0.03 a shot in the dark.
    """
    random = np.random.default_rng(0)

    def grain(plate: Picture) -> Picture:
        noise = random.standard_normal(plate.shape, dtype=np.float32) * np.float32(deviation)
        noisy: Picture = np.square(np.sqrt(np.maximum(plate, 0.0)) + noise)
        return noisy

    def grained_example(one: Example) -> Example:
        noisy = grain(one.plate)
        more = None if one.departure is None else one.departure + (noisy - one.plate)
        return replace(one, plate=noisy, departure=more)

    return replace(
        plate_set,
        about=f"{plate_set.about}; with grain of {deviation:g} in the square root of light",
        examples=tuple(grained_example(one) for one in plate_set.examples),
        region_examples=tuple(
            replace(
                one,
                plate=grain(one.plate),
                following=None if one.following is None else grain(one.following),
                before=tuple(grain(other) for other in one.before),
                after=tuple(grain(other) for other in one.after),
            )
            for one in plate_set.region_examples
        ),
    )


def shrink(picture: Picture, factor: int) -> Picture:
    """Average ``factor`` × ``factor`` blocks of (H, W) or (H, W, C); rows and columns that do not fill one are cut."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    whole = picture[: height * factor, : width * factor]
    blocks = whole.reshape(height, factor, width, factor, *picture.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32))


def _read_alpha_plate(folder: Path, read_picture: ReadPicture) -> Example:
    def read(name: str, encoding: str) -> Picture:
        return read_picture(folder / f"{name}.0001.png", encoding=encoding, frame=0)

    alpha = np.ascontiguousarray(read("alpha", "linear")[..., 0])
    return Example(folder.name, read("plate", "auto"), alpha, read("foreground_linear", "linear"))


def _read_regions(index: Path) -> dict[tuple[str, int], dict[str, tuple[Rectangle, ...]]]:
    """Return the rectangles of each class by file and frame; none where there is no such file."""
    if not index.is_file():
        return {}
    entries: dict[str, dict[str, Any]] = json.loads(index.read_text(encoding="utf-8"))
    return {
        (name, int(frame)): {kind: tuple((r[0], r[1], r[2], r[3]) for r in classes[kind]) for kind in classes}
        for name, entry in entries.items()
        for frame, classes in entry["frames"].items()
    }


def _spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    if limit is None or limit >= len(items):
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, limit)]


def _absent(plates: Path | None, part: str) -> str:
    if plates is None:
        return "no folder of plates was given (--plates DIR, or DROPKEY_PLATES)"
    return f"{plates / part} does not exist"
