"""When a frame is given up because keying it ends workers: one rule, whoever counts the deaths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.jobs import FrameResult, FrameState, Problem

POISON = "poison"
DEATHS_OF_POISON = 2


def poisonous(in_flight: Sequence[int], deaths: Mapping[int, int], problem: Problem) -> FrameResult | None:
    """Return the result of the frame to give up; None while each may have another chance to prove itself.

    ``in_flight`` are the frames that a worker was at when it died, in the order in which they were started; the one
    that entered the keyer last is the culprit.
    """
    culprits = [frame for frame in in_flight if deaths.get(frame, 0) >= DEATHS_OF_POISON]
    if not culprits:
        return None
    frame = culprits[-1]
    reason = Problem(
        kind=POISON,
        message=f"Keying this frame ended the worker {deaths[frame]} times. {problem.message}",
        fix="Look at the plate of this frame; retry once it is mended, or accept the result without it.",
        frame=frame,
    )
    return FrameResult(frame=frame, state=FrameState.FAILED, problem=reason)
