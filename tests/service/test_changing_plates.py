"""Plates and mattes that somebody writes anew while their shot is keyed: no version mixes two of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.keyer import KeyedFrame
from service import parts
from service.errors import PlateChanged, PlateMissing
from service.jobs import FrameResult, FrameState
from service.manifest import ManifestState
from service.messages import ShotOrder
from service.pipeline import Limits
from service.pipeline.sources import Sources
from service.shots import Shot
from service.versions import content_of
from tests.service.pipeline_runs import QUICK, files_of, manifest_of, planes_of, run, states
from tests.service.shots_on_disk import LinearKeyer, order_for, plate_pixels, write_plate, write_shot

ONE_AT_A_TIME = Limits(minimum_free_gib=0.0, retry_seconds=0.0, manifest_seconds=0.0, read_ahead=1, writers=1)


def darker(frame: int) -> NDArray[np.float32]:
    """Return what another take of the same shot might look like: its screen is lit half as much."""
    return plate_pixels(frame) * np.float32(0.5)


def rewrite(shot: Shot, frames: Iterable[int], pixels: Callable[[int], NDArray[np.float32]] = darker) -> None:
    for frame in frames:
        write_plate(shot.frame_path(frame), pixels(frame))


class Meanwhile(LinearKeyer):
    """Keys, and has something happen before its fourth frame."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def key(self, *given: object) -> KeyedFrame:
        if self.keyed == 3:
            self._happens()
        return super().key(*given)  # type: ignore[arg-type]


def keyed_calmly(shot: Shot, output: Path) -> dict[str, bytes]:
    order = order_for(shot, output)
    run(order)
    return files_of(order)


def test_plates_that_change_under_a_version_are_holes_in_it_and_are_told(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 41))
    order = order_for(shot, tmp_path / "v001")
    before = keyed_calmly(shot, tmp_path / "before")
    assert run(order, Meanwhile(lambda: rewrite(shot, shot.frames)), limits=ONE_AT_A_TIME).outcome == "incomplete"
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.INCOMPLETE
    assert manifest.problem is not None and manifest.problem.kind == PlateChanged.kind
    done = [frame for frame, state in states(order).items() if state == "done"]
    assert done and len(done) < 10
    assert all(before[name] == content for name, content in files_of(order).items())
    changed = next(result for result in manifest.frames if result.state is FrameState.FAILED).problem
    assert changed is not None and "was changed while the shot was keyed" in changed.message


def test_the_next_version_of_changed_plates_looks_for_their_screen(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 41))
    first = order_for(shot, tmp_path / "v001")
    run(first, Meanwhile(lambda: rewrite(shot, shot.frames)), limits=ONE_AT_A_TIME)
    second = order_for(shot, tmp_path / "v002", reuse=first.output)
    assert run(second).outcome == "done"
    assert files_of(second) == keyed_calmly(shot, tmp_path / "calm")


def test_a_screen_found_in_plates_that_have_changed_is_looked_for_anew(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 41))
    first = order_for(shot, tmp_path / "v001")
    run(first)
    rewrite(shot, [1])  # one of those surveyed; most of the others could be taken over
    second = order_for(shot, tmp_path / "v002", reuse=first.output)
    run(second)
    assert files_of(second) == keyed_calmly(shot, tmp_path / "calm")


def test_a_retry_after_all_plates_changed_keys_every_frame_with_their_screen(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 41))
    order = order_for(shot, tmp_path / "v001")
    run(order, Meanwhile(lambda: rewrite(shot, shot.frames)), limits=ONE_AT_A_TIME)
    assert run(order).outcome == "done"
    assert files_of(order) == keyed_calmly(shot, tmp_path / "calm")


def test_a_frame_written_from_a_plate_that_changed_meanwhile_is_not_adopted(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 8))
    order = order_for(shot, tmp_path / "v001")
    run(order)
    rewrite(shot, [2], lambda frame: plate_pixels(frame + 50))
    _forget(order)
    # The worker had read the plate before it changed, and wrote its result after that.
    for path in order.output.rglob("*.0002.exr"):
        os.utime(path)
    keyer = LinearKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 1
    assert files_of(order) == keyed_calmly(shot, tmp_path / "calm")


def test_a_matte_that_changes_under_a_version_makes_holes_in_it(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 41))
    matte = tmp_path / "garbage.exr"
    write_plate(matte, np.zeros_like(plate_pixels(1)))
    order = order_for(shot, tmp_path / "v001", mattes={"garbage": str(matte)})
    change = Meanwhile(lambda: write_plate(matte, np.ones_like(plate_pixels(1))))
    assert run(order, change, limits=ONE_AT_A_TIME).outcome == "incomplete"
    done = [frame for frame, state in states(order).items() if state == "done"]
    assert done and all(planes_of(order, "alpha", frame)["A"].max() > 0.9 for frame in done)
    problem = manifest_of(order).problem
    assert problem is not None and "matte garbage.exr was changed" in problem.message
    assert run(order).outcome == "done"
    assert all(planes_of(order, "alpha", frame)["A"].max() == 0.0 for frame in shot.frames)


