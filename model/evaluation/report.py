"""Says what a score found: tables for the terminal, and one HTML page with its pictures beside it."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from model.evaluation.results import (
    ALPHA_FIGURES,
    REGION_FIGURES,
    Figure,
    PictureResult,
    Report,
    Row,
    Sheet,
    figures_of,
)

WritePicture = Callable[[Path, NDArray[np.uint8]], None]
"""Writes an 8-bit display picture (H, W, 3) as PNG; from the service, since this room knows no file format."""

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; background: #1b1b1d; color: #ddd; margin: 2rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; } td, th { padding: .25rem .6rem; text-align: right; }
th { border-bottom: 1px solid #555; font-weight: 600; } td:first-child, th:first-child { text-align: left; }
tr.note td { text-align: left; color: #aaa; } b { color: #fff; } h2 { margin-top: 2.5rem; }
.sheet { display: flex; gap: 4px; margin: 0 0 1rem; flex-wrap: wrap; } figure { margin: 0; }
figcaption { color: #aaa; font-size: 12px; } .missing { color: #f0a040; } dt { font-weight: 600; }
"""


def tables(report: Report) -> Iterator[Table]:
    """One rich table per set, a row per contender; a row that could not run, or a missing set, says why.

    Figures that are not ``in_terminal`` are left to the page.
    """
    for set_name, about in report.sets:
        rows = [row for row in report.rows if row.set_name == set_name]
        figures = tuple(figure for figure in _columns(rows) if figure.in_terminal)
        table = Table(title=set_name, caption=about, title_justify="left", caption_justify="left")
        table.add_column("keyer")
        for figure in figures:
            table.add_column(figure.label, justify="right", no_wrap=True)
        table.add_column("s", justify="right")
        table.add_column("note")
        for row in rows:
            table.add_row(row.keyer, *_cells(row, figures), _number(row.seconds, 2), _note(row))
        yield table


def frame_tables(report: Report) -> Iterator[Table]:
    """One rich table for each contender and set, a row per picture."""
    for row in report.rows:
        figures = tuple(figure for figure in _columns([row]) if figure.in_terminal or figure in REGION_FIGURES)
        if not figures:
            continue
        table = Table(title=f"{row.keyer} on {row.set_name}", title_justify="left")
        table.add_column("picture", min_width=31, no_wrap=True)
        for figure in figures:
            table.add_column(figure.label, justify="right")
        table.add_column("note")
        for result in row.results:
            table.add_row(result.name, *_frame_cells(result, figures), "refused" if result.refused else "")
        yield table


def write_page(report: Report, folder: Path, write_picture: WritePicture, heading: str = "DropKey score") -> Path:
    """Write ``index.html`` and its pictures into ``folder`` (made where missing) and return the page's path."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(heading)}</title>"]
    parts += [f"<style>{STYLE}</style><h1>{html.escape(heading)}</h1>"]
    parts += ["<p>A quick run: fewer and smaller pictures.</p>"] if report.quick else []
    parts += [f"<p class=missing>Missing set: {html.escape(text)}</p>" for text in report.missing]
    for set_name, about in report.sets:
        rows = [row for row in report.rows if row.set_name == set_name]
        parts.append(f"<h2>{html.escape(set_name)}</h2><p>{html.escape(about)}</p>{_table(rows)}")
        for row in rows:
            parts.append(_frames(row))
            refused = {result.name: result.refused for result in row.results if result.refused}
            for sheet in row.sheets:
                parts.append(_sheet(row, sheet, pictures, write_picture, refused.get(sheet.name, "")))
    parts.append(_legend(report))
    page = folder / "index.html"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def file_name(what: str) -> str:
    """Return the name of a PNG for what is called so, with letters that every disk can hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", what) + ".png"


def _columns(rows: list[Row]) -> tuple[Figure, ...]:
    """Columns of a set: those that at least one row could fill."""
    filled = [row for row in rows if row.results]
    if not filled:
        return ()
    return tuple(
        figure for figure in figures_of(filled[0]) if any(not math.isnan(row.mean(figure.key)) for row in filled)
    )


