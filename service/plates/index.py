"""The pictures of a movie in the order they are shown: how many, at which times, and where decoding can start."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
from av.error import FFmpegError

# Codecs whose every picture stands alone, so that a container's own table says all about them.
_INTRA_ONLY = {"prores", "dnxhd", "mjpeg", "png", "cfhd", "v210", "rawvideo", "qtrle", "r210"}


@dataclass(frozen=True)
class MovieIndex:
    """All pictures, numbered from 0 in the order they are shown."""

    count: int
    """How many pictures there are."""

    times: tuple[int, ...]
    """Presentation times, ascending; empty when the container has none, and pictures can only be counted."""

    keys: tuple[int, ...]
    """Numbers of the pictures at which decoding can start, ascending."""

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


def index_movie(container: av.container.InputContainer, stream: av.VideoStream) -> MovieIndex:
    """Index the movie and leave it at its start.

    Reads the container's table where that is enough, else every packet. Pictures that an edit list hides do not count;
    those that a file cut short promises but does not hold do, so that their loss is seen.
    """
    from_table = _from_table(stream)
    if from_table is not None:
        return from_table
    shown: list[tuple[int | None, bool]] = []
    hidden = 0
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
        elif packet.size:
            shown.append((packet.pts, packet.is_keyframe))
    container.seek(0)
    return _indexed(shown, promised=stream.frames - hidden)


def _from_table(stream: av.VideoStream) -> MovieIndex | None:
    entries = stream.index_entries
    if stream.codec_context.name not in _INTRA_ONLY or not stream.frames or len(entries) != stream.frames:
        return None
    shown = [(entry.timestamp, True) for entry in entries if not entry.is_discard]
    if not shown or shown[0][0] != (stream.start_time or 0):
        return None
    return _indexed([(time, key) for time, key in shown], promised=0)


def _indexed(shown: list[tuple[int | None, bool]], promised: int) -> MovieIndex:
    times = [time for time, _ in shown if time is not None]
    count = max(len(shown), promised)
    if len(times) != len(shown) or len(set(times)) != len(times):
        return MovieIndex(count, (), ())
    ordered = sorted((time, key) for time, key in shown if time is not None)
    numbers = {time: number for number, (time, _) in enumerate(ordered)}
    keys = tuple(number for number, (_, key) in enumerate(ordered) if key)
    return MovieIndex(count, tuple(time for time, _ in ordered), keys, numbers)
