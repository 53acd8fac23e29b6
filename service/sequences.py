"""File names into numbered sequences, and frame ranges into numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from service.errors import BadInput

MAXIMUM_FRAMES = 1_000_000
"""More frames than this are refused: no shot is that long, and a slip of the pen must not eat the memory."""

MAXIMUM_DIGITS = 10
"""Longer numbers in file names are dates or serial numbers, not frames."""

_RANGE = re.compile(rf"(-?\d{{1,{MAXIMUM_DIGITS}}})(?:-(-?\d{{1,{MAXIMUM_DIGITS}}})(?:x(\d{{1,7}}))?)?")
_TOKEN = re.compile(
    r"\[(?P<first>\d+)-(?P<last>\d+)\]|\[(?P<bracket>#+)\]|(?P<range>-?\d+--?\d+)?(?P<marks>#+|@+)"
    r"|%0?(?P<printf>\d*)d|\$F(?P<houdini>\d*)"
)
_RANGE_BEHIND = re.compile(r"(?P<name>.*\.\w+) (?P<range>-?\d+(?:--?\d+)?(?:x\d+)?)")
_BEFORE_A_FRAME = " ._-"
_FRAME_AT_END = re.compile(rf"(^|[{_BEFORE_A_FRAME}])(\d{{3,{MAXIMUM_DIGITS}}})$")
_NUMBER = re.compile(r"-?\d+")


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


def same_letters(name: str) -> str:
    """Return ``name`` as Windows and macOS compare it: without regard to case and to how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def group_names(names: Iterable[str]) -> tuple[list[NumberedFiles], list[str]]:
    """Split the picture names of one folder into sequences (at least two frames each) and single pictures.

    Names that differ in one number only are one sequence, wherever the number stands; how letters are composed, and
    their case, do not matter, and padding may change within it. Of two numbers that could be the frame's it is the one
    that counts without gaps. Frames may be negative (`shot.-0012.exr`). A dash right after a letter or digit
    (`shot-0012.exr`) only separates, unless `shot0000.exr` is there too.
    """
    families: dict[tuple[str, ...], list[_Name]] = defaultdict(list)
    singles: list[str] = []
    for name in sorted(names):
        found = _Name.read(name)
        if found.numbers:
            families[found.texts].append(found)
        else:
            singles.append(name)
    sequences: list[NumberedFiles] = []
    for family in families.values():
        for part in _parted(family):
            if isinstance(part, NumberedFiles):
                sequences.append(part)
            else:
                singles.append(part)
    return sequences, sorted(singles)


@dataclass(frozen=True)
class _Name:
    """A file name, cut at its numbers."""

    name: str
    texts: tuple[str, ...]
    """What stands around the numbers, however it is spelled, without dashes in front of numbers."""

    numbers: tuple[str, ...]
    dashes: tuple[bool, ...]
    """Whether a dash stands right before each number."""

    starts: tuple[int, ...]
    """Where each number begins, its dash left out."""

    @staticmethod
    def read(name: str) -> _Name:
        stem = name.rpartition(".")[0] or name
        found = [match for match in _NUMBER.finditer(stem) if len(match[0].lstrip("-")) <= MAXIMUM_DIGITS]
        ends = [0, *(match.end() for match in found)]
        begins = [*(match.start() for match in found), len(name)]
        texts = tuple(same_letters(name[end:begin]) for end, begin in zip(ends, begins, strict=True))
        dashes = tuple(match[0][0] == "-" for match in found)
        starts = tuple(match.start() + dash for match, dash in zip(found, dashes, strict=True))
        return _Name(name, texts, tuple(match[0].lstrip("-") for match in found), dashes, starts)

    def without(self, place: int) -> tuple[object, ...]:
        """Return all numbers but one, as they are written."""
        signed = [*zip(self.numbers, self.dashes, strict=True)]
        return (*signed[:place], *signed[place + 1 :])