def _cells(row: Row, figures: tuple[Figure, ...]) -> list[str]:
    return [_cell(row, figure) for figure in figures]


def _cell(row: Row, figure: Figure) -> str:
    if not figure.counted or math.isnan(row.mean(figure.key)):
        return _number(row.mean(figure.key) * figure.scale, 1)
    of, all_of = row.count(figure.key)
    return f"{of} of {all_of}"


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _note(row: Row) -> str:
    refused = f"refused {row.refusals} of {len(row.results)}" if row.refusals else ""
    return "; ".join(text for text in (row.note, refused) if text)


def _table(rows: list[Row]) -> str:
    figures = _columns(rows)
    head = "".join(f'<th title="{html.escape(figure.meaning)}">{html.escape(figure.label)}</th>' for figure in figures)
    means = {figure.key: [row.mean(figure.key) for row in rows] for figure in figures}
    best = {key: min(value for value in values if not math.isnan(value)) for key, values in means.items()}
    lines = []
    for row in rows:
        cells = "".join(
            f"<td><b>{cell}</b></td>" if row.mean(figure.key) == best[figure.key] else f"<td>{cell}</td>"
            for figure, cell in zip(figures, _cells(row, figures), strict=True)
        )
        lines.append(
            f'<tr><td title="{html.escape(row.about)}">{html.escape(row.keyer)}</td>{cells}'
            f"<td>{_number(row.seconds, 2)}</td><td>{html.escape(_note(row))}</td></tr>"
        )
    return f"<table><tr><th>keyer</th>{head}<th>s</th><th>note</th></tr>{''.join(lines)}</table>"


def _frame_cells(result: PictureResult, figures: tuple[Figure, ...]) -> list[str]:
    values = [(figure, result.figures.get(figure.key, math.nan)) for figure in figures]
    return [
        ("yes" if value else "") if figure.counted and not math.isnan(value) else _number(value * figure.scale, 1)
        for figure, value in values
    ]


def _frames(row: Row) -> str:
    figures = _columns([row])
    if not figures:
        return ""
    head = "".join(f"<th>{html.escape(figure.label)}</th>" for figure in figures)
    lines = [
        f"<tr><td>{html.escape(result.name)}</td>"
        + "".join(f"<td>{cell}</td>" for cell in _frame_cells(result, figures))
        + f"<td>{html.escape(result.refused)}</td></tr>"
        for result in row.results
    ]
    summary = f"<summary>{html.escape(row.keyer)}, picture by picture</summary>"
    return f"<details>{summary}<table><tr><th>picture</th>{head}<th>refused</th></tr>{''.join(lines)}</table></details>"


def _sheet(row: Row, sheet: Sheet, pictures: Path, write_picture: WritePicture, refused: str) -> str:
    figures = []
    for kind, picture in (
        ("plate", sheet.plate),
        ("alpha", sheet.alpha),
        ("foreground on grey", sheet.foreground),
        ("error", sheet.error),
    ):
        if picture is None:
            continue
        name = file_name(f"{row.set_name}-{sheet.name}-{row.keyer}-{kind}")
        write_picture(pictures / name, picture)
        figures.append(
            f'<figure><img loading=lazy src="pictures/{name}" alt=""><figcaption>{kind}</figcaption></figure>'
        )
    title = html.escape(f"{row.keyer} · {sheet.name}")
    why = f"<p class=missing>refused: {html.escape(refused)}</p>" if refused else ""
    return f"<h4>{title}</h4>{why}<div class=sheet>{''.join(figures)}</div>"


def _legend(report: Report) -> str:
    meanings = {figure.label: figure.meaning for figure in ALPHA_FIGURES}
    meanings |= {f"{figure.label} (real plates)": figure.meaning for figure in REGION_FIGURES}
    keyers = {row.keyer: row.about for row in report.rows}
    entries = [
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>" for term, text in (keyers | meanings).items()
    ]
    return f"<h2>What the rows and columns mean</h2><dl>{''.join(entries)}</dl>"
