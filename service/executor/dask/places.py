"""Turns the service's paths in an order into the worker's own, by the worker's prefix map."""

from __future__ import annotations

from typing import Any

from service.messages import PreviewOrder, ShotOrder
from service.paths import Paths, is_absolute


def shot_order(order: dict[str, Any], paths: Paths) -> ShotOrder:
    """Return an order for the pipeline of this machine. Raises PathRefused where it has no such place."""
    ours = _with_shot_and_mattes(order, paths) | {
        "output": _ours(order["output"], paths),
        "output_within": [_ours(folder, paths) for folder in order["output_within"]],
        "reuse": order["reuse"] and _ours(order["reuse"], paths),
    }
    return ShotOrder.model_validate(ours)


def preview_order(order: dict[str, Any], paths: Paths, folder: str) -> PreviewOrder:
    """Return an order for a preview that is made in ``folder`` of this machine. Raises PathRefused."""
    return PreviewOrder.model_validate(_with_shot_and_mattes(order, paths) | {"folder": folder})


def _with_shot_and_mattes(order: dict[str, Any], paths: Paths) -> dict[str, Any]:
    shot, mattes = order["shot"], order["mattes"]
    return order | {
        "shot": shot
        | {
            "folder": _ours(shot["folder"], paths),
            "confined_to": [_ours(folder, paths) for folder in shot["confined_to"]],
        },
        "mattes": {
            name: _ours(source, paths) if isinstance(source, str) and is_absolute(source) else source
            for name, source in mattes.items()
        },
    }


def _ours(text: str, paths: Paths) -> str:
    return str(paths.ours(text))