def _parted(family: list[_Name]) -> Iterator[NumberedFiles | str]:
    """Part names that differ in numbers only into sequences and single names."""
    place = _frame_place(family)
    if place is None:
        yield from (name.name for name in family)
        return
    groups: dict[tuple[object, ...], list[_Name]] = defaultdict(list)
    for name in family:
        groups[name.without(place)].append(name)
    for group in groups.values():
        signed = _are_signed(group, place)
        parts: dict[tuple[str, str], dict[int, _Name]] = defaultdict(dict)
        again: list[dict[int, _Name]] = []
        for name in group:
            frame = -int(name.numbers[place]) if signed and name.dashes[place] else int(name.numbers[place])
            files = parts[_spelling(name, place)]
            if frame in files:
                again.append({frame: name})
            else:
                files[frame] = name
        for joined in _joined([*parts.values(), *again]):
            names = {frame: name.name for frame, name in joined.items()}
            if len(names) < 2 or max(names) - min(names) > MAXIMUM_FRAMES:
                yield from names.values()
            else:
                yield _numbered(names, {frame: _place(name, place, signed) for frame, name in joined.items()})


def _spelling(name: _Name, place: int) -> tuple[str, str]:
    """Return what keeps sequences apart that hold the same frame: spelling, and width where zeros stand in front."""
    start = name.starts[place]
    number = name.numbers[place]
    around = name.name[:start] + "#" + name.name[start + len(number) :]
    return around, str(len(number)) if number[0] == "0" and len(number) > 1 else ""


def _frame_place(family: list[_Name]) -> int | None:
    """Return which of their numbers counts frames; None where none does.

    A last number that looks like a frame's and is the same in all keeps earlier ones from being taken that do not look
    so: these are single frames of several shots, whose others are still to come (`sh010.1001.exr`, `sh011.1001.exr`).
    """
    count = len(family[0].numbers)
    places = [place for place in range(count) if len({(n.numbers[place], n.dashes[place]) for n in family}) > 1]
    if not places:
        return None
    place = places[0] if len(places) == 1 else max(places, key=lambda place: _standing(family, place))
    if count - 1 not in places and all(looks_like_a_frame(name.name) for name in family):
        alone = family[0].texts[place][-1:] in ("", *_BEFORE_A_FRAME) and len(family[0].numbers[place]) >= 3
        gapless = _standing(family, place)[1]
        return place if alone and gapless else None
    return place


def looks_like_a_frame(name: str) -> bool:
    """Tell whether a name ends in a number that is written like a frame's, which that of a version is not."""
    return _FRAME_AT_END.search(name.rpartition(".")[0]) is not None


def frame_at_end(name: str) -> int | None:
    """Return the number of a frame at the end of a name, of one that stands alone; None where there is none."""
    found = _FRAME_AT_END.search(name.rpartition(".")[0])
    return int(found[2]) if found else None


def _standing(family: list[_Name], place: int) -> tuple[object, ...]:
    """Order the numbers that may be the frame's; the most likely is the greatest."""
    groups: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for name in family:
        groups[name.without(place)].add(int(name.numbers[place]))
    gaps = sum(max(frames) - min(frames) + 1 - len(frames) for frames in groups.values())
    alone = sum(len(frames) == 1 for frames in groups.values())
    version = family[0].texts[place].endswith("v")
    return alone == 0, gaps == 0, len(family) / len(groups), not version, place


def _are_signed(group: list[_Name], place: int) -> bool:
    """Tell whether a dash before the number is a sign: none stands before others, or no letter before it."""
    if not any(name.dashes[place] for name in group):
        return False
    if not all(name.dashes[place] for name in group):
        return True
    before = group[0].name[: group[0].starts[place] - 1]
    return not before[-1:].isalnum()


def _place(name: _Name, place: int, signed: bool) -> tuple[int, int]:
    """Return where the frame's number begins, its sign included, and where it ends."""
    start = name.starts[place]
    return start - (signed and name.dashes[place]), start + len(name.numbers[place])


