"""What a shot is, and which ones lie in a folder: sequences, stills and movies. Opens no picture."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Literal

import xxhash
from pydantic import BaseModel, ConfigDict

from service.errors import BadInput, PlateMissing
from service.fingerprints import file_fingerprint
from service.names import RENAME, is_unreadable, safe_name, shot_name, unique_name, unreadable_in
from service.sequences import (
    NumberedFiles,
    Pattern,
    format_frames,
    frame_at_end,
    group_names,
    match_pattern,
    match_stars,
    parse_frames,
    parse_pattern,
    same_letters,
)

__all__ = [
    "MOVIES",
    "PICTURES",
    "Shot",
    "file_fingerprint",
    "find_shots",
    "find_shots_in_root",
    "format_frames",
    "is_own_output",
    "parse_frames",
    "safe_name",
    "shot_fingerprint",
    "shot_folders",
    "shot_from_plate",
    "unique_name",
]

PICTURES = frozenset({".exr", ".png", ".tif", ".tiff", ".dpx", ".cin", ".jpg", ".jpeg", ".bmp", ".tga"})
"""Extensions of pictures that can be plates."""

MOVIES = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm", ".mts", ".m2ts"})
"""Extensions of movies that can be plates."""

_ARRIVING = (".tmp", ".part", ".!sync")  # names that copying and synchronising programs give to unfinished files
_SEPARATORS = " ._-()[]{}"
_VERSION = re.compile(r"v\d{3,}")


class Shot(BaseModel):
    """One shot on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """The stem, made unique under one output root by its parent's name."""

    kind: Literal["sequence", "still", "movie"]
    """`still` is a single picture: frame 1, or the number that it ends in."""

    folder: Path
    """Absolute folder that holds the files."""

    prefix: str
    """File name before the frame number (sequence), or the whole file name (still, movie)."""

    suffix: str = ""
    """File name after the frame number, extension included (sequence)."""

    padding: int = 4
    """Digits of the frame number; also used for the output."""

    frames: tuple[int, ...]
    """Frame numbers present, ascending; empty for a movie, whose pictures only the worker counts."""

    first_frame: int = 1
    """Number of a movie's first picture, or of a still."""

    files: dict[int, str] | None = None
    """Frame → file name, only where padding changes within the sequence and the pattern cannot say it."""

    remarks: tuple[str, ...] = ()
    """What lies beside it and is not in it, in sentences for the artist."""

    confined_to: tuple[Path, ...] = ()
    """Real folders that the files must lie in links followed, checked anew at each opening; empty: anywhere."""

    encoded_like: tuple[Path, ...] = ()
    """Files it was rendered from unconverted: they tell its encoding. One that is not absolute may not be looked at."""

    def frame_path(self, frame: int) -> Path:
        """Return the file of ``frame`` (the movie itself, for a movie)."""
        if self.kind != "sequence":
            return self.folder / self.prefix
        if self.files and frame in self.files:
            return self.folder / self.files[frame]
        return self.folder / f"{self.prefix}{self.frame_number(frame)}{self.suffix}"

    def frame_number(self, frame: int) -> str:
        """Return ``frame`` padded as in the file names: -12 with padding 4 is '-0012'."""
        return f"{'-' if frame < 0 else ''}{abs(frame):0{self.padding}d}"

    def starting_at(self, first_frame: int | None) -> Shot:
        """Return a movie or still whose first frame has this number; None: the one that it has by itself."""
        first = self.first_frame if first_frame is None else first_frame
        return self.model_copy(update={"first_frame": first, "frames": () if self.kind == "movie" else (first,)})

    @property
    def missing(self) -> tuple[int, ...]:
        """Frame numbers absent between the first and the last."""
        if self.kind != "sequence" or not self.frames:
            return ()
        return tuple(sorted(set(range(self.frames[0], self.frames[-1] + 1)).difference(self.frames)))

    @property
    def pattern(self) -> str:
        """The file name with `#` for each digit of the frame number; of a still or movie, its name."""
        return f"{self.prefix}{'#' * self.padding}{self.suffix}" if self.kind == "sequence" else self.prefix


