"""File names into numbered sequences, and frame ranges into numbers: the only place that knows fileseq."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fileseq import findSequencesInList
from fileseq.frameset import FrameSet

from service.errors import BadInput

MAXIMUM_FRAMES = 1_000_000
"""More frames than this are refused: no shot is that long, and a slip of the pen must not eat the memory."""

MAXIMUM_DIGITS = 7
"""Longer numbers in file names are dates or serial numbers, not frames."""

_RANGE = re.compile(r"(-?\d{1,7})(?:-(-?\d{1,7})(?:x(\d{1,7}))?)?")
_TOKEN = re.compile(
    r"\[(?P<bracket>#+)\]|(?P<range>-?\d+--?\d+)?(?P<marks>#+|@+)|%0?(?P<printf>\d*)d|\$F(?P<houdini>\d*)"
)


@dataclass(frozen=True)
class NumberedFiles:
    """The files of one sequence in one folder."""

    prefix: str
    """File name before the number."""

    suffix: str
    """File name after the number, as most of the files spell it."""

    padding: int
    """Fewest digits of a frame number."""

    names: dict[int, str]
    """Frame → file name, ascending."""

    @property
    def irregular(self) -> dict[int, str] | None:
        """Names that prefix, padding and suffix do not spell; None when they spell them all."""
        odd = {frame: name for frame, name in self.names.items() if name != self._regular(frame)}
        return odd or None

    def _regular(self, frame: int) -> str:
        return f"{self.prefix}{'-' if frame < 0 else ''}{abs(frame):0{self.padding}d}{self.suffix}"


@dataclass(frozen=True)
class Pattern:
    """A file name with a place for the frame number: `shot.####.exr`, `%04d`, `@@@`, `[####]`, `$F4`."""

    prefix: str
    suffix: str
    digits: int | None
    """How many digits the place asks for; None: any."""

    frames: str | None
    """Range written into the pattern (`shot.1001-1100#.exr`)."""


def group_names(names: Iterable[str]) -> tuple[list[NumberedFiles], list[str]]:
    """Split the picture names of one folder into sequences (at least two frames each) and single pictures.

    Frames may be negative (`shot.-0012.exr`). A dash right after a letter or digit (`shot-0012.exr`) only separates,
    unless `shot0000.exr` is there too. Padding may change within a sequence, and `.EXR` goes with `.exr`.
    """
    groups: dict[tuple[str, str], list[dict[int, str]]] = {}
    singles: list[str] = []
    for prefix, extension, files in _parts(sorted(names), singles):
        groups.setdefault((prefix, extension.casefold()), []).append(files)
    sequences: list[NumberedFiles] = []
    for (prefix, _), parts in groups.items():
        for files in _joined(parts):
            if len(files) < 2:
                singles.extend(files.values())
            else:
                sequences.append(_numbered(prefix, files))
    return sequences, sorted(singles)


def match_pattern(pattern: Pattern, names: Iterable[str]) -> NumberedFiles | None:
    """Collect the names that fit ``pattern``; None when there are none.

    Where one frame is there in several paddings, they are several sequences, and those names are meant whose padding
    the pattern asks for (`#`, `%d`: no zeros in front). Raises BadInput with both names where that does not tell.
    """
    shape = re.compile(f"{re.escape(pattern.prefix)}(-?\\d{{1,{MAXIMUM_DIGITS}}}){re.escape(pattern.suffix)}")
    fitting = [(found[1], name) for name in sorted(names) if (found := shape.fullmatch(name)) is not None]
    if len({int(number) for number, _ in fitting}) < len(fitting):
        asked = [(number, name) for number, name in fitting if _is_padded(number, pattern.digits or 1)]
        fitting = asked or fitting
    if not fitting:
        return None
    files: dict[int, str] = {}
    for number, name in fitting:
        if (other := files.setdefault(int(number), name)) != name:
            raise BadInput(
                f"{other} and {name} are both frame {int(number)}, and the pattern does not tell which is meant.",
                fix="Write as many # as their numbers have digits, or move one of the sequences to another folder.",
            )
    return _numbered(pattern.prefix, dict(sorted(files.items())), suffix=pattern.suffix)


def _is_padded(number: str, digits: int) -> bool:
    """Tell whether ``number`` is as a frame is written with at least ``digits`` digits."""
    return number == f"{'-' if number[0] == '-' else ''}{abs(int(number)):0{digits}d}"


def parse_pattern(name: str) -> Pattern | None:
    """Read the last frame place in a file name; None when it has none."""
    found = list(_TOKEN.finditer(name))
    if not found:
        return None
    token = found[-1]
    written = token["printf"] if token["printf"] is not None else token["houdini"]
    marks = token["bracket"] or token["marks"]
    digits = len(marks) if marks else int(written or 1)
    return Pattern(name[: token.start()], name[token.end() :], digits if digits > 1 else None, token["range"])


def parse_frames(text: str) -> tuple[int, ...]:
    """Read `1001-1100,1105` or `1-99x2` as ascending frame numbers without repeats.

    Raises BadInput when it is no range or names more than MAXIMUM_FRAMES frames.
    """
    pieces = [piece.strip() for piece in text.split(",")]
    total = 0
    for piece in pieces:
        found = _RANGE.fullmatch(piece)
        if found is None or (found[3] and int(found[3]) == 0):
            raise BadInput(f"“{text[:200]}” is no frame range.", fix="Write it as 1001-1100 or 1001-1100,1105.")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise BadInput(f"The range {piece} runs backwards.", fix=f"Write {last}-{first}.")
        total += (last - first) // int(found[3] or 1) + 1
    if total > MAXIMUM_FRAMES:
        raise BadInput(f"“{text[:200]}” names {total} frames; {MAXIMUM_FRAMES} is the most.", fix="Shorten the range.")
    return tuple(sorted({int(frame) for piece in pieces for frame in FrameSet(piece)}))


def format_frames(frames: Iterable[int]) -> str:
    """Write frame numbers as `parse_frames` reads them; an empty text for none."""
    numbers = sorted(set(frames))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def _parts(names: list[str], singles: list[str]) -> Iterator[tuple[str, str, dict[int, str]]]:
    """Yield what fileseq finds as (prefix, extension, frame → name); add what has no frame number to ``singles``."""
    found = [(part, part.frameSet()) for part in findSequencesInList(names)]
    starts_at_zero_or_later = {part.basename() for part, frames in found if frames and max(frames) >= 0}
    for part, frames in found:
        files = [str(name) for name in part]
        if frames is None or any(abs(int(frame)) >= 10**MAXIMUM_DIGITS for frame in frames):
            singles.extend(files)
            continue
        prefix, sign = part.basename(), 1
        dash_separates = prefix[-1:].isalnum() and prefix not in starts_at_zero_or_later
        if dash_separates and max(frames) < 0:
            prefix, sign = prefix + "-", -1
        yield prefix, part.extension(), {sign * int(frame): name for frame, name in zip(frames, files, strict=True)}


def _joined(parts: list[dict[int, str]]) -> Iterator[dict[int, str]]:
    """Join parts that differ in padding or case alone, unless they hold the same frame twice."""
    joined: dict[int, str] = {}
    for part in sorted(parts, key=len, reverse=True):
        if joined.keys() & part.keys():
            yield dict(sorted(part.items()))
        else:
            joined |= part
    yield dict(sorted(joined.items()))


def _numbered(prefix: str, files: dict[int, str], suffix: str | None = None) -> NumberedFiles:
    numbers = {frame: re.match(r"-?(\d+)", name[len(prefix) :]) for frame, name in files.items()}
    digits = {frame: found[1] for frame, found in numbers.items() if found}
    if suffix is None:
        suffixes = Counter(name[len(prefix) :].lstrip("-")[len(digits[frame]) :] for frame, name in files.items())
        suffix = suffixes.most_common(1)[0][0]
    # printf counts the sign as a digit (-001 beside 0000), so the numbers without a sign decide.
    unsigned = [len(text) for frame, text in digits.items() if frame >= 0]
    return NumberedFiles(prefix, suffix, min(unsigned or [len(text) for text in digits.values()]), files)
