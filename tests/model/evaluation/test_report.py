"""Table and page: every row is there, what is missing is said, and every picture the page names exists."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import OpenImageIO as oiio
import pytest
from rich.console import Console

from model.evaluation import sets
from model.evaluation.contenders import Keyed
from model.evaluation.report import tables, write_page
from model.evaluation.results import ALPHA_FIGURES, REGION_FIGURES, Figure, PictureResult, Report, Row
from model.evaluation.run import score
from tests.model.evaluation.made_up import Answers, Picture, disc, write_picture


def report() -> Report:
    example = disc()
    plate_set = sets.PlateSet("made up", "one <disc>", (example,))
    truth = score(Answers("truth", Keyed(example.alpha, example.foreground)), plate_set, sheets=True)
    half = score(Answers("half", Keyed(example.alpha / 2, example.foreground)), plate_set, sheets=True)
    absent = Row("absent", "a peer", "made up", note="not available here: no package")
    return Report(
        (truth, half, absent), (("made up", "one <disc>"), ("gone", "not there")), ("gone: no such folder",), True
    )


def text_of(shown: Report) -> str:
    out = io.StringIO()
    console = Console(file=out, width=250)
    for table in tables(shown):
        console.print(table)
    return out.getvalue()


def test_figures_of_the_page_alone_are_on_the_page_and_not_in_the_table(tmp_path: Path) -> None:
    alone = [figure for figure in ALPHA_FIGURES if not figure.in_terminal]
    page = write_page(report(), tmp_path, write_picture).read_text(encoding="utf-8")
    assert [figure.key for figure in alone] == ["edge_sad", "edge_gradient", "edge_connectivity", "dtssd_n", "frozen"]
    of_shots = ("dtssd_n", "frozen")  # there are stills only, and columns that nothing fills are left out
    assert all((f">{figure.label}</th>" in page) != (figure.key in of_shots) for figure in alone)
    assert not any(figure.label in text_of(report()) for figure in alone)


def test_the_table_with_every_figure_of_the_terminal_fits_into_160_letters() -> None:
    figures = {figure.key: 999.9 / figure.scale for figure in ALPHA_FIGURES}
    row = Row("classification", "", "wide", (PictureResult("one", figures, 99.0),))
    out = io.StringIO()
    for table in tables(Report((row,), (("wide", "every figure"),), (), False)):
        Console(file=out, width=1000).print(table)
    assert max(len(line.rstrip()) for line in out.getvalue().splitlines()) <= 160


def test_the_table_has_every_row_and_the_reason_of_an_absent_one() -> None:
    text = text_of(report())
    half = next(line for line in text.splitlines() if "half" in line)
    assert re.search(r"truth\s.*\s0\.0\s", text)
    assert f"{report().row('half', 'made up').mean('mad') * 1e3:.1f}" in half
    assert "not available here: no package" in text


def test_the_page_names_missing_sets_and_escapes_text(tmp_path: Path) -> None:
    page = write_page(report(), tmp_path / "score", write_picture).read_text(encoding="utf-8")
    assert "Missing set: gone: no such folder" in page
    assert "one &lt;disc&gt;" in page
    assert "one <disc>" not in page


def test_the_page_says_why_a_picture_was_refused(tmp_path: Path) -> None:
    class Breaks(Answers):
        def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
            raise RuntimeError("Blender ended with 1: <no scene>")

    row = score(Breaks("breaks"), sets.PlateSet("made up", "", (disc(),)), sheets=True)
    page = write_page(Report((row,), (("made up", ""),), (), False), tmp_path, write_picture)
    assert "refused: Blender ended with 1: &lt;no scene&gt;" in page.read_text(encoding="utf-8")


def test_every_picture_of_the_page_exists_and_opens(tmp_path: Path) -> None:
    page = write_page(report(), tmp_path, write_picture)
    names = re.findall(r'src="([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(names) == 2 * 4
    for name in names:
        buffer = oiio.ImageBuf(str(tmp_path / name))
        assert (buffer.spec().width, buffer.spec().height) == (80, 60)


def test_the_error_picture_shows_direction() -> None:
    example = disc()
    plate_set = sets.PlateSet("made up", "", (example,))
    low = score(Answers("low", Keyed(example.alpha * 0, example.foreground)), plate_set, sheets=True).sheets[0].error
    assert low is not None
    assert low[30, 40].tolist() == [0, 0, 255]


@pytest.mark.parametrize("figure", [*ALPHA_FIGURES, *REGION_FIGURES], ids=lambda figure: figure.key)
def test_the_page_of_the_score_explains_every_column(figure: Figure) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "score.md").read_text(encoding="utf-8")
    assert figure.label in page.split("## Figures")[1].split("## Peers")[0]