def test_a_plate_that_comes_while_its_shot_is_keyed_is_taken(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 21))
    late = shot.frame_path(20).read_bytes()
    shot.frame_path(20).unlink()
    order = order_for(shot, tmp_path / "v001")
    arrives = Meanwhile(lambda: shot.frame_path(20).write_bytes(late))
    assert run(order, arrives, limits=ONE_AT_A_TIME).outcome == "done"


def test_parts_of_a_shot_whose_plates_changed_agree_on_a_screen_anew(tmp_path: Path) -> None:
    found = [parts.Agreed(screen={"color": color, "coverage": 0.5}, plates={}) for color in ((0, 1, 0), (0, 0, 1))]
    version = tmp_path / "v001"
    assert parts.agreed_screen(version, lambda: found[0], lambda _: True) == found[0].screen
    assert parts.agreed_screen(version, lambda: found[1], lambda _: True) == found[0].screen
    assert parts.agreed_screen(version, lambda: found[1], lambda _: False) == found[1].screen
    assert parts.agreed_already(version) == found[1]


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_a_run_over_quiet_plates_looks_at_each_once_and_fails_none(tmp_path: Path, frames: int) -> None:
    order = order_for(write_shot(tmp_path / "in", range(1, frames + 1)), tmp_path / "out")
    assert run(order, limits=QUICK).outcome == "done"
    assert len(manifest_of(order).surveyed) == min(frames, 5)


def _forget(order: ShotOrder) -> None:
    """Leave the manifest as a worker does that is killed between writing frames and refreshing it."""
    forgotten = tuple(FrameResult(frame=n, state=FrameState.WAITING) for n in order.frames)
    running = manifest_of(order).model_copy(update={"state": ManifestState.RUNNING, "frames": forgotten})
    (order.output / "manifest.json").write_text(running.model_dump_json(), encoding="utf-8")


def ordered(shot: Shot, output: Path, **more: object) -> ShotOrder:
    """Return an order for the plates as they are now and no others."""
    return order_for(shot, output, content=content_of(shot, shot.frames), **more)


def test_an_attempt_that_begins_while_plates_are_written_anew_keys_none_of_them(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 13))
    order = ordered(shot, tmp_path / "v001")
    rewrite(shot, range(1, 10))
    with pytest.raises(PlateChanged, match="written anew after it was ordered"):
        run(order)
    assert files_of(order) == {}
    manifest = manifest_of(order)
    assert manifest.state is ManifestState.FAILED
    assert manifest.problem is not None and manifest.problem.kind == PlateChanged.kind


def test_an_interrupted_version_does_not_go_on_with_other_plates_and_the_next_one_takes_what_it_has(
    tmp_path: Path,
) -> None:
    shot = write_shot(tmp_path / "in", range(1, 13))
    calm = keyed_calmly(shot, tmp_path / "before")
    order = ordered(shot, tmp_path / "v001")
    stops = LinearKeyer()
    assert run(order, stops, stopped=lambda: stops.keyed >= 5, limits=ONE_AT_A_TIME).outcome == "stopped"
    finished = files_of(order)
    assert finished and len(finished) < len(calm)
    rewrite(shot, [11])  # not among those that the screen was found in
    with pytest.raises(PlateChanged):
        run(order)
    assert files_of(order) == finished, "nothing is added to it"
    keyer = LinearKeyer()
    following = ordered(shot, tmp_path / "v002", reuse=order.output)
    assert run(following, keyer).outcome == "done"
    assert keyer.keyed == 12 - len(finished) // 2
    assert files_of(following) == keyed_calmly(shot, tmp_path / "calm")


def test_a_plate_that_comes_late_and_is_another_makes_no_version_that_is_done(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 21))
    order = ordered(shot, tmp_path / "v001")
    shot.frame_path(20).unlink()
    with pytest.raises(PlateChanged):
        run(order, Meanwhile(lambda: rewrite(shot, [20])), limits=ONE_AT_A_TIME)
    assert manifest_of(order).state is ManifestState.FAILED


def test_a_plate_that_goes_away_while_it_is_read_is_a_hole(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 4))
    sources = Sources(shot)
    sources.look(shot.frames)
    shot.frame_path(2).unlink()
    sources.check(1)
    with pytest.raises(PlateMissing, match="went away while it was read"):
        sources.check(2)