def find_shots(folder: Path) -> list[Shot]:
    """List the sequences, stills and movies that lie directly in ``folder``, ordered by name.

    A numbered picture on its own is a still (`single_v003.exr` is not frame 3). Names of shots may repeat between
    folders; `unique_name` tells them apart. Raises PlateMissing when the folder cannot be read.
    """
    folder = folder.absolute()
    names = _file_names(folder)
    sequences, singles = group_names(name for name in names if _extension(name) in PICTURES)
    shots = [_sequence(folder, numbered) for numbered in sequences]
    shots += [_single(folder, name, "still") for name in singles]
    shots += [_single(folder, name, "movie") for name in names if _extension(name) in MOVIES]
    return sorted(shots, key=lambda shot: (shot.name.casefold(), shot.prefix, shot.suffix, shot.padding))


def find_shots_in_root(root: Path, *, follow_links: bool = False, maximum_depth: int = 4) -> list[Shot]:
    """List the shots of a drop folder: loose ones, then those of its subfolders down to ``maximum_depth``.

    Left out: hidden files and folders, what synchronisers are still copying, folders that After Effects watches
    itself (`*_RCF.txt`), and DropKey's own results. A subfolder that vanishes meanwhile is left out as well.
    Raises PlateMissing when the root itself cannot be read.
    """
    shots = find_shots(root)
    for folder in shot_folders(root, follow_links=follow_links, maximum_depth=maximum_depth):
        try:
            shots += find_shots(folder)
        except PlateMissing:
            continue
    return shots


def is_own_output(folder: Path) -> bool:
    """Whether ``folder`` is a version folder that DropKey wrote (`v001` with manifest or foreground pass)."""
    if not _VERSION.fullmatch(folder.name):
        return False
    passes = folder / "foreground"
    try:
        return (folder / "manifest.json").is_file() or any("_foreground." in name for name in os.listdir(passes))
    except OSError:
        return False


def shot_from_plate(plate: str | Path, *, frames: str | None = None, first_frame: int | None = None) -> Shot:
    """Find the one shot that ``plate`` names: a folder, a pattern (`shot.####.exr`), a picture or a movie.

    ``frames`` keeps those frames only that it names and that are there; the caller compares with `parse_frames` to see
    what is absent. ``first_frame`` numbers a movie's first picture, or a still. Raises PlateMissing when nothing is
    there, BadInput when it is ambiguous or no plate.
    """
    path = Path(os.path.expanduser(plate)).absolute()
    wanted = set(parse_frames(frames)) if frames else None
    pattern = parse_pattern(path.name)
    # Those of pathlib raise where a name is longer than any can be, or a folder may not be looked into.
    if os.path.isdir(path):
        shot = _only_shot(path)
    elif os.path.isfile(path):
        shot = _shot_of_file(path)
    elif any(mark in path.name for mark in "*?"):
        shot = _shot_of_stars(path)
    elif pattern is not None:
        shot = _shot_of_pattern(path, pattern)
        inner = set(parse_frames(pattern.frames)) if pattern.frames else None
        wanted = inner if wanted is None else wanted & inner if inner is not None else wanted
        if inner is not None and (absent := inner.difference(shot.frames)):
            told = f"Frames {format_frames(absent)}, which {path.name} asks for, are not there."
            shot = shot.model_copy(update={"remarks": (*shot.remarks, told)})
    else:
        raise PlateMissing(
            f"There is no {path}.",
            fix="Check the path, that this machine can see the disk, and that you may look.",
        )
    if shot.kind != "sequence":
        return shot.starting_at(first_frame)
    if wanted is None:
        return shot
    kept = tuple(frame for frame in shot.frames if frame in wanted)
    if not kept:
        raise PlateMissing(
            f"None of the frames {frames or format_frames(wanted)} is there.",
            fix=f"The plate has {format_frames(shot.frames)}.",
            shot=shot.name,
        )
    return shot.model_copy(update={"frames": kept})