def match_pattern(pattern: Pattern, names: Iterable[str]) -> NumberedFiles | None:
    """Collect the names that fit ``pattern``, however their letters are spelled; None when there are none.

    Where one frame is there in several spellings or paddings, they are several sequences: those names are meant that
    are spelled as the pattern is, then those whose padding it asks for (`#`, `%d`: no zeros in front). Raises BadInput
    with both names where that does not tell.
    """
    prefix, suffix = same_letters(pattern.prefix), same_letters(pattern.suffix)
    shape = re.compile(f"{re.escape(prefix)}(-?\\d{{1,{MAXIMUM_DIGITS}}}){re.escape(suffix)}")
    fitting = [(found[1], name) for name in sorted(names) if (found := shape.fullmatch(same_letters(name))) is not None]
    if _has_repeats(fitting):
        exact = [(number, name) for number, name in fitting if name == f"{pattern.prefix}{number}{pattern.suffix}"]
        fitting = exact or fitting
    if _has_repeats(fitting):
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
    places = {}
    for number, name in fitting:
        at = len(name) - len(_tail(name, len(suffix))) - len(number)
        places[int(number)] = (at, at + len(number))
    ordered = dict(sorted(files.items()))
    return _numbered(ordered, places)


def match_stars(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that fit a pattern with `*` and `?`, however their letters are spelled."""
    wanted = same_letters(pattern.replace("[", "[[]"))
    return [name for name in names if fnmatchcase(same_letters(name), wanted)]


def _tail(name: str, folded_length: int) -> str:
    """Return the end of ``name`` that is ``folded_length`` letters long once it is folded."""
    for at in range(len(name), -1, -1):
        if len(same_letters(name[at:])) >= folded_length:
            return name[at:]
    return name


def _has_repeats(fitting: Collection[tuple[str, str]]) -> bool:
    return len({int(number) for number, _ in fitting}) < len(fitting)


def _is_padded(number: str, digits: int) -> bool:
    """Tell whether ``number`` is as a frame is written with at least ``digits`` digits."""
    return number == f"{'-' if number[0] == '-' else ''}{abs(int(number)):0{digits}d}"


def parse_pattern(name: str) -> Pattern | None:
    """Read the last frame place in a file name; None when it has none.

    A range may stand in it (`shot.1-9####.exr`, After Effects' `shot_[0001-0009].exr`) or behind it, as Nuke writes
    it: `shot.%04d.exr 1-9`.
    """
    behind = _RANGE_BEHIND.fullmatch(name)
    if behind is not None:
        inner = parse_pattern(behind["name"])
        return None if inner is None else replace(inner, frames=behind["range"])
    found = list(_TOKEN.finditer(name))
    if not found:
        return None
    token = found[-1]
    prefix, suffix = name[: token.start()], name[token.end() :]
    if token["first"] is not None:
        return Pattern(prefix, suffix, len(token["first"]), f"{int(token['first'])}-{int(token['last'])}")
    written = token["printf"] if token["printf"] is not None else token["houdini"]
    marks = token["bracket"] or token["marks"]
    digits = len(marks) if marks else int(written or 1)
    return Pattern(prefix, suffix, digits if digits > 1 else None, token["range"])


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
    return tuple(sorted({frame for piece in pieces for frame in _numbers_in(piece)}))


def _numbers_in(piece: str) -> range:
    found = _RANGE.fullmatch(piece)
    assert found is not None
    first = int(found[1])
    return range(first, int(found[2] or first) + 1, int(found[3] or 1))


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


def _joined(parts: list[dict[int, _Name]]) -> Iterator[dict[int, _Name]]:
    """Join parts that differ in padding or spelling alone, unless they hold the same frame twice."""
    joined: dict[int, _Name] = {}
    for part in sorted(parts, key=len, reverse=True):
        if joined.keys() & part.keys():
            yield dict(sorted(part.items()))
        else:
            joined |= part
    yield dict(sorted(joined.items()))


def _numbered(files: dict[int, str], places: dict[int, tuple[int, int]]) -> NumberedFiles:
    """Describe files whose frame numbers stand at ``places``; prefix and suffix as most of them spell these."""
    prefixes = Counter(name[: places[frame][0]] for frame, name in files.items())
    suffixes = Counter(name[places[frame][1] :] for frame, name in files.items())
    digits = {frame: name[slice(*places[frame])].lstrip("-") for frame, name in files.items()}
    # printf counts the sign as a digit (-001 beside 0000), so the numbers without a sign decide.
    unsigned = [len(text) for frame, text in digits.items() if frame >= 0]
    padding = min(unsigned or [len(text) for text in digits.values()])
    return NumberedFiles(prefixes.most_common(1)[0][0], suffixes.most_common(1)[0][0], padding, files)
