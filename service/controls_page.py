"""Writes docs/controls.md, a picture for each control of a key: `python -m service.controls_page`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.settings import KeySettings

if TYPE_CHECKING:
    from model.finishing import RawKey
    from model.settings import Screen

PAGE = Path(__file__).parent.parent / "docs" / "controls.md"
PICTURES = PAGE.parent / "images" / "controls"

_SIZE = (960, 540)
_WINDOW = (slice(40, 220), slice(380, 620))  # the head, its hair and a shoulder
_ENLARGED = 2


@dataclass(frozen=True)
class Control:
    """One setting, and values of it that a picture shows."""

    name: str
    shown: Mapping[str, Mapping[str, Any]]
    """What stands under a picture → the settings it was keyed with."""

    alpha: bool = False
    """Show the matte rather than the subject over grey."""

    why: str = ""
    """What a compositor uses it for."""

    always: Mapping[str, Any] = field(default_factory=dict)
    """Settings of all its pictures."""


_SKIN, _SKY = (0.52, 0.29, 0.20), (0.1, 0.2, 0.6)
_STRAIGHT = {"association": "straight"}

CONTROLS: tuple[Control, ...] = (
    Control(
        "choke",
        {"-2": {"choke": -2.0}, "0": {}, "2": {"choke": 2.0}},
        True,
        "A rim that is left, or hair that is lost.",
    ),
    Control(
        "soften",
        {"0": {}, "4": {"soften": 4.0}, "12": {"soften": 12.0}},
        True,
        "An edge that cuts harder than its surroundings.",
    ),
    Control(
        "edge_extend",
        {"0": {}, "8": {"edge_extend": 8.0}, "30": {"edge_extend": 30.0}},
        why="A blur after the key that must not draw black in. The pictures show straight color without alpha.",
        always=_STRAIGHT,
    ),
    Control(
        "grain_match",
        {"0": {"edge_extend": 30.0}, "1": {"edge_extend": 30.0, "grain_match": 1.0}},
        why="Continued color that looks too clean beside the plate's. The pictures show straight color without alpha.",
        always=_STRAIGHT,
    ),
    Control(
        "despill",
        {"0": {"despill": 0.0}, "0.5": {"despill": 0.5}, "1": {}},
        why="Screen light on skin, hair and cloth.",
    ),
    Control(
        "restore_luminance",
        {"0": {}, "1": {"restore_luminance": 1.0}},
        why="A subject that turns too dark where much screen light was taken.",
    ),
    Control(
        "despill_bias", {"none": {}, "skin": {"despill_bias": _SKIN}}, why="Skin or hair that turns grey or yellow."
    ),
    Control(
        "despill_where",
        {"all": {}, "edges": {"despill_where": "edges"}},
        why="A costume whose own color resembles the screen's, well inside the subject.",
    ),
    Control(
        "spill_replacement",
        {"none": {}, "sky": {"spill_replacement": _SKY}},
        why="Light on the subject's rim as the new background would give.",
    ),
    Control("alpha_floor", {"0": {}, "0.2": {"alpha_floor": 0.2}}, True, "Residue in the screen."),
    Control("alpha_ceiling", {"1": {}, "0.8": {"alpha_ceiling": 0.8}}, True, "Holes in the subject."),
    Control(
        "refine_edges", {"true": {}, "false": {"refine_edges": False}}, True, "Plain edges where refined ones go wrong."
    ),
)

_HEAD = """# The controls of a key

This page and its pictures are written by `python -m service.controls_page` from the painted demo shot, keyed with
`difference`; a test keeps the page equal to the code. Every control works on what was inferred once: on the page under
*Try settings*, in the panel under *More*, in requests and sidecars by name, on the command line as `--set choke=0.5`.
Numbers and colors may have keyframes (`{"1001": 0, "1050": 2}`). Pixels are the plate's, in a smaller preview too.

Spread and then choke by the same returns within 0.002 where an edge is at least as soft as a blur with a deviation of
1.5 pixels; a harder edge comes back softer, by up to 0.06 for one with a deviation of half a pixel.
"""


def render() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for control in CONTROLS:
        field_of = KeySettings.model_fields[control.name]
        about = " ".join((field_of.description or "").split())
        parts.append(f"## `{control.name}`\n\n{about}\n\n{control.why}\n")
        shown = ", ".join(f"`{words}`" for words in control.shown)
        parts.append(f"![{control.name}: {shown.replace('`', '')}](images/controls/{control.name}.png)\n\n{shown}\n")
    parts.append(
        "What is delivered (working space, depth, layers, movie) is in [exr](exr.md) and [settings](settings.md).\n"
    )
    return "\n".join(parts)


def tiles(control: Control) -> list[NDArray[np.float32]]:
    """Return what a control's picture shows side by side, each (h, w, 4), straight."""
    return [_tile(control, settings) for settings in control.shown.values()]


def draw(control: Control) -> bytes:
    """Return the picture of a control as a PNG: its values side by side."""
    from service.previews.frames import Frame
    from service.previews.messages import Channels, Look, Over, Pass
    from service.previews.pictures import picture

    seen = tiles(control)
    gap = np.ones((seen[0].shape[0], 6, seen[0].shape[2]), np.float32)
    row = np.concatenate([part for tile in seen for part in (tile, gap)][:-1], axis=1)
    look = Look(exposure=0.0, gamma=1.0, size=None, channels=Channels.RGB)
    if control.alpha:
        return picture(Frame(None, np.ascontiguousarray(row[..., 3])), Pass.ALPHA, Over.GREY, look)
    if control.always == _STRAIGHT:
        row[..., 3] = 1.0
    return picture(Frame(row[..., :3], np.ascontiguousarray(row[..., 3]), False), Pass.COMPOSITE, Over.GREY, look)


def _tile(control: Control, settings: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return a window of the demo shot keyed so, enlarged: (h, w, 4), straight."""
    from model.difference import DifferenceKeyer
    from model.keyer import Mattes
    from service.pipeline.stages import deliverable

    raw, screen = _inferred()
    chosen = KeySettings.model_validate({"keyer": "difference", **control.always, **settings})
    keyed = DifferenceKeyer(raw.plate.device).finish(raw, screen, Mattes(), chosen)
    planes = deliverable(keyed, premultiplied=False)[:, _WINDOW[0], _WINDOW[1]]
    tile: NDArray[np.float32] = np.moveaxis(planes, 0, -1).repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
    return tile


@cache
def _inferred() -> tuple[RawKey, Screen]:
    import torch

    from model.difference import DifferenceKeyer
    from model.keyer import Mattes
    from service.demo.shot import paint_frame

    plate = torch.from_numpy(np.ascontiguousarray(np.moveaxis(paint_frame(6, 24, *_SIZE).plate, -1, 0)))
    keyer = DifferenceKeyer(torch.device("cpu"))
    screen = keyer.survey([plate], KeySettings())
    return keyer.infer(plate, screen, Mattes(), KeySettings()), screen


def main() -> None:
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for control in CONTROLS:
        (PICTURES / f"{control.name}.png").write_bytes(draw(control))
    PAGE.write_text(render(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
