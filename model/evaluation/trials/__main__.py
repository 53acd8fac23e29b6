"""Judges a keyer by the trials: ``python -m model.evaluation.trials --keyer NAME [--picture OUT.jpg]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from model.data.codecs import write_jpeg
from model.evaluation.contenders import Contender, contender_names, load_contender
from model.evaluation.trials.bounds import ASKED, BOUNDS, Bounds
from model.evaluation.trials.catalogue import TRIALS
from model.evaluation.trials.sheet import contact_sheet
from model.evaluation.trials.trial import FIGURES, Verdict, judge

JPEG_QUALITY = 0.9


def main(arguments: Sequence[str] | None = None) -> int:
    """Key every trial, print the figures beside their bounds, and return 1 where one of the keyer's own is broken."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.trials", description=__doc__)
    parser.add_argument("--keyer", required=True, choices=contender_names(), help="the keyer or peer to judge")
    parser.add_argument("--picture", type=Path, help="also write one contact sheet (JPEG)")
    parser.add_argument("--only", nargs="+", metavar="TRIAL", help="names of trials; unset: all")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)
    contender = load_contender(chosen.keyer, chosen.device)
    verdicts = run(contender, chosen.only, chosen.picture)
    bounds = BOUNDS.get(chosen.keyer, {})
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(chosen.keyer, verdicts, bounds))
    faults = [fault for verdict in verdicts for fault in verdict.faults(bounds.get(verdict.trial, {}))]
    for fault in faults:
        console.print(f"over its bound: {fault}")
    return 1 if faults else 0


def run(contender: Contender, only: Sequence[str] | None = None, picture: Path | None = None) -> list[Verdict]:
    """Judge ``contender`` by the trials called ``only`` (unset: all); write a contact sheet to ``picture``."""
    contender.prepare()
    trials = [trial for trial in TRIALS if not only or trial.name in only]
    rows = [(trial, taken, judge(contender, trial, taken)) for trial in trials for taken in [trial.make()]]
    if picture is not None:
        write_jpeg(picture, contact_sheet(rows, contender.name), JPEG_QUALITY)
    return [verdict for _, _, verdict in rows]


def table(keyer: str, verdicts: Sequence[Verdict], bounds: Bounds) -> Table:
    """Return a table, in Markdown, with a row for each trial: what was measured, and in parentheses the bound."""
    shown = [key for key in FIGURES if any(key in verdict.figures for verdict in verdicts)]
    result = Table(box=MARKDOWN)
    result.add_column(keyer, no_wrap=True)
    for key in shown:
        result.add_column(FIGURES[key].label, justify="right", no_wrap=True)
    result.add_column("verdict")
    for verdict in verdicts:
        limits = bounds.get(verdict.trial) or ASKED.get(verdict.trial, {})
        cells = [_cell(verdict, key, limits) for key in shown]
        result.add_row(verdict.trial, *cells, _verdict(verdict, limits, held=verdict.trial in bounds))
    return result


def _cell(verdict: Verdict, key: str, limits: Mapping[str, float]) -> str:
    if key not in verdict.figures:
        return ""
    return f"{verdict.figures[key]:.1f}" + (f" ({limits[key]:g})" if key in limits else "")


def _verdict(verdict: Verdict, limits: Mapping[str, float], *, held: bool) -> str:
    broken, reached = ("over a bound", "holds") if held else ("asked for", "reached")
    judged = "" if not limits else broken if verdict.faults(limits) else reached
    return ", ".join(text for text in ("refused" if verdict.refused else "", judged) if text)


if __name__ == "__main__":
    raise SystemExit(main())
