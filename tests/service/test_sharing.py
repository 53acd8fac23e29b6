"""A shot that several workers key together comes out as if one had keyed it, whatever happens to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from model.settings import Screen
from service.executor import ShotLost
from service.executor.sharing import Cutting, Pace, Piece, SharedShot
from service.jobs import FrameResult, FrameState, Problem
from service.messages import FrameFinished, FrameStarted, ShotFailed, ShotFinished, ShotOrder, ShotStarted
from service.pipeline import key_shot
from tests.service.pipeline_runs import QUICK, files_of, manifest_of, no_temporaries, run
from tests.service.shots_on_disk import LinearKeyer, order_for, write_shot

GONE = Problem(kind="worker_lost", message="The worker died.")
SCREEN = Screen(color=(0.05, 0.4, 0.08), coverage=0.6)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def key_piece(shared: SharedShot, piece: Piece, keyer: LinearKeyer | None = None, stopped=lambda: False) -> list:
    """Have the pipeline key a piece in earnest; returns what the shot heard of it."""
    told: list = []

    def report(message) -> None:
        told.extend(shared.hear(piece.id, message))

    finished = key_shot(
        piece.order,
        keyer or LinearKeyer(),
        job_id=piece.id,
        attempt=1,
        report=report,
        stopped=stopped,
        limits=QUICK,
    )
    return told + shared.hear(piece.id, finished)


def key_all(shared: SharedShot, workers: int = 2) -> list:
    told: list = []
    while (piece := shared.next_piece(workers)) is not None:
        told += key_piece(shared, piece)
    return told


def test_parts_of_several_workers_make_the_version_that_one_makes_bit_for_bit(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 24))
    whole, shared_order = order_for(shot, tmp_path / "whole"), order_for(shot, tmp_path / "shared")
    run(whole)
    shared = SharedShot("job", 1, shared_order, 50, Cutting(most_frames=5))
    told = key_all(shared)
    assert files_of(shared_order) == files_of(whole)
    ours, alone = manifest_of(shared_order), manifest_of(whole)
    assert ours.model_copy(update={"plate": alone.plate}) == alone
    assert not (shared_order.output / "parts").exists() and no_temporaries(shared_order)
    assert [type(event) for event in told if not isinstance(event, FrameStarted | FrameFinished)] == [
        ShotStarted,
        ShotFinished,
    ]
    assert sorted(event.result.frame for event in told if isinstance(event, FrameFinished)) == list(range(1, 24))
    assert {(event.job_id, event.attempt) for event in told} == {("job", 1)}
    assert told[-1].manifest == shared_order.output / "manifest.json" and shared.over


def test_frames_of_an_earlier_attempt_are_kept_wherever_its_parts_left_them(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 13)), tmp_path / "out")
    first = SharedShot("job", 1, order, 50, Cutting(most_frames=4))
    key_piece(first, first.next_piece(1))
    key_piece(first, first.next_piece(1))
    second = SharedShot("job", 2, order, 50, Cutting(most_frames=4))
    told = key_all(second)
    assert [result.frame for result in told[0].kept] == [1, 2, 3, 4]
    assert sorted(e.result.frame for e in told if isinstance(e, FrameFinished)) == list(range(5, 13))
    assert manifest_of(order).state.value == "done"


def test_a_stopped_shot_leaves_its_finished_frames_in_their_places(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 13)), tmp_path / "out")
    shared = SharedShot("job", 1, order, 50, Cutting(most_frames=6))
    key_piece(shared, shared.next_piece(2))
    piece = shared.next_piece(2)
    keyer = LinearKeyer()
    shared.stop()
    key_piece(shared, piece, keyer, lambda: keyer.keyed >= 2)
    told = key_piece(shared, shared.next_piece(2))
    assert isinstance(told[-1], ShotFinished) and told[-1].outcome == "stopped" and shared.over
    assert manifest_of(order).state.value == "stopped"
    assert len(files_of(order)) == 4 and {name.split("/")[0] for name in files_of(order)} == {"foreground", "alpha"}


# ---- played: no files


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., tuple[SharedShot, Clock]]:
    def begin(count: int = 40, pace: Pace | None = None, **cutting: float) -> tuple[SharedShot, Clock]:
        clock = Clock()
        shot = write_shot(tmp_path / "in", range(1, 2)).model_copy(update={"frames": tuple(range(1, count + 1))})
        order = ShotOrder(shot=shot, frames=shot.frames, settings=order_for(shot, tmp_path).settings, output=tmp_path)
        shared = SharedShot("job", 1, order, 50, Cutting(**cutting), pace, clock)
        look = shared.next_piece(2)
        assert shared.next_piece(2) is None
        shared.hear(
            look.id, ShotStarted(job_id=look.id, attempt=1, screen=SCREEN, frames=shot.frames, kept=(), plates={1: "a"})
        )
        shared.hear(look.id, finished(look, "stopped"))
        return shared, clock

    return begin


def finished(piece: Piece, outcome: str = "done") -> ShotFinished:
    return ShotFinished(job_id=piece.id, attempt=1, outcome=outcome, manifest=Path("m"))


def play(shared: SharedShot, piece: Piece, clock: Clock, frames: int | None = None, each: float = 1.0) -> list:
    told: list = []
    for frame in piece.order.frames[:frames]:
        told += shared.hear(piece.id, FrameStarted(job_id=piece.id, attempt=1, frame=frame))
        clock.now += each
        result = FrameResult(frame=frame, state=FrameState.DONE)
        told += shared.hear(piece.id, FrameFinished(job_id=piece.id, attempt=1, result=result))
    return told


def test_parts_are_as_long_as_the_seconds_say_and_shorter_towards_the_end(played) -> None:
    shared, clock = played(400, seconds=60.0)
    lengths = []
    while (piece := shared.next_piece(2)).order.role == "part":
        lengths.append(len(piece.order.frames))
        play(shared, piece, clock)
        shared.hear(piece.id, finished(piece))
    assert lengths[0] == 8 and max(lengths) == lengths[1] == 60
    assert lengths[1:] == sorted(lengths[1:], reverse=True) and lengths[-1] <= 4
    assert sum(lengths) == 400 and len(lengths) < 20


def test_with_many_workers_parts_are_long_enough_once_a_frames_time_is_known(played) -> None:
    pace = Pace()
    shared, clock = played(200, pace, seconds=60.0)
    first = shared.next_piece(100)
    assert len(first.order.frames) == 1, "nobody knows what a frame takes: all workers get some"
    play(shared, first, clock, each=0.5)
    shared.hear(first.id, finished(first))
    assert len(shared.next_piece(100).order.frames) == 8, "less than four seconds would cost more than they bring"
    other, _ = played(200, pace, seconds=60.0)
    assert len(other.next_piece(100).order.frames) == 8, "a shot that follows goes by what the one before it took"


def test_parts_that_begin_slowly_are_longer_but_leave_something_for_every_worker(played) -> None:
    for beginning, expected in ((0.0, 12), (5.0, 23)):
        shared, clock = played(100, Pace(seconds=1.0), most_frames=60)
        first = shared.next_piece(4)
        clock.now += beginning
        shared.hear(
            first.id, ShotStarted(job_id=first.id, attempt=1, screen=SCREEN, frames=first.order.frames, kept=())
        )
        play(shared, first, clock)
        shared.hear(first.id, finished(first))
        assert len(shared.next_piece(4).order.frames) == expected


def test_the_frames_of_a_dead_worker_go_to_another_and_late_words_are_not_heard(played) -> None:
    shared, clock = played(40, most_frames=8)
    piece = shared.next_piece(2)
    play(shared, piece, clock, 3)
    shared.hear(piece.id, FrameStarted(job_id=piece.id, attempt=1, frame=4))
    assert shared.lost(piece.id, GONE, blameless=False) == []
    assert play(shared, piece, clock) == []
    again = shared.next_piece(2)
    assert again.order.frames[0] == 4 and again.order.careful and again.order.output != piece.order.output


def test_a_frame_that_ends_two_workers_is_given_up_and_the_shot_goes_on(played) -> None:
    shared, clock = played(12, most_frames=4)
    told = []
    for _ in range(2):
        piece = shared.next_piece(2)
        assert 1 in piece.order.frames
        shared.hear(piece.id, FrameStarted(job_id=piece.id, attempt=1, frame=1))
        told = shared.lost(piece.id, GONE, blameless=False)
    assert [(e.result.frame, e.result.state, e.result.problem.kind) for e in told] == [(1, "failed", "poison")]
    keyed = []
    while (piece := shared.next_piece(2)).order.role == "part":
        keyed += piece.order.frames
        play(shared, piece, clock)
        shared.hear(piece.id, finished(piece))
    assert sorted(keyed) == list(range(2, 13))
    assert piece.order.role == "gather" and piece.order.known[0].state is FrameState.FAILED


def test_a_broken_line_accuses_no_frame(played) -> None:
    shared, _ = played(12, most_frames=4)
    for _ in range(5):
        piece = shared.next_piece(2)
        shared.hear(piece.id, FrameStarted(job_id=piece.id, attempt=1, frame=1))
        assert shared.lost(piece.id, GONE, blameless=True) == []
    assert not shared.next_piece(2).order.careful


def test_workers_that_die_before_any_frame_end_the_attempt(played) -> None:
    shared, _ = played(12)
    assert shared.lost(shared.next_piece(2).id, GONE, blameless=False) == []
    (lost,) = shared.lost(shared.next_piece(2).id, GONE, blameless=False)
    assert isinstance(lost, ShotLost) and lost.blameless and shared.over


def test_a_disk_that_is_full_for_one_part_ends_all_and_then_the_attempt(played) -> None:
    shared, clock = played(40, most_frames=8)
    first, second = shared.next_piece(2), shared.next_piece(2)
    full = Problem(kind="output_full", message="No room.")
    assert shared.hear(first.id, ShotFailed(job_id=first.id, attempt=1, problem=full, transient=True)) == []
    assert shared.failing and shared.next_piece(2) is None
    play(shared, second, clock, 1)
    (failed,) = shared.hear(second.id, finished(second, "stopped"))
    assert isinstance(failed, ShotFailed) and failed.problem == full and failed.transient and failed.job_id == "job"


def test_the_rest_of_the_slowest_part_is_shared_once_workers_are_idle(played) -> None:
    shared, clock = played(16, most_frames=8)
    slow, quick = shared.next_piece(1), shared.next_piece(1)
    assert (len(slow.order.frames), len(quick.order.frames)) == (8, 4)
    while (piece := shared.next_piece(1)) is not None:
        play(shared, piece, clock, each=3.0)
        shared.hear(piece.id, finished(piece))
    play(shared, slow, clock, 1, each=9.0)
    play(shared, quick, clock, each=3.0)
    shared.hear(quick.id, finished(quick))
    assert shared.longest() is slow and shared.longest() is None
    shared.hear(slow.id, finished(slow, "stopped"))
    rest = [shared.next_piece(2), shared.next_piece(2)]
    assert [frame for piece in rest for frame in piece.order.frames] == [2, 3, 4, 5]
