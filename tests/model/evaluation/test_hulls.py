"""Frames to touch: what the masks hold, when a frame counts, and that the table says how many of how many."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from model.errors import KeyingError, NoScreenError
from model.evaluation import sets
from model.evaluation.contenders import Keyed
from model.evaluation.hulls import Hull, filled, hull_of, score_hull
from model.evaluation.report import frame_tables, tables, write_page
from model.evaluation.results import REGION_FIGURES, PictureResult, Report, Row
from model.evaluation.run import evaluate, score
from model.evaluation.sheets import full_sheet
from tests.model.evaluation.made_up import Answers, Picture, disc, read_picture, shared_plates, write_picture

SHARED = shared_plates()
SIZE = (40, 30)  # width, height
ENTRY = {
    "size": SIZE,
    "outside_of": [[[10, 5], [29, 5], [29, 24], [10, 24]]],
    "inside": [[[15, 10], [24, 10], [24, 19], [15, 19]]],
    "ignore": [[0, 0, 8, 30]],
}


def plate_set(*hulls: Hull) -> sets.PlateSet:
    plate = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    examples = tuple(sets.RegionExample(f"{n}.png", plate, {}, None, hull) for n, hull in enumerate(hulls))
    return sets.PlateSet(sets.REAL, "", region_examples=examples)


def alpha_of(hull: Hull) -> np.ndarray:
    return np.where(hull.inside, 1.0, 0.0).astype(np.float32)


def test_vertices_and_edges_belong_to_a_polygon() -> None:
    hull = hull_of(ENTRY)
    assert hull.inside.sum() == 10 * 10 and hull.inside[10, 15] and hull.inside[19, 24]
    kept_out = np.zeros((SIZE[1], SIZE[0]), bool)
    kept_out[5:25, 10:30] = kept_out[:, :8] = True
    assert (hull.outside == ~kept_out).all()


def test_polygons_that_overlap_are_joined() -> None:
    squares = [[[2, 2], [9, 2], [9, 9], [2, 9]], [[5, 5], [12, 5], [12, 12], [5, 12]]]
    assert filled((20, 20), squares).sum() == 64 + 64 - 25


def test_without_a_hull_nothing_is_outside_and_nothing_is_said_about_it() -> None:
    hull = hull_of(ENTRY | {"outside_of": []})
    figures = score_hull(np.ones((SIZE[1], SIZE[0]), np.float32), hull)
    assert math.isnan(figures["outside"]) and math.isnan(figures["outside_share"])
    assert figures["inside"] == figures["inside_share"] == figures["to_touch"] == 0.0


@pytest.mark.parametrize(
    ("place", "alpha", "share", "touched"),
    [
        ("outside", 0.021, 0.009, False),
        ("outside", 0.021, 0.012, True),
        ("outside", 0.019, 1.0, False),
        ("inside", 0.979, 0.0019, False),
        ("inside", 0.979, 0.0021, True),
        ("inside", 0.981, 1.0, False),
    ],
)
def test_a_frame_is_to_touch_above_one_percent_outside_or_a_fifth_of_one_inside(
    place: str, alpha: float, share: float, touched: bool
) -> None:
    outside = np.zeros((200, 200), bool)
    outside[:100] = True
    hull = Hull(outside, ~outside)
    answer = alpha_of(hull)
    rows, columns = np.nonzero(getattr(hull, place))
    wrong = slice(0, round(share * len(rows)))
    answer[rows[wrong], columns[wrong]] = alpha
    figures = score_hull(answer, hull)
    assert figures["to_touch"] == touched
    assert figures[f"{place}_share"] == (pytest.approx(share) if 0.02 < alpha < 0.98 else 0.0)
    assert figures[place] == pytest.approx(share * (alpha if place == "outside" else 1 - alpha), rel=1e-3)


def test_the_table_counts_the_frames_to_touch_and_the_others_show_the_mean_shares() -> None:
    hull = hull_of(ENTRY)
    good, veiled = alpha_of(hull), np.where(hull.inside, 1.0, 0.1).astype(np.float32)
    plate = np.zeros((*good.shape, 3), np.float32)

    class InTurn(Answers):
        def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
            yield turns.pop(0)

    turns = [Keyed(good, plate), Keyed(veiled, plate), Keyed(good, plate)]
    row = score(InTurn("in turn"), plate_set(hull, hull, hull))
    assert row.count("to_touch") == (1, 3)
    report = Report((row,), ((sets.REAL, "about"),), (), False)
    text = shown(report)
    assert "1 of 3" in text and "333.3" in text
    one = next(line for line in shown(report, frames=True).splitlines() if "1.png" in line)
    assert "yes" in one and "1000.0" in one and "100.0" in one


def test_a_refused_frame_is_to_touch_even_where_nothing_is_outside_of_its_hull() -> None:
    class Refuses(Answers):
        def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
            raise NoScreenError("There is no screen.")

    row = score(Refuses("refuses"), plate_set(hull_of(ENTRY | {"outside_of": []}), hull_of(ENTRY)))
    assert row.count("to_touch") == (2, 2)
    assert row.results[1].figures["outside"] == 1.0


def test_the_last_frame_of_a_movie_needs_no_next_one_where_no_flicker_is_measured(plates: Path) -> None:
    real = plates / "real"
    hulls = json.loads((real / "hulls.json").read_text(encoding="utf-8"))
    (real / "hulls.json").write_text(json.dumps({"hull.mp4:7": hulls["hull.png:0"]}), encoding="utf-8")
    (real / "regions.json").unlink()

    def read(path: Path, *, encoding: str, frame: int) -> Picture:
        assert frame == 7, "it has no more"
        return disc().plate

    assert [one.name for one in sets.real(plates, read).region_examples] == ["hull.mp4:7"]


def test_hulls_and_regions_of_one_frame_come_together_and_either_is_enough(plates: Path) -> None:
    found = sets.real(plates, read_picture).region_examples
    assert [(one.name, set(one.regions), one.hull is not None) for one in found] == [
        ("both.png", {"screen"}, True),
        ("hull.png", set(), True),
        ("regions.png", {"screen"}, False),
    ]
    (plates / "real" / "regions.json").unlink()
    assert [one.name for one in sets.real(plates, read_picture).region_examples] == ["both.png", "hull.png"]


def test_a_hull_that_was_drawn_on_a_picture_of_another_size_is_refused_by_name(plates: Path) -> None:
    write_picture(plates / "real" / "hull.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(KeyingError, match=r"hull\.png is 8 × 8, but hulls\.json was drawn on 80 × 60"):
        sets.real(plates, read_picture)


def test_a_reduced_plate_keeps_blocks_that_are_known_throughout() -> None:
    small = hull_of(ENTRY).reduced(2)
    assert small.inside.sum() == 4 * 5, "columns 15 and 24 are half of a block"
    assert small.outside.shape == (15, 20)


def test_real_plates_are_counted_from_disk_and_the_page_has_every_frame(plates: Path, tmp_path: Path) -> None:
    report = evaluate(["ffmpeg"], plates, False, read_picture, set_names=(sets.REAL,))
    row = report.row("ffmpeg", sets.REAL)
    assert row.count("to_touch")[1] == 2
    page = write_page(report, tmp_path / "page", write_picture).read_text(encoding="utf-8")
    assert "ffmpeg, picture by picture" in page and "<td>hull.png</td>" in page
    assert "of 2" in page


def test_the_table_of_real_plates_fits_into_160_letters() -> None:
    figures = {figure.key: 1.0 if figure.counted else 999.9 / figure.scale for figure in REGION_FIGURES}
    row = Row("classification", "", sets.REAL, (PictureResult("one", figures, 99.0),), note="refused 9 of 28")
    lines = shown(Report((row,), ((sets.REAL, "about"),), (), False)).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 160


@pytest.mark.skipif(SHARED is None, reason="no plates here: neither DROPKEY_PLATES nor ../shared/plates")
def test_we_count_what_the_script_beside_the_plates_counts(tmp_path: Path) -> None:
    assert SHARED is not None
    entries = {
        name: entry
        for name, entry in json.loads((SHARED / "real" / "hulls.json").read_text(encoding="utf-8")).items()
        if entry["size"][0] * entry["size"][1] < 310_000
    }
    assert len(entries) >= 5 and any("ignore" in entry for entry in entries.values())
    (tmp_path / "hulls.json").write_text(json.dumps(entries), encoding="utf-8")
    ours = []
    for number, (name, entry) in enumerate(entries.items()):
        alpha = np.random.default_rng(number).random(entry["size"][::-1], dtype=np.float32)
        np.save(tmp_path / f"{name.replace(':', '.')}.npy", alpha)
        ours.append(score_hull(alpha, hull_of(entry)))
    script = [sys.executable, str(SHARED / "to_touch.py"), str(tmp_path / "hulls.json"), str(tmp_path)]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    for line, figures in zip(said, ours, strict=False):
        theirs = [float(value) for value in line.split()[1:]]
        mine = [figures[key] * 1e3 for key in ("outside", "outside_share", "inside", "inside_share")]
        assert mine == pytest.approx(theirs, abs=0.0051, nan_ok=True), line
    assert said[-1].endswith(f"{sum(one['to_touch'] for one in ours):.0f} of {len(ours)}")


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """Three pictures of a disc: with a hull and regions, with a hull alone, with regions alone."""
    folder = tmp_path / "plates" / "real"
    folder.mkdir(parents=True)
    example = disc()
    codes = np.where(
        example.plate <= 0.0031308, example.plate * 12.92, 1.055 * np.maximum(example.plate, 1e-9) ** (1 / 2.4) - 0.055
    )
    for name in ("both.png", "hull.png", "regions.png"):
        write_picture(folder / name, np.rint(codes * 255).astype(np.uint8))
    entry = {
        "size": [80, 60],
        "outside_of": [[[15, 5], [65, 5], [65, 55], [15, 55]]],
        "inside": [[[35, 25], [45, 25], [45, 35], [35, 35]]],
    }
    (folder / "hulls.json").write_text(json.dumps({"both.png:0": entry, "hull.png:0": entry}), encoding="utf-8")
    regions = {"size": [80, 60], "frames": {"0": {"screen": [[0, 0, 8, 8]]}}}
    (folder / "regions.json").write_text(json.dumps({"both.png": regions, "regions.png": regions}), encoding="utf-8")
    return tmp_path / "plates"


def shown(report: Report, *, frames: bool = False) -> str:
    out = io.StringIO()
    for table in frame_tables(report) if frames else tables(report):
        Console(file=out, width=250).print(table)
    return out.getvalue()


def test_the_full_sheet_marks_what_is_counted_as_wrong() -> None:
    hull = hull_of(ENTRY)
    alpha = alpha_of(hull)
    alpha[2, 20], alpha[12, 18], alpha[2, 4] = 0.03, 0.9, 1.0
    sheet = full_sheet(np.zeros((30, 40, 3), np.float32), alpha, np.ones((30, 40, 3), np.float32), None, hull)
    assert sheet.shape == (60, 80, 3)
    wrong = sheet[30:, 40:]
    assert wrong[2, 20].argmax() == 0 and wrong[12, 18].argmax() == 2
    assert (wrong.reshape(-1, 3).any(axis=-1)).sum() == 2, "what is to be ignored is not marked"
    assert sheet[12, 40 + 18].tolist() == [230, 230, 230], "alpha as it is"


def test_the_full_sheet_of_a_tall_picture_without_truth_is_one_row_of_three() -> None:
    tall = np.zeros((9, 5, 3), np.float32)
    assert full_sheet(tall, tall[..., 0], tall).shape == (9, 15, 3)