def shot_fingerprint(shot: Shot, frames: Iterable[int], look: Callable[[Path], str] = file_fingerprint) -> str:
    """Identify the content of ``frames`` (a movie: of its file), wherever the shot lies: 32 hexadecimal digits.

    Frames that are not there count as absent, so that their arrival changes the fingerprint.
    """
    mark = xxhash.xxh3_128()
    if shot.kind == "movie":
        mark.update(f"movie {shot.first_frame} {look(shot.folder / shot.prefix)}".encode())
    for frame in sorted(set(frames)):
        try:
            content = "movie" if shot.kind == "movie" else look(shot.frame_path(frame))
        except PlateMissing:
            content = "absent"
        mark.update(f"{frame} {content}\n".encode())
    return mark.hexdigest()


def _only_shot(folder: Path) -> Shot:
    shots = find_shots(folder)
    sequences = [shot for shot in shots if shot.kind == "sequence"]
    if len(sequences) == 1 and all(shot.kind == "still" for shot in shots if shot is not sequences[0]):
        return _beside(sequences[0], "other pictures", [shot.prefix for shot in shots if shot.kind == "still"])
    if len(shots) == 1:
        return shots[0]
    if not shots:
        if odd := unreadable_in(folder):
            raise PlateMissing(f"{folder} holds files whose names are not UTF-8: {', '.join(odd[:5])}.", fix=RENAME)
        known = " ".join(sorted(PICTURES | MOVIES))
        raise PlateMissing(f"{folder} holds no picture and no movie.", fix=f"Known are: {known}.")
    names = ", ".join(shot.pattern for shot in shots[:10]) + (" …" if len(shots) > 10 else "")
    raise BadInput(f"{folder} holds {len(shots)} shots: {names}.", fix="Name one of them.")


def _shot_of_file(path: Path) -> Shot:
    extension = _extension(path.name)
    if extension in MOVIES:
        return _single(path.parent, path.name, "movie")
    if extension in PICTURES:
        return _one_of_its_sequence(path) or _single(path.parent, path.name, "still")
    known = " ".join(sorted(PICTURES | MOVIES))
    raise BadInput(f"{path.name} is neither a picture nor a movie that can be read.", fix=f"Known are: {known}.")


def _one_of_its_sequence(path: Path) -> Shot | None:
    """Return a picture under the number that it has in the sequence beside it; None where there is none."""
    try:
        sequences, _ = group_names(name for name in _file_names(path.parent) if _extension(name) in PICTURES)
    except PlateMissing:
        return None
    for numbered in sequences:
        for frame, name in numbered.names.items():
            if name == path.name:
                shot = _sequence(path.parent, numbered)
                remark = (
                    f"{path.name} alone is keyed, as frame {frame}; beside it lie frames {format_frames(shot.frames)}: "
                    f"name {shot.pattern} for all of them."
                )
                still = _single(path.parent, name, "still")
                return still.model_copy(
                    update={"name": shot.name, "padding": shot.padding, "first_frame": frame, "frames": (frame,)}
                    | {"remarks": (remark,)}
                )
    return None


def _shot_of_pattern(path: Path, pattern: Pattern) -> Shot:
    if _extension(f"{pattern.prefix}0{pattern.suffix}") not in PICTURES:
        raise BadInput(f"{path.name} names no kind of picture.", fix=f"Known are: {' '.join(sorted(PICTURES))}.")
    names = _file_names(path.parent)
    numbered = match_pattern(pattern, names)
    if numbered is None:
        raise _nothing_fits(path, "Check the pattern: #, @, %04d, $F4, * and [0001-0009] stand for the frame.")
    shot = _sequence(path.parent, numbered)
    taken = set(numbered.names.values())
    near = [name for name in names if name not in taken and _is_near(name, numbered)]
    return _beside(shot, "files with names much like its own", near)


def _beside(shot: Shot, what: str, names: Sequence[str]) -> Shot:
    """Return ``shot`` with a remark about the files beside it that are not in it, if any."""
    if not names:
        return shot
    remark = f"Beside the plate lie {what}, which are not keyed: {_listed(names)}."
    return shot.model_copy(update={"remarks": (*shot.remarks, remark)})


