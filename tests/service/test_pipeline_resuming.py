"""Stopping, going on, and new versions of a shot: nothing is done twice, nothing differs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from model.keyer import KeyedFrame
from model.settings import KeySettings
from service.errors import OutputAway, Transient, WrongState
from service.jobs import FrameResult, FrameState
from service.manifest import ManifestState
from service.messages import FrameStarted, ShotStarted
from tests.service.pipeline_runs import files_of, manifest_of, no_temporaries, run, states
from tests.service.shots_on_disk import (
    LinearKeyer,
    Listener,
    order_for,
    plate_pixels,
    write_plate,
    write_shot,
)


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
    assert _exact(manifest_of(order).frames) == _exact(manifest.frames)
    for adopted, keyed in zip(manifest_of(order).frames, manifest.frames, strict=True):
        figures, first = _figures(adopted), _figures(keyed)
        if adopted.frame == 3:  # the frame before was lost: nothing to tell a change or a pop by
            del first["change"], first["popped"]
        if adopted.frame == 4:  # a pop is told by two frames before
            del first["popped"]
        assert figures == pytest.approx(first, abs=1e-5), adopted.frame


def _exact(results: tuple[FrameResult, ...]) -> list[FrameResult]:
    """Leave out the figures of quality."""
    plain = [result.notes and result.notes.model_copy(update={"quality": None}) for result in results]
    return [result.model_copy(update={"notes": notes}) for result, notes in zip(results, plain, strict=True)]


def _figures(result: FrameResult) -> dict[str, float]:
    assert result.notes is not None and result.notes.quality is not None
    return {name: value for name, value in result.notes.quality if value is not None}


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
    shot = write_shot(tmp_path / "in", range(1, 8))  # the survey passes frame 2 over
    order = order_for(shot, tmp_path / "out")
    run(order)
    write_plate(shot.frame_path(2), plate_pixels(77))
    keyer = LinearKeyer()
    run(order, keyer)
    assert keyer.keyed == 1


def test_a_plate_that_was_replaced_by_an_older_file_is_keyed_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 8))
    order = order_for(shot, tmp_path / "out")
    run(order)
    write_plate(shot.frame_path(2), plate_pixels(77))
    os.utime(shot.frame_path(2), (1e9, 1e9))  # as Explorer, cp -p and rsync -a keep it
    keyer = LinearKeyer()
    run(order, keyer)
    assert keyer.keyed == 1


def test_frames_under_a_matte_that_changed_are_keyed_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", [1, 2, 3])
    matte = tmp_path / "garbage.exr"
    write_plate(matte, plate_pixels(1))
    order = order_for(shot, tmp_path / "out", mattes={"garbage": str(matte)})
    run(order)
    write_plate(matte, plate_pixels(77))
    os.utime(matte, (1e9, 1e9))
    keyer = LinearKeyer()
    run(order, keyer)
    assert keyer.keyed == 3


def test_a_disk_that_went_away_is_no_fault_of_the_frames(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "share" / "in", range(1, 21))
    order = order_for(shot, tmp_path / "out")
    away = tmp_path / "away"

    class Unplugging(LinearKeyer):
        def key(self, *given: Any) -> KeyedFrame:
            if self.keyed == 3:
                shot.folder.parent.rename(away)
            return super().key(*given)

    with pytest.raises(Transient, match="is away"):
        run(order, Unplugging())
    assert "failed" not in states(order).values()
    away.rename(shot.folder.parent)
    assert run(order).outcome == "done"
    assert set(states(order).values()) == {"done"}


def test_an_output_disk_that_goes_away_stops_the_shot_and_nothing_is_made_in_its_place(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 21))
    order = order_for(shot, tmp_path / "share" / "green" / "v001")
    share, away = tmp_path / "share", tmp_path / "away"

    class Unplugging(LinearKeyer):
        def key(self, *given: Any) -> KeyedFrame:
            if self.keyed == 3:
                share.rename(away)
                share.mkdir()  # the empty mount point
            return super().key(*given)

    with pytest.raises(OutputAway) as stopped:
        run(order, Unplugging())
    assert stopped.value.exit_code == 11
    with pytest.raises(OutputAway, match="not there any more"):
        run(order)
    assert not list(share.iterdir())
    share.rmdir()
    away.rename(share)
    assert run(order).outcome == "done"
    assert set(states(order).values()) == {"done"}


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
    shot = write_shot(tmp_path / "in", range(1, 8))
    first = order_for(shot, tmp_path / "v001")
    run(first)
    write_plate(shot.frame_path(2), plate_pixels(55))
    second = order_for(shot, tmp_path / "v002", version=2, reuse=first.output)
    keyer, listener = LinearKeyer(), Listener()
    assert run(second, keyer, listener).outcome == "done"
    assert (keyer.keyed, keyer.surveys) == (1, [])
    assert [result.frame for result in listener.of(ShotStarted)[0].kept] == [1, 3, 4, 5, 6, 7]
    old, new = files_of(first), files_of(second)
    assert {name for name in new if new[name] != old[name]} == {
        "alpha/green_alpha.0002.exr",
        "foreground/green_foreground.0002.exr",
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
