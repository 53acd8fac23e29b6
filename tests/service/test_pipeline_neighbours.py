"""A keyer that hears the frames around one: parts, resumed runs, careful runs and previews agree with a whole run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.keyer import KeyedFrame, Mattes
from model.keying.behind import Behind
from model.keying.steadiness import REACH, Around, Glimpse
from model.settings import KeySettings, Screen
from service.errors import BadInput, PlateChanged
from service.exr import read_exr
from service.jobs import FrameState
from service.messages import FrameStarted, PreviewOrder
from service.pipeline.limits import Limits
from service.pipeline.neighbours import Glimpses, Neighbours
from service.pipeline.preview import Previewer
from tests.service.pipeline_runs import manifest_of, run, states
from tests.service.shots_on_disk import LinearKeyer, Listener, order_for, plate_pixels, write_plate, write_shot

FRAMES = range(1, 10)


class HearingKeyer(LinearKeyer):
    """Adds to alpha what is seen around a frame: every neighbour that is heard, and how far away, changes the bits."""

    name = "hearing"
    reach = REACH

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.looked = 0
        self.heard: list[tuple[int, int]] = []

    def glimpse(self, plate: torch.Tensor, screen: Screen) -> Glimpse:
        self.looked += 1
        return Glimpse(plate.mean(dim=(1, 2), keepdim=True), None)

    def key(
        self,
        plate: torch.Tensor,
        screen: Screen,
        mattes: Mattes,
        settings: KeySettings,
        around: Around | None = None,
    ) -> KeyedFrame:
        keyed = super().key(plate, screen, mattes, settings)
        if around is None:
            return keyed
        self.heard.append((len(around.before), len(around.after)))
        sides = (*enumerate(around.before, 1), *((-away, seen) for away, seen in enumerate(around.after, 1)))
        told = sum(float(seen.light.sum()) * (0.01 + 0.001 * away) for away, seen in sides)
        return KeyedFrame((keyed.alpha * 0.5 + told * 0.01).clamp(0, 1), keyed.foreground, keyed.notes)


class FarSeeingKeyer(HearingKeyer):
    """Adds to alpha what the frames spread over the shot look like, too."""

    def sample(self, plate: torch.Tensor, screen: Screen) -> torch.Tensor:
        return plate.mean(dim=(1, 2), keepdim=True)

    def glimpse(self, plate: torch.Tensor, screen: Screen, known: torch.Tensor | None = None) -> Glimpse:
        assert known is None or torch.equal(known, self.sample(plate, screen))
        return super().glimpse(plate, screen)

    def behind(self, samples: Sequence[torch.Tensor], screen: Screen) -> Behind | None:
        return Behind(torch.stack(list(samples)).mean(dim=0), torch.tensor([[[float(len(samples))]]]), (1, 1))

    def key(self, *given: Any) -> KeyedFrame:
        keyed, behind = super().key(*given), given[4].behind
        told = float(behind.light.sum()) * 0.01 + float(behind.taken.sum()) * 0.001
        return KeyedFrame((keyed.alpha * 0.5 + told).clamp(0, 1), keyed.foreground, keyed.notes)


def pixels_of(order: Any) -> dict[str, bytes]:
    """Return what the frames show, by file: headers differ where notes do."""
    found = {}
    for path in sorted(order.output.rglob("*.exr")):
        planes, _ = read_exr(path)
        found[path.name] = b"".join(np.ascontiguousarray(planes[name]).tobytes() for name in "RGBA")
    return found


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    order = order_for(write_shot(tmp_path / "whole", FRAMES), tmp_path / "calm")
    assert run(order, HearingKeyer()).outcome == "done"
    return pixels_of(order)


def test_every_frame_hears_those_around_it_and_each_is_looked_at_once(tmp_path: Path) -> None:
    keyer = HearingKeyer()
    order = order_for(write_shot(tmp_path / "in", FRAMES), tmp_path / "out")
    listener = Listener()
    assert run(order, keyer, listener).outcome == "done"
    assert keyer.heard == [(0, 2), (1, 2), *[(2, 2)] * 5, (2, 1), (2, 0)]
    assert keyer.looked == len(FRAMES)
    assert [message.frame for message in listener.of(FrameStarted)] == list(FRAMES)


def test_parts_hear_what_lies_beyond_them(tmp_path: Path, whole: dict[str, bytes]) -> None:
    shot = write_shot(tmp_path / "in", FRAMES)
    found: dict[str, bytes] = {}
    for number, part in enumerate(((1, 2, 3), (4,), (5, 6, 7, 8, 9))):
        order = order_for(shot, tmp_path / str(number), frames=part)
        assert run(order, HearingKeyer()).outcome == "done"
        assert [result.frame for result in manifest_of(order).frames] == list(part)
        found |= pixels_of(order)
    assert found == whole


@pytest.mark.parametrize("careful", [False, True])
def test_a_run_that_was_stopped_and_resumed_equals_a_calm_one(
    tmp_path: Path, whole: dict[str, bytes], careful: bool
) -> None:
    order = order_for(write_shot(tmp_path / "in", FRAMES), tmp_path / "out", careful=careful)
    keyer = HearingKeyer()
    assert run(order, keyer, stopped=lambda: keyer.keyed >= 4).outcome == "stopped"
    again = HearingKeyer()
    assert run(order, again).outcome == "done"
    assert keyer.keyed + again.keyed == len(FRAMES)
    assert pixels_of(order) == whole


def test_a_worker_that_died_before_the_manifest_leaves_frames_that_are_kept(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    order = order_for(write_shot(tmp_path / "in", FRAMES), tmp_path / "out")
    run(order, HearingKeyer())
    (order.output / "manifest.json").unlink()
    keyer = HearingKeyer()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 0
    assert pixels_of(order) == whole


def test_a_preview_is_the_frame_of_the_whole_run(tmp_path: Path, whole: dict[str, bytes]) -> None:
    shot = write_shot(tmp_path / "in", FRAMES)
    for frame in (1, 5):
        order = PreviewOrder(
            shot=shot,
            frame=frame,
            frames=shot.frames,
            settings=KeySettings(),
            folder=tmp_path / f"p{frame}",
            floats=True,
        )
        Previewer(Limits()).make("a", order, HearingKeyer())
        planes, _ = read_exr(next((tmp_path / f"p{frame}").rglob("*alpha*.exr")))
        name = f"green_alpha.{frame:04d}.exr"
        assert b"".join(np.ascontiguousarray(planes[channel]).tobytes() for channel in "RGBA") == whole[name]


def test_parts_resumed_runs_and_previews_know_the_whole_shot(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 24))
    calm = order_for(shot, tmp_path / "calm")
    assert run(calm, FarSeeingKeyer()).outcome == "done"
    found: dict[str, bytes] = {}
    for number, part in enumerate((range(1, 4), range(4, 5), range(5, 24))):
        order = order_for(shot, tmp_path / str(number), frames=tuple(part))
        run(order, FarSeeingKeyer())
        found |= pixels_of(order)
    assert found == pixels_of(calm)
    killed, keyer = order_for(shot, tmp_path / "killed"), FarSeeingKeyer()
    assert run(killed, keyer, stopped=lambda: keyer.keyed >= 7).outcome == "stopped"
    again = FarSeeingKeyer()
    assert run(killed, again).outcome == "done" and keyer.keyed + again.keyed == 23
    assert pixels_of(killed) == pixels_of(calm)
    order = PreviewOrder(
        shot=shot, frame=9, frames=shot.frames, settings=KeySettings(), folder=tmp_path / "look", floats=True
    )
    Previewer(Limits()).make("a", order, FarSeeingKeyer())
    planes, _ = read_exr(next((tmp_path / "look").rglob("*alpha*.exr")))
    shown = b"".join(np.ascontiguousarray(planes[channel]).tobytes() for channel in "RGBA")
    assert shown == found["green_alpha.0009.exr"]


def test_what_a_changed_plate_teaches_of_the_shot_has_every_frame_keyed_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 12))
    order = order_for(shot, tmp_path / "out")
    run(order, FarSeeingKeyer())
    write_plate(shot.frame_path(1), plate_pixels(77))
    keyer = FarSeeingKeyer()
    run(order, keyer)
    assert keyer.keyed == 11


def test_another_machine_that_computes_the_last_bits_otherwise_keeps_what_is_finished(tmp_path: Path) -> None:
    class Elsewhere(FarSeeingKeyer):
        def behind(self, samples: Sequence[torch.Tensor], screen: Screen) -> Behind | None:
            found = super().behind(samples, screen)
            assert found is not None
            return Behind(found.light * (1.0 + 1e-6), found.taken, found.size)

    order = order_for(write_shot(tmp_path / "in", range(1, 12)), tmp_path / "out")
    run(order, FarSeeingKeyer())
    keyer = Elsewhere()
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == 0


def test_a_sampled_plate_that_changes_while_it_is_read_teaches_nothing(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 12))

    class Rewritten(FarSeeingKeyer):
        def sample(self, plate: torch.Tensor, screen: Screen) -> torch.Tensor:
            write_plate(shot.frame_path(11), plate_pixels(77))
            return super().sample(plate, screen)

    order = order_for(shot, tmp_path / "out", frames=(1,))
    with pytest.raises(PlateChanged, match=r"green\.0011"):
        run(order, Rewritten())


def test_temporal_off_hears_nothing(tmp_path: Path) -> None:
    keyer = HearingKeyer()
    order = order_for(write_shot(tmp_path / "in", FRAMES), tmp_path / "out", settings={"temporal": "off"})
    assert run(order, keyer).outcome == "done"
    assert keyer.heard == [] and keyer.looked == 0
    assert all(result.around_fingerprint is None for result in manifest_of(order).frames)


def test_a_plate_that_changed_has_its_neighbours_keyed_again(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "in", range(1, 12))
    order = order_for(shot, tmp_path / "out")
    run(order, HearingKeyer())
    write_plate(shot.frame_path(5), plate_pixels(77))
    keyer = HearingKeyer()
    run(order, keyer)
    assert keyer.keyed == 2 * REACH + 1


def test_a_frame_that_cannot_be_read_is_a_hole_and_its_neighbours_are_keyed_again_once_it_can(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    shot = write_shot(tmp_path / "in", FRAMES)
    good = shot.frame_path(5).read_bytes()
    shot.frame_path(5).write_bytes(b"")
    order = order_for(shot, tmp_path / "out")
    assert run(order, HearingKeyer()).outcome == "incomplete"
    assert states(order)[5] == FrameState.FAILED.value and states(order)[4] == FrameState.DONE.value
    shot.frame_path(5).write_bytes(good)
    assert run(order, HearingKeyer()).outcome == "done"
    assert pixels_of(order) == whole


def test_a_look_that_fails_leaves_the_frame_to_be_keyed_by_itself(tmp_path: Path) -> None:
    class Stumbling(HearingKeyer):
        def glimpse(self, plate: torch.Tensor, screen: Screen) -> Glimpse:
            if self.looked == 3:
                self.looked += 1
                raise BadInput("It cannot be looked at.", fix="None.")
            return super().glimpse(plate, screen)

    keyer = Stumbling()
    order = order_for(write_shot(tmp_path / "in", FRAMES), tmp_path / "out")
    assert run(order, keyer).outcome == "done"
    assert keyer.keyed == len(FRAMES) and len(keyer.heard) == len(FRAMES) - 1


def test_neighbours_end_at_gaps() -> None:
    neighbours = Neighbours(frozenset((1, 2, 3, 5, 6)), 2)
    assert neighbours.around(3) == (1, 2)
    assert neighbours.around(5) == (6,)
    assert neighbours.to_read((2, 6)) == (1, 2, 3, 5, 6)


def test_what_nobody_hears_any_more_is_forgotten() -> None:
    neighbours = Neighbours(frozenset(range(1, 2001)), REACH)
    glimpses = Glimpses(HearingKeyer(), Screen(color=(0.05, 0.4, 0.08), coverage=0.5), neighbours)
    for frame in range(1, 2001):
        glimpses.look(frame, torch.ones(3, 4, 4))
        if frame > 2 * REACH:
            assert not glimpses.missing(frame - REACH)
        assert glimpses.waiting <= 2 * REACH + 1