def _is_near(name: str, numbered: NumberedFiles) -> bool:
    """Tell whether a picture differs from those of a sequence in its number's digits or its ending alone."""
    if _extension(name) not in PICTURES:
        return False
    stem, own = same_letters(PurePath(name).stem), same_letters(numbered.prefix).rstrip(" ._-")
    tail = same_letters(PurePath("x" + numbered.suffix).stem[1:])
    rest = stem.removeprefix(own)
    return stem.startswith(own) and rest.endswith(tail) and rest[: len(rest) - len(tail)].strip(" ._-").isdigit()


def _nothing_fits(path: Path, fix: str) -> PlateMissing:
    """Say that no file fits a pattern, and what there is."""
    there = [shot.pattern for shot in find_shots(path.parent)]
    listed = f" In the folder lie: {_listed(there)}." if there else ""
    return PlateMissing(f"No file fits {path}.", fix=f"{fix}{listed}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" …" if len(names) > 10 else "")


def _shot_of_stars(path: Path) -> Shot:
    fitting = [name for name in match_stars(path.name, _file_names(path.parent)) if _extension(name) in PICTURES]
    if not fitting:
        raise _nothing_fits(path, "Check the name: * stands for any letters.")
    sequences, singles = group_names(fitting)
    shots = [_sequence(path.parent, numbered) for numbered in sequences]
    shots += [_single(path.parent, name, "still") for name in singles]
    if len(shots) > 1:
        patterns = _listed([shot.pattern for shot in shots])
        raise BadInput(f"{path.name} names {len(shots)} shots: {patterns}.", fix="Name one of them.")
    return shots[0]


def _sequence(folder: Path, numbered: NumberedFiles) -> Shot:
    tail = PurePath("x" + numbered.suffix).stem[1:]
    bare = not tail.strip(_SEPARATORS)
    stem = numbered.prefix.rstrip(_SEPARATORS) if bare else f"{numbered.prefix.rstrip(' ._-')}{tail}"
    return Shot(
        name=shot_name(stem, folder.name),
        kind="sequence",
        folder=folder,
        prefix=numbered.prefix,
        suffix=numbered.suffix,
        padding=numbered.padding,
        frames=tuple(numbered.names),
        files=numbered.irregular,
    )


def _single(folder: Path, name: str, kind: Literal["still", "movie"]) -> Shot:
    number = frame_at_end(name) if kind == "still" else None
    first = 1 if number is None else number
    frames = (first,) if kind == "still" else ()
    shot = Shot(name=shot_name(PurePath(name).stem, folder.name), kind=kind, folder=folder, prefix=name, frames=frames)
    return shot.model_copy(update={"first_frame": first})


def _extension(name: str) -> str:
    return PurePath(name).suffix.casefold()


def _file_names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not _ignored(entry.name) and _is_file(entry))
    except OSError as error:
        raise PlateMissing(
            f"{folder} cannot be read: {error.strerror}.", fix="Check that it is there and that you may read it."
        ) from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a file; a link that leads nowhere, or in a circle, must not hide what lies beside it."""
    try:
        return entry.is_file()
    except OSError:
        return False


def shot_folders(root: Path, *, follow_links: bool = False, maximum_depth: int = 4) -> Iterator[Path]:
    """Yield the subfolders of ``root`` whose shots count, as `find_shots_in_root` says."""
    root = root.absolute()
    for place, folders, names in os.walk(root, followlinks=follow_links):
        folder = Path(place)
        if folder != root and (is_own_output(folder) or any(name.endswith("_RCF.txt") for name in names)):
            folders.clear()
            continue
        if folder != root:
            yield folder
        depth = len(folder.relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not _ignored(name)) if depth < maximum_depth else []


def _ignored(name: str) -> bool:
    return (
        is_unreadable(name)
        or name.startswith((".", "~"))
        or name.casefold().endswith(_ARRIVING)
        or ".rsls" in name.casefold()
    )
