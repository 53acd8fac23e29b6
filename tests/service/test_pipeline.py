"""One shot through the pipeline, on real files: results, holes, resuming, versions, stopping, faults of the disk."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.settings import KeySettings, MatteSources, Polygon, PolygonMatte
from service.errors import (
    BadInput,
    DropKeyError,
    NoScreen,
    OutOfMemory,
    OutputFull,
    PlateMissing,
    PlateUnreadable,
    WrongState,
)
from service.exr import read_exr, verify
from service.jobs import FrameResult, FrameState, Problem
from service.manifest import Manifest, ManifestState, read_manifest
from service.messages import FrameFinished, FrameStarted, ShotFinished, ShotOrder, ShotStarted
from service.pipeline import Limits, key_shot
from service.pipeline.delivery import exact_rate
from service.pipeline.survey import sampled
from tests.service.shots_on_disk import (
    HEIGHT,
    WIDTH,
    LinearKeyer,
    Listener,
    order_for,
    plate_pixels,
    write_plate,
    write_shot,
)

QUICK = Limits(minimum_free_gib=0.0, retry_seconds=0.0, manifest_seconds=0.0)


def run(
    order: ShotOrder,
    keyer: LinearKeyer | None = None,
    listener: Listener | None = None,
    stopped: object = None,
    limits: Limits = QUICK,
) -> ShotFinished:
    return key_shot(
        order,
        keyer or LinearKeyer(),
        job_id="job",
        attempt=1,
        report=listener or Listener(),
        stopped=stopped if callable(stopped) else lambda: False,
        limits=limits,
    )


def manifest_of(order: ShotOrder) -> Manifest:
    return read_manifest(order.output / "manifest.json")


def files_of(order: ShotOrder) -> dict[str, bytes]:
    return {
        path.relative_to(order.output).as_posix(): path.read_bytes() for path in sorted(order.output.rglob("*.exr"))
    }


def states(order: ShotOrder) -> dict[int, str]:
    return {result.frame: result.state.value for result in manifest_of(order).frames}


def planes_of(order: ShotOrder, name: str, frame: int) -> dict[str, NDArray[np.float32]]:
    number = order.shot.frame_number(frame)
    return read_exr(order.output / name / f"green_{name}.{number}.exr")[0]


def no_temporaries(order: ShotOrder) -> bool:
    return not [path for path in order.output.rglob("*") if path.name.endswith(".tmp")]


def test_a_shot_comes_out_as_two_passes_and_a_manifest(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1001, 1005))
    order = order_for(shot, tmp_path / "out" / "v001", fps="23.976")
    listener = Listener()
    finished = run(order, listener=listener)
    assert (finished.outcome, finished.manifest) == ("done", order.output / "manifest.json")
    expected = [f"{name}/green_{name}.{n}.exr" for name in ("alpha", "foreground") for n in range(1001, 1005)]
    assert sorted(files_of(order)) == expected
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.DONE
    assert (manifest.first_frame, manifest.last_frame, manifest.padding) == (1001, 1004, 4)
    assert manifest.fps == "24000/1001"
    assert (manifest.plate.width, manifest.plate.height, manifest.plate.encoding) == (WIDTH, HEIGHT, "linear")
    assert [(p.folder, p.pattern) for p in manifest.passes] == [
        ("foreground", "green_foreground.####.exr"),
        ("alpha", "green_alpha.####.exr"),
    ]
    for result in manifest.frames:
        assert result.state is FrameState.DONE
        for name, checksum in result.checksums.items():
            assert verify(order.output / name / f"green_{name}.{result.frame}.exr") == checksum
    assert [message.frame for message in listener.of(FrameStarted)] == [1001, 1002, 1003, 1004]
    assert [message.result.frame for message in listener.of(FrameFinished)] == [1001, 1002, 1003, 1004]
    assert all(
        message.read_seconds and message.key_seconds and message.write_seconds for message in listener.of(FrameFinished)
    )
    (started,) = listener.of(ShotStarted)
    assert (started.frames, started.kept, started.screen) == ((1001, 1002, 1003, 1004), (), manifest.screen)
    assert no_temporaries(order)


def test_the_core_is_the_plate_bit_for_bit_and_outside_is_zero(tmp_path: Path) -> None:
    pixels = plate_pixels(3) * np.float32(50.0)
    pixels[15:17, 24:26] = [[50.0, -0.125, 7.7]]
    write_plate(tmp_path / "in" / "green.0001.exr", pixels)
    write_plate(tmp_path / "in" / "green.0002.exr", pixels)
    shot = write_shot(tmp_path / "in", [])
    for association in ("premultiplied", "straight"):
        order = order_for(shot, tmp_path / association, settings={"association": association})
        run(order)
        planes = planes_of(order, "foreground", 1)
        color, alpha = np.dstack([planes[name] for name in "RGB"]), planes["A"]
        assert (alpha == 1.0).sum() > 20
        assert np.array_equal(color[alpha == 1.0], pixels[alpha == 1.0])
        assert (alpha == 0.0).sum() > 20
        assert not color[alpha == 0.0].any()
        matte = planes_of(order, "alpha", 1)
        assert all(np.array_equal(matte[name], alpha) for name in "RGBA")


def test_straight_and_premultiplied_composite_to_the_same_picture(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    background = np.float32([0.2, 0.1, 0.9])
    pictures = []
    for association in ("premultiplied", "straight"):
        order = order_for(shot, tmp_path / association, settings={"association": association})
        run(order)
        planes = planes_of(order, "foreground", 1)
        color, alpha = np.dstack([planes[name] for name in "RGB"]), planes["A"][..., None]
        light = color if association == "premultiplied" else color * alpha
        pictures.append(light + (1 - alpha) * background)
        header = read_exr(order.output / "foreground" / "green_foreground.0001.exr")[1]
        assert header["dropkey/association"] == manifest_of(order).association == association
    assert np.abs(pictures[0] - pictures[1]).max() < 1e-5


def test_an_unknown_rate_is_null_and_never_guessed(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2]), tmp_path / "out")
    run(order)
    assert manifest_of(order).fps is None


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("24", Fraction(24)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rounded_television_rates_become_exact(asked: str, exact: Fraction) -> None:
    assert exact_rate(Fraction(asked)) == exact


def test_negative_frames_keep_their_numbers(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [-2, -1, 0, 1]), tmp_path / "out")
    run(order)
    assert "alpha/green_alpha.-0002.exr" in files_of(order)
    assert manifest_of(order).first_frame == -2


def test_running_twice_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    one, two = order_for(shot, tmp_path / "a"), order_for(shot, tmp_path / "b", careful=True)
    run(one)
    run(two)
    assert files_of(one) == files_of(two)


# ---- holes


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


def test_a_frame_of_another_size_becomes_a_hole(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    write_plate(shot.frame_path(2), plate_pixels(2, width=20, height=10))
    order = order_for(shot, tmp_path / "out")
    assert run(order).outcome == "incomplete"
    assert manifest_of(order).frames[1].problem is not None
    assert manifest_of(order).frames[1].problem.kind == "plate_mismatch"  # type: ignore[union-attr]  # asserted above


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


# ---- the screen


def test_a_plate_without_a_screen_is_refused_with_a_fix(tmp_path: Path) -> None:
    for frame in (1, 2):
        write_plate(tmp_path / "in" / f"green.{frame:04d}.exr", np.full((HEIGHT, WIDTH, 3), 0.3, np.float32))
    order = order_for(write_shot(tmp_path / "in", []), tmp_path / "out")
    with pytest.raises(NoScreen):
        run(order)
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.FAILED
    assert manifest.problem is not None
    assert manifest.problem.kind == "no_screen"
    assert manifest.plate.width == WIDTH


def test_samples_are_spread_from_first_to_last() -> None:
    assert sampled(range(1001, 1102)) == (1001, 1026, 1051, 1076, 1101)
    assert sampled((4, 9)) == (4, 9)


def test_a_known_screen_saves_the_survey(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    keyer = LinearKeyer()
    order = order_for(shot, tmp_path / "out", screen={"color": (0.0, 1.0, 0.0), "coverage": 0.5})
    run(order, keyer)
    assert keyer.surveys == []
    assert manifest_of(order).screen == order.screen


def test_the_survey_passes_over_a_broken_sample(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 21))
    shot.frame_path(1).write_bytes(b"\x76\x2f\x31\x01")
    keyer = LinearKeyer()
    assert run(order_for(shot, tmp_path / "out"), keyer).outcome == "incomplete"
    assert len(keyer.surveys[0]) == 4


# ---- mattes


def test_polygon_mattes_hold_inside_and_outside(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    corner = Polygon(points=((0, 0), (4, 0), (4, 3), (0, 3)))
    rest = Polygon(points=((20, 10), (28, 10), (28, 20), (20, 20)))
    mattes = MatteSources(core=PolygonMatte(frames={1: (corner,)}), garbage=PolygonMatte(frames={1: (rest,)}))
    order = order_for(shot, tmp_path / "out", mattes=mattes)
    run(order)
    planes = planes_of(order, "foreground", 2)
    assert (planes["A"][:3, :4] == 1.0).all()
    assert (planes["A"][10:20, 20:28] == 0.0).all()
    assert np.array_equal(planes["G"][:3, :4], plate_pixels(2)[:3, :4, 1])


def test_a_matte_that_is_not_there_is_named_before_any_frame_is_keyed(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    keyer = LinearKeyer()
    order = order_for(shot, tmp_path / "out", mattes={"garbage": str(tmp_path / "garbage.png")})
    with pytest.raises(PlateMissing):
        run(order, keyer)
    assert keyer.keyed == 0
    assert manifest_of(order).state is ManifestState.FAILED


# ---- stopping and going on


def stop_after(listener: Listener, count: int) -> object:
    return lambda: len(listener.of(FrameStarted)) >= count


def test_stopping_ends_within_one_frame_and_keeps_what_is_finished(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 21)), tmp_path / "out")
    listener, keyer = Listener(), LinearKeyer()
    assert run(order, keyer, listener, stop_after(listener, 3)).outcome == "stopped"
    assert keyer.keyed == 3
    assert manifest_of(order).state is ManifestState.STOPPED
    assert [frame for frame, state in states(order).items() if state == "done"] == [1, 2, 3]
    assert len(files_of(order)) == 6
    assert no_temporaries(order)


def test_a_resumed_shot_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 13))
    whole, parts = order_for(shot, tmp_path / "whole"), order_for(shot, tmp_path / "parts")
    run(whole)
    listener = Listener()
    run(parts, listener=listener, stopped=stop_after(listener, 4))
    keyer, second = LinearKeyer(), Listener()
    assert run(parts, keyer, second).outcome == "done"
    assert keyer.keyed == 8
    assert [result.frame for result in second.of(ShotStarted)[0].kept] == [1, 2, 3, 4]
    assert files_of(parts) == files_of(whole)
    assert manifest_of(parts).frames == manifest_of(whole).frames


def test_the_survey_of_a_resumed_shot_is_that_of_the_whole_shot(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 13))
    order = order_for(shot, tmp_path / "out")
    listener, keyer = Listener(), LinearKeyer()
    run(order, keyer, listener, stop_after(listener, 4))
    (order.output / "manifest.json").unlink()
    again = LinearKeyer()
    run(order, again)
    assert again.surveys == keyer.surveys
    assert again.keyed == 8


def test_frames_that_no_manifest_knows_are_adopted_when_they_are_whole(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, 7)), tmp_path / "out")
    run(order)
    expected = files_of(order)
    manifest = manifest_of(order)
    # As a worker leaves it that is killed between writing frames and refreshing the manifest.
    forgotten = tuple(FrameResult(frame=n, state=FrameState.WAITING) for n in range(1, 7))
    running = manifest.model_copy(update={"state": ManifestState.RUNNING, "frames": forgotten})
    (order.output / "manifest.json").write_text(running.model_dump_json(), encoding="utf-8")
    half = order.output / "alpha" / "green_alpha.0002.exr"
    half.write_bytes(half.read_bytes()[:-100])
    (order.output / "foreground" / "green_foreground.0005.exr").unlink()
    (order.output / "foreground" / f".green_foreground.0005.exr.{os.getpid()}.tmp").write_bytes(b"half")
    keyer = LinearKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 2
    assert files_of(order) == expected
    assert no_temporaries(order)
    assert {r.frame: r.checksums for r in manifest_of(order).frames} == {r.frame: r.checksums for r in manifest.frames}


def test_a_result_that_was_changed_afterwards_is_keyed_again(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2, 3]), tmp_path / "out")
    run(order)
    expected = files_of(order)
    shutil.copyfile(order.output / "alpha" / "green_alpha.0001.exr", order.output / "alpha" / "green_alpha.0002.exr")
    keyer = LinearKeyer()
    run(order, keyer)
    assert keyer.keyed == 1
    assert files_of(order) == expected


def test_a_plate_that_changed_since_is_keyed_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    order = order_for(shot, tmp_path / "out")
    run(order)
    write_plate(shot.frame_path(2), plate_pixels(77))
    keyer = LinearKeyer()
    run(order, keyer)
    assert keyer.keyed == 1


def test_retrying_an_incomplete_shot_redoes_its_holes_only(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    good = shot.frame_path(2).read_bytes()
    shot.frame_path(2).write_bytes(b"")
    order = order_for(shot, tmp_path / "out")
    assert run(order).outcome == "incomplete"
    shot.frame_path(2).write_bytes(good)
    keyer = LinearKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 1
    assert manifest_of(order).problem is None


def test_a_folder_that_holds_another_result_is_never_overwritten(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    order = order_for(shot, tmp_path / "out")
    run(order)
    before = files_of(order), manifest_of(order)
    with pytest.raises(WrongState):
        run(order.model_copy(update={"settings": KeySettings(despill=0.5)}))
    assert (files_of(order), manifest_of(order)) == before


def test_a_new_version_takes_over_unchanged_frames_and_their_screen(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 6))
    first = order_for(shot, tmp_path / "v001")
    run(first)
    write_plate(shot.frame_path(3), plate_pixels(55))
    second = order_for(shot, tmp_path / "v002", version=2, reuse=first.output)
    keyer, listener = LinearKeyer(), Listener()
    assert run(second, keyer, listener).outcome == "done"
    assert (keyer.keyed, keyer.surveys) == (1, [])
    assert [result.frame for result in listener.of(ShotStarted)[0].kept] == [1, 2, 4, 5]
    old, new = files_of(first), files_of(second)
    assert {name for name in new if new[name] != old[name]} == {
        "alpha/green_alpha.0003.exr",
        "foreground/green_foreground.0003.exr",
    }
    assert manifest_of(second).version == 2
    assert no_temporaries(second)


def test_a_version_of_other_settings_is_not_reused(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    first = order_for(shot, tmp_path / "v001")
    run(first)
    second = order_for(shot, tmp_path / "v002", reuse=first.output, settings={"despill": 0.5})
    keyer = LinearKeyer()
    run(second, keyer)
    assert keyer.keyed == 2


def test_a_damaged_file_of_an_earlier_version_is_not_taken_over(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    first = order_for(shot, tmp_path / "v001")
    run(first)
    expected = files_of(first)
    (first.output / "alpha" / "green_alpha.0001.exr").write_bytes(b"damaged")
    second = order_for(shot, tmp_path / "v002", reuse=first.output)
    run(second)
    assert files_of(second) == expected


# ---- faults of the machine


def test_too_little_room_is_found_before_anything_is_keyed(tmp_path: Path) -> None:
    order = order_for(write_shot(tmp_path / "in", [1, 2]), tmp_path / "out")
    keyer = LinearKeyer()
    with pytest.raises(OutputFull, match="GiB"):
        run(order, keyer, limits=Limits(minimum_free_gib=1e9))
    assert keyer.keyed == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which only Linux has")
def test_a_disk_that_fills_up_keeps_the_finished_frames_for_the_next_attempt(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 9))
    order = order_for(shot, tmp_path / "out")

    def fill(count: int) -> None:
        if count == 5:
            name = f".green_alpha.0005.exr.{os.getpid()}.tmp"
            (order.output / "alpha" / name).symlink_to("/dev/full")

    with pytest.raises(OutputFull) as caught:
        run(order, LinearKeyer(fill))
    assert caught.value.fix
    assert manifest_of(order).state is ManifestState.FAILED
    assert no_temporaries(order)
    keyer = LinearKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed <= 4


def test_an_output_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2])
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(DropKeyError) as caught:
        run(order_for(shot, tmp_path / "file" / "v001"))
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
