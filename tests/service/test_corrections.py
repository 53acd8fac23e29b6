"""Strokes are carried along motion, change nothing else, and mean the same in every part of a shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.corrections import Corrections, Stroke
from model.keyer import load_keyer
from model.settings import KeySettings, MatteSources
from service.exr import read_exr
from service.jobs import JobRequest
from service.messages import PreviewOrder, ShotOrder
from service.pipeline.limits import Limits
from service.pipeline.preview import Previewer
from service.shots import shot_from_plate
from service.versions import recipe_of
from tests.service.panning import FRAMES, HEIGHT, PIECE, STEP, panned, piece_in, removing, write_panning
from tests.service.pipeline_runs import manifest_of, run
from tests.service.shots_on_disk import order_for, write_plate

DIFFERENCE = KeySettings(keyer="difference")
SOME = range(1, 9)


def alpha_of(folder: Path, frame: int) -> NDArray[np.float32]:
    return read_exr(folder / "alpha" / f"pan_alpha.{frame:04d}.exr")[0]["A"]


def keyed(
    shot: Any, output: Path, corrections: Corrections | None, keyer: str = "difference", **more: Any
) -> ShotOrder:
    order = order_for(
        shot, output, settings={"keyer": keyer}, mattes=MatteSources(corrections=corrections).model_dump(), **more
    )
    run(order, load_keyer(keyer))  # type: ignore[arg-type]  # any keyer will do
    return order


def alphas(output: Path, frames: Any = SOME) -> list[bytes]:
    return [alpha_of(output, frame).tobytes() for frame in frames]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_panning(tmp_path_factory.mktemp("short") / "pan", SOME)


def test_one_stroke_removes_a_piece_of_set_from_a_panning_shot_and_changes_nothing_else(tmp_path: Path) -> None:
    shot = write_panning(tmp_path / "pan")
    plain, corrected = (keyed(shot, tmp_path / str(c is not None), c).output for c in (None, removing()))
    for frame in FRAMES:
        before, after = alpha_of(plain, frame), alpha_of(corrected, frame)
        piece = np.zeros_like(before, bool)
        piece[piece_in(frame)] = True
        assert before[piece].max() > 0.99, "there is something to remove"
        assert after[piece].max() < 0.01, frame
        assert np.abs(after - before)[~piece].max() <= 0.01, frame


def test_a_network_that_hears_of_a_stroke_answers_as_before_away_from_it(tmp_path: Path) -> None:
    shot = write_panning(tmp_path / "pan", range(1, 3))
    plain, corrected = (keyed(shot, tmp_path / str(c is not None), c, "neural").output for c in (None, removing()))
    for frame in range(1, 3):
        before, after = alpha_of(plain, frame), alpha_of(corrected, frame)
        piece = np.zeros_like(before, bool)
        piece[piece_in(frame)] = True
        assert after[piece].max() < 0.01
        assert np.abs(after - before)[~piece].max() <= 0.01


@pytest.mark.parametrize("drawn", [(1,), (8,), (3, 6)], ids=str)
def test_parts_and_previews_have_the_bits_of_the_whole_shot(short: Any, tmp_path: Path, drawn: tuple[int, ...]) -> None:
    corrections = Corrections(frames={frame: removing(frame).frames[frame] for frame in drawn})
    whole = keyed(short, tmp_path / "whole", corrections)
    part = keyed(short, tmp_path / "part", corrections, frames=(4, 5, 7), screen=manifest_of(whole).screen)
    assert alphas(part.output, (4, 5, 7)) == alphas(whole.output, (4, 5, 7))
    assert alpha_of(whole.output, 5)[piece_in(5)].max() < 0.01
    assert [r.around_fingerprint for r in manifest_of(part).frames] == [
        r.around_fingerprint for r in manifest_of(whole).frames if r.frame in (4, 5, 7)
    ]
    previewer = Previewer(Limits())
    for frame in (5, 4):
        order = PreviewOrder(
            shot=short,
            frame=frame,
            frames=tuple(SOME),
            settings=DIFFERENCE,
            mattes=MatteSources(corrections=corrections),
            screen=manifest_of(whole).screen,
            folder=tmp_path / str(frame),
            floats=True,
        )
        previewer.make(str(frame), order, load_keyer("difference"))
        assert alphas(order.folder, (frame,)) == alphas(whole.output, (frame,))


def test_what_is_left_to_the_keyer_on_a_later_frame_ends_a_stroke_there(short: Any, tmp_path: Path) -> None:
    x = PIECE[0] - 5 * STEP
    decide = Stroke(says="decide", points=((x - 40, PIECE[1] - 70), (x + 40, HEIGHT)), box=True)
    corrections = Corrections(frames={1: removing().frames[1], 6: (decide,)})
    found = keyed(short, tmp_path / "out", corrections).output
    shown = [alpha_of(found, frame)[piece_in(frame)].max() > 0.5 for frame in SOME]
    assert shown == [False, False, False, True, True, True, True, True], "of two drawn frames the nearer one counts"


def test_a_stroke_keeps_what_the_key_takes_away(short: Any, tmp_path: Path) -> None:
    keep = Corrections(frames={4: (Stroke(says="keep", points=((100.0, 100.0),), width=30.0),)})
    found = keyed(short, tmp_path / "out", keep).output
    for frame in SOME:
        assert alpha_of(found, frame)[100, 100 - (frame - 4) * STEP] == 1.0


def test_strokes_end_at_a_cut_and_at_a_gap(tmp_path: Path) -> None:
    folder = tmp_path / "pan"
    for frame in (1, 2, 3, 4, 6, 7):
        write_plate(folder / f"pan.{frame:04d}.exr", panned(frame) if frame < 4 else panned(frame)[:, ::-1] * 0.3 + 0.2)
    write_plate(folder / "pan.0007.exr", panned(7))
    shot = shot_from_plate(folder / "pan.####.exr")
    plain, corrected = (
        keyed(shot, tmp_path / str(c is not None), c, accept_gaps=True).output for c in (None, removing())
    )
    same = [alphas(plain, (frame,)) == alphas(corrected, (frame,)) for frame in (1, 2, 3, 4, 6, 7)]
    assert same == [False, False, False, True, True, True]


def test_a_frame_is_keyed_again_where_a_plate_changed_on_the_way_of_its_strokes(tmp_path: Path) -> None:
    shot = write_panning(tmp_path / "pan", SOME)
    first = keyed(shot, tmp_path / "first", removing())
    write_plate(tmp_path / "pan" / "pan.0004.exr", panned(4) * 1.01)
    again = keyed(shot, tmp_path / "again", removing(), reuse=first.output)
    taken = [r.frame for r in manifest_of(again).frames if r in manifest_of(first).frames]
    assert taken == [1, 2, 3], "all beyond the changed plate were followed over it"


def test_what_is_undone_is_the_same_job_as_before_and_strokes_make_another() -> None:
    request = JobRequest(plate="pan.####.exr")
    plain, corrected = (recipe_of(request, MatteSources(corrections=c)) for c in (None, removing()))
    assert plain == recipe_of(request, MatteSources())
    assert corrected != plain
