"""Moves frames through the stages: decoding, keying and writing overlap, and nothing piles up in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue

from service.pipeline.limits import Limits
from service.pipeline.stages import FrameOutcome, ReadFrame, Stages

Outcomes = Generator[FrameOutcome, None, None]
Read = ReadFrame | BaseException | None  # an exception ends the shot; None: no frame is left


def one_by_one(
    stages: Stages, frames: Sequence[int], stopped: Callable[[], bool], starting: Callable[[int], None]
) -> Outcomes:
    """Take a frame through all stages before the next one is touched; ``starting`` is told before it is read."""
    for frame in frames:
        for beside in stages.missing(frame):
            if stopped():
                return
            starting(beside)
            stages.look(stages.read(beside, beside=True))
        if stopped():
            return
        starting(frame)
        yield stages.write(stages.key(stages.look(stages.read(frame))))


def overlapped(
    stages: Stages,
    frames: Sequence[int],
    stopped: Callable[[], bool],
    starting: Callable[[int], None],
    limits: Limits,
) -> Outcomes:
    """Read ahead in a thread, key in the calling one, write in a pool; results come in the order of ``frames``.

    A frame waits until those after it that are heard were looked at. ``frames`` ascend. ``starting`` is told before a
    frame is keyed. After ``stopped`` says so, what is keyed is still written.
    Must be closed (`contextlib.closing`), so that its threads end.
    """
    ending = threading.Event()
    arrived: Queue[Read] = Queue(maxsize=limits.read_ahead)
    reader = threading.Thread(target=_read_all, args=(stages, frames, arrived, ending), name="read", daemon=True)
    written: deque[Future[FrameOutcome]] = deque()
    with ThreadPoolExecutor(limits.writers, thread_name_prefix="write") as pool:
        reader.start()
        try:
            ripe = _ripe(stages, frames, arrived)
            while not stopped() and (source := next(ripe, None)) is not None:
                starting(source.frame)
                written.append(pool.submit(stages.write, stages.key(source)))
                del source
                while written and (written[0].done() or len(written) > limits.writers):
                    yield written.popleft().result()
            while written:
                yield written.popleft().result()
        finally:
            ending.set()
            reader.join()


def _ripe(stages: Stages, frames: Sequence[int], arrived: Queue[Read]) -> Iterator[ReadFrame]:
    """Yield the frames to key, each as soon as all that is heard of it was looked at."""
    ours, waiting = frozenset(frames), deque[ReadFrame]()
    while (source := _next(arrived)) is not None:
        looked = stages.look(source)
        if looked.frame in ours:
            waiting.append(looked)
        del source, looked
        while waiting and not stages.missing(waiting[0].frame):
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _next(arrived: Queue[Read]) -> ReadFrame | None:
    item = arrived.get()
    if isinstance(item, BaseException):
        raise item
    return item


def _read_all(stages: Stages, frames: Sequence[int], arrived: Queue[Read], ending: threading.Event) -> None:
    try:
        ours = frozenset(frames)
        for frame in stages.neighbours.to_read(frames):
            if ending.is_set():
                return
            _put(arrived, stages.read(frame, beside=frame not in ours), ending)
        _put(arrived, None, ending)
    except BaseException as error:  # it is raised again where the shot is keyed
        _put(arrived, error, ending)


def _put(arrived: Queue[Read], item: Read, ending: threading.Event) -> None:
    while not ending.is_set():
        try:
            arrived.put(item, timeout=0.1)
            return
        except Full:
            continue
