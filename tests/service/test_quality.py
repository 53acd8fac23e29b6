"""The quality report: planted faults are found, on their frames, through the real pipeline and keyer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.difference import DifferenceKeyer
from model.settings import FrameNotes, FrameQuality
from service.jobs import FrameResult, FrameState
from service.manifest import Manifest, read_manifest
from service.pipeline import key_shot
from service.quality import FrameFigures, report_on
from service.shots import shot_from_plate
from tests.service.asking import asker, check_problem
from tests.service.dropping import Place
from tests.service.shots_on_disk import LinearKeyer, Listener, order_for, write_plate, write_shot

FRAMES = tuple(range(1, 18))
HEIGHT, WIDTH = 80, 112
SCREEN = np.float32([0.05, 0.42, 0.08])
Fault = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


def plate(frame: int, fault: Fault | None) -> NDArray[np.float32]:
    """A grey subject that moves over a grainy green screen."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    alpha = np.clip((30 - np.hypot(x - 48 - 0.5 * frame, y - 40)) / 6, 0, 1)[..., None]
    color = alpha * np.float32([0.5, 0.45, 0.45]) + (1 - alpha) * SCREEN
    color = color + np.random.default_rng(frame).normal(0, 0.003, color.shape)
    return np.asarray(color if fault is None else fault(color.astype(np.float32), alpha), np.float32)


