"""Frames that cannot be keyed, disks that fill up and plates that vanish: listed, never silent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from service.errors import (
    BadInput,
    DropKeyError,
    OutOfMemory,
    OutputFull,
    PlateMissing,
    PlateUnreadable,
)
from service.jobs import FrameResult, FrameState, Problem
from service.manifest import ManifestState
from service.messages import FrameFinished, FrameStarted, ShotStarted
from service.pipeline import Limits
from service.plates import Picture
from service.plates.sequences import SequencePlate
from service.shots import shot_from_plate
from tests.service.full_disk import full_for
from tests.service.movies_on_disk import counting_movie
from tests.service.pipeline_runs import files_of, manifest_of, no_temporaries, planes_of, run, states
from tests.service.shots_on_disk import (
    LinearKeyer,
    Listener,
    order_for,
    plate_pixels,
    write_plate,
    write_shot,
)


def test_a_truncated_frame_becomes_a_listed_hole_and_the_rest_is_finished(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    broken = shot.frame_path(3)
    broken.write_bytes(broken.read_bytes()[:-500])
    shot.frame_path(4).write_bytes(b"")
    order = order_for(shot, tmp_path / "out")
    listener = Listener()
    assert run(order, listener=listener).outcome == "incomplete"
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.INCOMPLETE
    assert states(order) == {1: "done", 2: "done", 3: "failed", 4: "failed", 5: "done"}
    problems = {result.frame: result.problem for result in manifest.frames if result.problem}
    assert {frame: problem.kind for frame, problem in problems.items()} == {
        3: "plate_unreadable",
        4: "plate_unreadable",
    }
    assert all(problem.fix and problem.frame == frame for frame, problem in problems.items())
    assert manifest.problem is not None
    assert "2 of 5" in manifest.problem.message
    assert len(files_of(order)) == 6
    assert [m.result.frame for m in listener.of(FrameFinished) if m.result.state is FrameState.FAILED] == [3, 4]


@pytest.mark.parametrize("odd", [1, 2, 3])
def test_a_frame_of_another_size_becomes_a_hole_a_slate_too(tmp_path: Path, odd: int) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    write_plate(shot.frame_path(odd), plate_pixels(odd, width=20, height=10))
    order = order_for(shot, tmp_path / "out")
    assert run(order).outcome == "incomplete"
    kinds = {result.frame: result.problem.kind for result in manifest_of(order).frames if result.problem}
    assert kinds == {odd: "plate_mismatch"}


def test_missing_frames_are_holes_unless_gaps_are_accepted(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 4])
    asked = order_for(shot, tmp_path / "a", frames=(1, 2, 3, 4))
    assert run(asked).outcome == "incomplete"
    assert states(asked)[3] == "failed"
    assert manifest_of(asked).frames[2].problem.kind == "plate_missing"  # type: ignore[union-attr]  # it failed
    accepted = order_for(shot, tmp_path / "b", frames=(1, 2, 3, 4), accept_gaps=True)
    assert run(accepted).outcome == "done"
    assert states(accepted) == {1: "done", 2: "done", 4: "done"}
    assert "3" in manifest_of(accepted).warnings[0]


def test_frames_past_the_end_of_a_movie_are_refused_before_any_is_keyed(tmp_path: Path) -> None:
    movie = counting_movie(tmp_path / "green.mkv", "mjpeg", "yuvj420p", 6)
    shot = shot_from_plate(movie, first_frame=1001)
    screen = {"color": (0, 1, 0), "coverage": 0.5}
    for frames in ((1005, 1006, 1007, 1008), (5, 6), (9_000_000,)):
        order = order_for(shot, tmp_path / str(frames[0]), frames=frames, screen=screen)
        listener = Listener()
        with pytest.raises(PlateMissing, match=r"The movie has no frames [\d,-]+; it has 1001-1006\.") as caught:
            run(order, listener=listener)
        assert caught.value.shot == "green"
        assert listener.heard == []
        assert files_of(order) == {}
    accepted = order_for(shot, tmp_path / "b", frames=(1005, 1006, 1007), screen=screen, accept_gaps=True)
    assert run(accepted).outcome == "done"
    assert states(accepted) == {1005: "done", 1006: "done"}
    assert "1007" in manifest_of(accepted).warnings[0]


def test_a_shot_with_nothing_but_broken_frames_fails_as_a_whole(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    for frame in shot.frames:
        shot.frame_path(frame).write_bytes(shot.frame_path(frame).read_bytes()[:1000])
    order = order_for(shot, tmp_path / "out")
    with pytest.raises(PlateUnreadable) as caught:
        run(order)
    assert caught.value.shot == "green"
    assert manifest_of(order).state is ManifestState.FAILED
    assert manifest_of(order).problem is not None


def test_frames_that_are_given_up_are_not_touched_and_listed(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    poison = FrameResult(
        frame=2, state=FrameState.FAILED, problem=Problem(kind="worker_lost", message="It killed two workers.", frame=2)
    )
    order = order_for(shot, tmp_path / "out", given_up=(poison,), careful=True)
    listener = Listener()
    assert run(order, listener=listener).outcome == "incomplete"
    assert manifest_of(order).frames[1] == poison
    assert 2 not in [message.frame for message in listener.of(FrameStarted)]


def test_careful_keying_announces_a_frame_before_it_is_read(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    order = order_for(shot, tmp_path / "out", careful=True, screen={"color": (0, 1, 0), "coverage": 0.5})
    kinds = Listener()
    run(order, listener=kinds)
    steps = [(type(m).__name__, getattr(m, "frame", None)) for m in kinds.heard if not isinstance(m, ShotStarted)]
    assert steps[::2] == [("FrameStarted", 1), ("FrameStarted", 2), ("FrameStarted", 3)]
    assert {name for name, _ in steps[1::2]} == {"FrameFinished"}


def test_a_keyer_that_fails_on_one_frame_leaves_one_hole(tmp_path: Path) -> None:
    def fail(count: int) -> None:
        if count == 2:
            raise ValueError("a bug")

    order = order_for(write_shot(tmp_path / "in", [1, 2, 3]), tmp_path / "out")
    assert run(order, LinearKeyer(fail)).outcome == "incomplete"
    assert states(order) == {1: "done", 2: "failed", 3: "done"}


def test_notes_become_warnings_with_their_frames(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    for frame in (2, 3):
        pixels = plate_pixels(frame)
        pixels[4, 4:6] = np.nan
        pixels[5, 5, 0] = np.inf
        write_plate(shot.frame_path(frame), pixels)
    order = order_for(shot, tmp_path / "out")
    run(order)
    (warning,) = manifest_of(order).warnings
    assert warning.startswith("6 pixels")
    assert "2-3" in warning
    assert all(np.isfinite(plane).all() for plane in planes_of(order, "foreground", 2).values())


def test_too_little_room_is_found_before_anything_is_keyed(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2]), tmp_path / "out")
    keyer = LinearKeyer()
    with pytest.raises(OutputFull, match="GiB"):
        run(order, keyer, limits=Limits(minimum_free_gib=1e9))
    assert keyer.keyed == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells a descriptor's path")
def test_a_disk_that_fills_up_keeps_the_finished_frames_for_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = write_shot(tmp_path / "in", range(1, 9))
    order = order_for(shot, tmp_path / "out")

    def fill(count: int) -> None:
        if count == 5:
            monkeypatch.setattr(os, "fsync", full_for("green_alpha.0005.exr"))

    with pytest.raises(OutputFull) as caught:
        run(order, LinearKeyer(fill))
    monkeypatch.undo()
    assert caught.value.fix
    assert manifest_of(order).state is ManifestState.FAILED
    assert no_temporaries(order)
    keyer = LinearKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed <= 4


def test_an_output_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    order = order_for(shot, tmp_path / "v001")
    order.output.rmdir()
    order.output.write_text("no folder", encoding="utf-8")
    with pytest.raises(DropKeyError) as caught:
        run(order)
    assert caught.value.shot == "green"
    assert caught.value.fix


def test_memory_that_runs_out_is_tried_again_once_then_raised(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2, 3]), tmp_path / "out")

    def once(count: int) -> None:
        if count == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    keyer = LinearKeyer(once)
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 4

    def always(count: int) -> None:
        raise MemoryError

    with pytest.raises(OutOfMemory):
        run(order_for(order.shot, tmp_path / "again"), LinearKeyer(always))


def test_a_shot_that_is_deleted_half_way_fails_frame_by_frame(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 16))
    order = order_for(shot, tmp_path / "out")

    def delete(count: int) -> None:
        if count == 2:
            shutil.rmtree(tmp_path / "in")

    assert run(order, LinearKeyer(delete)).outcome == "incomplete"
    found = states(order)
    assert (found[1], found[2], found[15]) == ("done", "done", "failed")


def test_an_order_without_frames_is_refused(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    with pytest.raises(BadInput):
        run(order_for(shot, tmp_path / "out", frames=(7,), accept_gaps=True))


def test_frames_of_which_none_is_there_fail_the_shot(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    with pytest.raises(PlateMissing):
        run(order_for(shot, tmp_path / "out", frames=(7, 8)))


def test_results_do_not_depend_on_the_number_of_writers(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 9))
    one, four = order_for(shot, tmp_path / "one"), order_for(shot, tmp_path / "four")
    run(one, limits=Limits(minimum_free_gib=0.0, writers=1))
    run(four, limits=Limits(minimum_free_gib=0.0, writers=4))
    assert files_of(one) == files_of(four)
    assert manifest_of(one).frames == manifest_of(four).frames


def test_a_plate_that_memory_is_short_for_is_tried_again_and_is_no_unreadable_plate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 8)), tmp_path / "out")  # the survey passes frame 2 over
    read, short = SequencePlate.read, [1]

    def reads(plate: SequencePlate, frame: int, **more: bool) -> Picture:
        if frame == 2 and short[0]:
            short[0] -= 1
            raise MemoryError
        return read(plate, frame, **more)

    monkeypatch.setattr(SequencePlate, "read", reads)
    assert run(order).outcome == "done"
    again = order_for(order.shot, tmp_path / "again")
    short[0] = 100
    with pytest.raises(OutOfMemory) as raised:
        run(again)
    assert raised.value.exit_code == 12 and "failed" not in states(again).values()
