"""Writes what a neural keyer scored into its weights, so that anyone can measure it again and compare."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from model.checkpoint import load_checkpoint, save_checkpoint
from model.evaluation.results import Report

STAMPED = ("mad", "edge_mad", "recomposition", "core", "screen", "dtssd")
STAMPED_REGIONS = ("screen", "background_not_screen", "subject", "subject_near_key")


def stamp(weights: Path, report: Report) -> dict[str, float]:
    """Put the means of ``report``'s rows of these weights into the file's provenance, and return them.

    Names are ``<set> <figure>``, with ``quick`` in front for a quick run; values are unscaled.
    """
    found = figures(report, weights.stem)
    checkpoint = load_checkpoint(weights, "neural")
    told = checkpoint.provenance.model_copy(update={"metrics": checkpoint.provenance.metrics | found})
    save_checkpoint(weights, replace(checkpoint, provenance=told))
    return found


def figures(report: Report, keyer: str) -> dict[str, float]:
    """Return the means that are stamped, of one keyer's rows."""
    found: dict[str, float] = {}
    for row in report.rows:
        if row.keyer != keyer:
            continue
        keys = STAMPED if any("mad" in result.figures for result in row.results) else STAMPED_REGIONS
        name = f"quick {row.set_name}" if report.quick else row.set_name
        found |= {f"{name} {key}": round(row.mean(key), 6) for key in keys if not math.isnan(row.mean(key))}
    return found