def dirty_screen(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tracking marks and dust: grey specks all over the screen."""
    specks = np.random.default_rng(3).random(alpha.shape) < 0.02
    return np.where(specks & (alpha == 0), np.float32(0.3), color)


def holes_in_the_core(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The subject reflects the screen in small places."""
    specks = np.random.default_rng(4).random(alpha.shape) < 0.01
    return np.where(specks & (alpha == 1), SCREEN, color)


def jump(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """A frame of another place of the shot."""
    return np.roll(color, 25, axis=1)


def not_a_number(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a renderer leaves where it divided by zero."""
    broken = color.copy()
    broken[40:44, 40:44] = np.nan
    return broken


def blurred(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """A frame that is out of focus."""
    reach = 12
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 5.0) ** 2)
    for axis in (0, 1):
        wider = np.pad(color, [(reach, reach) if each == axis else (0, 0) for each in range(3)], mode="edge")
        shifted = (np.take(wider, range(at, at + color.shape[axis]), axis=axis) for at in range(weights.size))
        color = sum(weight * each for weight, each in zip(weights / weights.sum(), shifted, strict=True))
    return color


def green_rim(color: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The screen lights the subject's edge."""
    return color + 4 * alpha * (1 - alpha) * np.float32([0, 0.1, 0])


FAULTS: dict[int, tuple[Fault, str]] = {
    3: (dirty_screen, "screen_noise"),
    6: (holes_in_the_core, "core_noise"),
    9: (jump, "flicker"),
    12: (not_a_number, "nan_repaired"),
    15: (blurred, "soft_share"),
}


def keyed(folder: Path, faults: dict[int, Fault], **settings: object) -> Manifest:
    """Key the shot with ``faults`` planted on their frames, as the worker does."""
    for frame in FRAMES:
        write_plate(folder / "plate" / f"green.{frame:04d}.exr", plate(frame, faults.get(frame)))
    order = order_for(shot_from_plate(folder / "plate" / "green.####.exr"), folder / "out", settings=settings)
    keyer = DifferenceKeyer(torch.device("cpu"))
    finished = key_shot(order, keyer, job_id="j", attempt=1, report=Listener(), stopped=lambda: False)
    return read_manifest(finished.manifest)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A shot with five planted faults."""
    return keyed(tmp_path_factory.mktemp("faulty"), {frame: fault for frame, (fault, _) in FAULTS.items()})


@pytest.mark.parametrize(("frame", "figure"), [(frame, figure) for frame, (_, figure) in FAULTS.items()])
def test_a_planted_fault_is_found_on_its_frame(faulty: Manifest, frame: int, figure: str) -> None:
    assert faulty.quality is not None
    assert (frame, figure) in {(found.frame, found.figure) for found in faulty.quality.worst}
    (told,) = [f for f in report_on(faulty.frames).frames if f.frame == frame]
    assert figure in told.stands_out


def test_sound_frames_do_not_stand_out(faulty: Manifest) -> None:
    assert faulty.quality is not None and faulty.quality.measured == len(FRAMES)
    assert {found.frame for found in faulty.quality.worst} == set(FAULTS)
    report = report_on(faulty.frames)
    assert [f.frame for f in report.frames] == list(FRAMES) and report.frames[0].flicker is None
    assert report.frames[4].screen_noise is not None and report.frames[4].screen_noise < 0.01


def test_a_green_rim_that_despill_leaves_is_found_on_its_frame(tmp_path: Path) -> None:
    left = keyed(tmp_path / "left", {5: green_rim}, despill=0.0).quality
    assert left is not None and [(found.frame, found.figure) for found in left.worst] == [(5, "edge_spill")]
    assert left.worst[0].value > 0.2 > 0.01 > left.worst[0].usual
    taken = keyed(tmp_path / "taken", {5: green_rim}).quality
    assert taken is not None and taken.worst == ()


def done(frame: int, **figures: float) -> FrameResult:
    notes = FrameNotes(quality=FrameQuality.model_validate({"change": 0.01, "edge_spill": 0.02} | figures))
    return FrameResult(frame=frame, state=FrameState.DONE, notes=notes)


def test_what_blinks_in_one_frame_is_a_pop_there_and_what_comes_to_stay_is_none() -> None:
    blinks = report_on([done(n, popped=0.002 if n == 5 else 0.0) for n in range(9)])
    assert [(w.frame, w.figure) for w in blinks.shot.worst] == [(4, "pops")]
    assert blinks.frames[4].pops == 0.002 and blinks.frames[8].pops is None


def test_spill_on_one_frame_stands_out() -> None:
    report = report_on([done(n, edge_spill=0.4 if n == 3 else 0.02) for n in range(8)])
    assert [(w.frame, w.figure, w.usual) for w in report.shot.worst] == [(3, "edge_spill", 0.02)]


def test_a_cut_is_no_flicker_but_a_single_odd_frame_is() -> None:
    cut = report_on([done(n, change=0.5 if n == 4 else 0.01) for n in range(9)])
    assert cut.shot.worst == ()
    odd = report_on([done(n, change=0.5 if n in (4, 5) else 0.01) for n in range(9)])
    assert [(w.frame, w.figure) for w in odd.shot.worst] == [(4, "flicker")]


def test_a_few_frames_have_no_usual() -> None:
    assert report_on([done(n, edge_spill=0.1 * n) for n in range(4)]).shot.worst == ()


def test_a_shot_that_is_noisy_throughout_has_no_outlier() -> None:
    random = np.random.default_rng(5)
    assert report_on([done(n, edge_spill=float(random.normal(0.5, 0.1))) for n in range(60)]).shot.worst == ()


def test_frames_without_figures_are_listed_without() -> None:
    results = [FrameResult(frame=1, state=FrameState.DONE), FrameResult(frame=2, state=FrameState.FAILED), done(3)]
    report = report_on(results)
    assert [f.frame for f in report.frames] == [1, 3] and report.frames[0].edge_spill is None
    assert report.shot.measured == 1 and report_on([]).frames == ()


def test_a_resumed_shot_has_the_figures_of_an_uninterrupted_one(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plate", range(1, 7))
    whole = order_for(shot, tmp_path / "whole")
    seen: list[object] = []
    go = partial(key_shot, order_for(shot, tmp_path / "halves"), LinearKeyer(), job_id="j", attempt=1)
    first = read_manifest(go(report=seen.append, stopped=lambda: len(seen) > 4).manifest)
    assert 0 < sum(f.state is FrameState.DONE for f in first.frames) < 6
    resumed = read_manifest(go(report=Listener(), stopped=lambda: False).manifest)
    done_at_once = key_shot(whole, LinearKeyer(), job_id="j", attempt=1, report=Listener(), stopped=lambda: False)
    notes = [f.notes for f in read_manifest(done_at_once.manifest).frames]
    assert [f.notes for f in resumed.frames] == notes
    assert all(n is not None and n.quality is not None and n.quality.change is not None for n in notes[1:])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(8))
    yield made
    made.close()


def test_the_report_is_asked_over_http(place: Place) -> None:
    client = asker(place)
    job = client.post("/jobs", json={"root": "drop", "plate": "hero/hero.####.png"}).json()["id"]
    assert client.get(f"/jobs/{job}/quality").json() == {
        "shot": {"measured": 0, "usual": {}, "worst": []},
        "frames": [],
    }
    place.store.record_frames(job, [done(n, edge_spill=0.4 if n == 3 else 0.02) for n in range(8)])
    told = client.get(f"/jobs/{job}/quality").json()
    assert told["shot"]["measured"] == 8 and told["shot"]["worst"][0]["frame"] == 3
    assert told["frames"][3]["stands_out"] == ["edge_spill"]
    check_problem(client.get("/jobs/nobody/quality"), 404, "not_found")


def test_the_page_describes_every_figure_and_says_where_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)`", page, flags=re.MULTILINE)
    reported = FrameFigures.model_fields.keys() - {"frame", "stands_out"}
    noted = FrameNotes.model_fields.keys() - {"warnings", "quality"}
    assert sorted(described) == sorted(reported | noted | FrameQuality.model_fields.keys())
    assert FrameQuality.model_fields.keys() - reported == {"change", "popped"}
    assert noted - reported == {"screen_share", "core_share"}
    assert reported - noted - FrameQuality.model_fields.keys() == {"flicker", "pops"}
