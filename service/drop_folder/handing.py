"""Hands one shot of a drop folder to the queue: as the job that waited for its files, or as a new one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from service.drop_folder.port import Queue
from service.drop_folder.tracked import Tracked
from service.jobs import JobState
from service.requests import Order
from service.shots import Shot

ARRIVING = frozenset({JobState.WAITING_INPUT, JobState.PAUSED, JobState.ROOT_OFFLINE})
"""States of a job whose files are still to come."""


def hand_over(queue: Queue, tracked: Tracked, order: Order, shot: Shot, unchanged: Callable[[], bool]) -> None:
    """Have a shot keyed whose files have settled. Raises PlateChanged where they are not ``unchanged`` since."""
    submit = partial(
        queue.submit,
        order.request,
        shot,
        output_root=order.output_root,
        mattes=order.mattes,
        unchanged=unchanged,
    )
    if tracked.job_id is None:
        submit()
        return
    # A job that somebody cancelled meanwhile stays cancelled.
    job = queue.settle(tracked.job_id, shot, order.request, mattes=order.mattes, unchanged=unchanged)
    if job.state is not JobState.CANCELLED and not set(shot.frames) <= set(job.frames):
        submit()  # somebody started it by hand before all frames were there


def to_be_refused(queue: Queue, tracked: Tracked, order: Order, shot: Shot) -> str | None:
    """Return a waiting job that can carry the bad news; None when an earlier service told it."""
    job, _ = queue.submit(order.request, shot, output_root=order.output_root, settled=False)
    if job.state not in ARRIVING:
        if job.state is JobState.FAILED and not tracked.changed:
            return None
        again = order.request.model_copy(update={"key_again": True})
        job, _ = queue.submit(again, shot, output_root=order.output_root, settled=False)
    return job.id
