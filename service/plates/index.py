"""The pictures of a movie in the order they are shown: how many, at which times, and where decoding can start."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median

import av
from av.error import FFmpegError

from service.plates.fields import FieldPairs

# Codecs whose every picture stands alone, so that a container's own table says all about them.
_INTRA_ONLY = {"prores", "dnxhd", "mjpeg", "png", "cfhd", "v210", "rawvideo", "qtrle", "r210"}
_REORDERED = {"h264", "hevc", "vvc"}
_LENGTH_IN_HEAD = ("matroska", "mxf")
_MOST_REORDERED = 16  # pictures that a decoder holds back at most, H.264 and HEVC, A.3
_UNEVEN = 0.25  # of a picture's time: more is a picture left out or held
_MOST_LOST = 1_000_000  # a damaged head may promise any number


@dataclass(frozen=True)
class MovieIndex:
    """All pictures, numbered from 0 in the order they are shown."""

    count: int
    """How many pictures there are."""

    lost: int
    """How many more there should be, after them; at least one where a cut has taken some and nobody knows how many."""

    times: tuple[int, ...]
    """Presentation times, ascending; empty when the container has none, and pictures can only be counted."""

    keys: tuple[int, ...]
    """Numbers of the pictures at which decoding can start, ascending."""

    rate: Fraction | None = None
    """Pictures a second, as the file says; None where it does not."""

    _numbers: dict[int, int] = field(default_factory=dict, compare=False)

    def number_of(self, time: int | None, counted: int) -> int | None:
        """Return the number of the picture shown at ``time``; without times, the one that was ``counted``."""
        if not self.times:
            return counted
        return self._numbers.get(time) if time is not None else None

    def next_is_nearest(self, following: int, wanted: int) -> bool:
        """Whether decoding on from ``following`` reaches ``wanted`` sooner than starting at a keyframe would."""
        if wanted < following:
            return False
        return not self.times or bisect_right(self.keys, wanted) == bisect_right(self.keys, following)

    def seek_times(self, wanted: int) -> Iterator[int]:
        """Yield the times to seek to for ``wanted``, the nearest keyframe first, then a few earlier ones."""
        if self.times:
            at = bisect_right(self.keys, wanted)
            for key in reversed(self.keys[max(0, at - 3) : at]):
                yield self.times[key]

    def is_even(self) -> bool:
        """Tell whether all pictures are shown equally long, but for what clocks round and shake."""
        steps = [after - before for before, after in pairwise(self.times)]
        usual = median(steps) if steps else 0
        return all(abs(step - usual) <= max(_UNEVEN * usual, 1) for step in steps)


@dataclass(frozen=True)
class _Packet:
    """One picture as it lies in the file; times are None where the container has none."""

    shown: int | None
    decoded: int | None
    key: bool
    damaged: bool


def index_movie(container: av.container.InputContainer, stream: av.VideoStream, *, cut_short: bool) -> MovieIndex:
    """Index the movie and leave it at its start.

    Reads the container's table where that is enough, else every packet. Pictures that an edit list hides do not count.
    ``cut_short``: the file lacks its end; only those pictures count whose number is certain.
    """
    from_table = None if cut_short else _from_table(stream)
    if from_table is not None:
        return replace(from_table, rate=stream.average_rate or None)
    found, hidden, pairs = _read_packets(container, stream)
    if found:
        container.seek(0)
    rate = _rate(found, stream, pairs)
    promised = max(stream.frames - hidden - pairs, 0)
    return replace(_counted(container, stream, found, promised, rate, cut_short=cut_short), rate=rate)


def _counted(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    found: list[_Packet],
    promised: int,
    rate: Fraction | None,
    *,
    cut_short: bool,
) -> MovieIndex:
    endless = container.format.name == "mpegts"
    between = _lost_between(found, stream, rate) if cut_short or endless else 0
    if not cut_short and not between:
        return _indexed(found, promised)
    if not promised:
        promised = len(found) + between + _lost_after(container, stream, found, rate)
    if found and endless:
        found[-1] = replace(found[-1], damaged=True)  # it knows no sizes: what a picture lacks is not seen
    if len(found) == promised and not any(packet.damaged for packet in found[-1:]):
        return _indexed(found, promised)
    certain = _certain(found)
    return _indexed(certain, max(promised, len(certain) + 1))


def _read_packets(container: av.container.InputContainer, stream: av.VideoStream) -> tuple[list[_Packet], int, int]:
    """Return the pictures in the order they lie in, how many more an edit list hides, and how many are second fields.

    Those belong to the packet before them: a frame's fields may be coded one by one.
    """
    found: list[_Packet] = []
    hidden = pairs = 0
    fields = FieldPairs(stream.codec_context.extradata) if stream.codec_context.name == "h264" else None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            break
        if packet is None:
            break
        if packet.is_discard:
            hidden += 1
        elif packet.size and fields is not None and fields.is_second(bytes(packet)):
            pairs += 1
            if packet.is_corrupt:
                found[-1] = replace(found[-1], damaged=True)
        elif packet.size:
            found.append(_Packet(packet.pts, packet.dts, packet.is_keyframe, packet.is_corrupt))
    if _times_are_guessed(container, stream, found):
        found = [replace(packet, shown=None, decoded=None) for packet in found]
    return found, hidden, pairs


def _times_are_guessed(
    container: av.container.InputContainer, stream: av.VideoStream, found: Sequence[_Packet]
) -> bool:
    """Tell whether the times only follow the order in the file although pictures are shown in another one.

    An AVI says no times, so FFmpeg gives these; copied into another container, they pass for real ones.
    """
    if stream.codec_context.name not in _REORDERED or all(packet.key for packet in found):
        return False
    if container.format.name == "avi":
        return True
    times = [packet.shown for packet in found if packet.shown is not None]
    return stream.codec_context.has_b_frames and all(before < after for before, after in pairwise(times))


def _rate(found: Sequence[_Packet], stream: av.VideoStream, pairs: int) -> Fraction | None:
    """Return how many pictures are shown a second; of ``pairs`` of fields, some files count each field."""
    rate, unit = stream.average_rate, stream.time_base
    times = sorted(packet.shown for packet in found if packet.shown is not None)
    if not rate or not unit or not pairs or len(times) < 2:
        return rate or None
    usual = median(after - before for before, after in pairwise(times))
    return rate / 2 if round(usual * float(unit * rate)) == 2 else rate


def _lost_after(
    container: av.container.InputContainer, stream: av.VideoStream, found: Sequence[_Packet], rate: Fraction | None
) -> int:
    """Return how many pictures there should be after those found, by the length that the file's head tells.

    One where it tells none. Transport streams have no head; their length is that of what is left.
    """
    times = [packet.shown for packet in found if packet.shown is not None]
    unit = stream.time_base
    if not container.format.name.startswith(_LENGTH_IN_HEAD) or not found or not rate or not unit:
        return 1
    if stream.duration:  # of this stream, from its first picture on
        length, started = stream.duration * unit, min(times, default=0)
    elif container.duration:  # up to the end of whatever ends last, from time 0 on
        length, started = Fraction(container.duration, av.time_base), 0
    else:
        return 1
    there = (max(times) - started) * unit + 1 / rate if times else len(found) / rate
    return max(round((length - there) * rate), 0)


def _lost_between(found: Sequence[_Packet], stream: av.VideoStream, rate: Fraction | None) -> int:
    """Return how many pictures are wanting between those at the end that were decoded ahead of their time."""
    unit = stream.time_base
    times = sorted(packet.shown for packet in found if packet.shown is not None)
    last = found[-1].decoded if found else None
    if not rate or not unit or last is None:
        return 0
    steps = pairwise([last, *(time for time in times if time >= last)])
    # A picture with a field repeated lasts half as long again: no gap.
    return sum(max(int((after - before) * unit * rate + Fraction(1, 4)) - 1, 0) for before, after in steps)


def _certain(found: Sequence[_Packet]) -> list[_Packet]:
    """Return the pictures before which none of the lost ones can have been shown: their numbers are certain.

    Those lost would be decoded after the last one found, and none is shown before it is decoded.
    """
    if not found:
        return []
    last = found[-1]
    whole = list(found[:-1] if last.damaged else found)
    if last.decoded is None and last.shown is None:
        # What lies before a keyframe is shown before what follows it; else a lost picture may go before the last ones.
        keyframe = max((number for number, packet in enumerate(whole) if packet.key), default=0)
        return whole[: max(keyframe, len(whole) - _MOST_REORDERED)]
    limits = [time for time in (last.decoded, last.shown if last.damaged else None) if time is not None]
    return [packet for packet in whole if packet.shown is None or not limits or packet.shown <= min(limits)]


def _from_table(stream: av.VideoStream) -> MovieIndex | None:
    entries = stream.index_entries
    if stream.codec_context.name not in _INTRA_ONLY or not stream.frames or len(entries) != stream.frames:
        return None
    shown = [_Packet(entry.timestamp, None, True, False) for entry in entries if not entry.is_discard]
    if not shown or shown[0].shown != (stream.start_time or 0):
        return None
    return _indexed(shown, promised=0)


def _indexed(found: Sequence[_Packet], promised: int) -> MovieIndex:
    times = [packet.shown for packet in found if packet.shown is not None]
    lost = min(max(promised - len(found), 0), _MOST_LOST)
    if len(times) != len(found) or len(set(times)) != len(times):
        return MovieIndex(len(found), lost, (), ())
    ordered = sorted((packet.shown, packet.key) for packet in found if packet.shown is not None)
    numbers = {time: number for number, (time, _) in enumerate(ordered)}
    keys = tuple(number for number, (_, key) in enumerate(ordered) if key)
    return MovieIndex(len(found), lost, tuple(time for time, _ in ordered), keys, _numbers=numbers)
