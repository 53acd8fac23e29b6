"""Turns what somebody asked for into a submission: paths checked and resolved, defaults filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from model.settings import KEYER_NAMES, OWN_NAME, MatteSources
from service.errors import BadInput, PathRefused
from service.jobs import JobRequest
from service.paths import Paths, is_absolute
from service.presets import Presets, said_over
from service.settings import Settings
from service.shots import Shot, shot_from_plate

Resolve = Callable[[str], Path]

MOST_SHAPES = 20_000
MOST_POINTS = 300_000
"""Of mattes in one request: reading more takes seconds, during which this process does nothing else."""


@dataclass(frozen=True)
class Order:
    """A request that was checked: ready for the queue."""

    request: JobRequest
    """As asked, with defaults filled in."""

    mattes: MatteSources
    """Its mattes, with paths of this machine."""

    output_root: Path | None
    """Where its results go, on this machine; None: the service's output root."""

    encoded_like: tuple[Path, ...] = ()
    """The files that say how its plate is encoded, on this machine."""

    def told(self, shot: Shot) -> Shot:
        """Return ``shot`` with what this order says of its encoding."""
        return shot.model_copy(update={"encoded_like": self.encoded_like}) if self.encoded_like else shot


def check_extent(content: bytes) -> None:
    """Raise BadInput for JSON with more objects or lists than mattes of a long shot need, before it is taken apart."""
    for bracket, most, kind in ((b"{", MOST_SHAPES, "shapes"), (b"[", MOST_POINTS, "points")):
        if (found := content.count(bracket)) > most:
            raise BadInput(
                f"This request holds {found:,} {kind}; {most:,} are the most.",
                fix="Give such mattes as pictures, or name the file that holds their polygons.",
            )


def check_keyer(name: str, weights_folder: Path) -> None:
    """Raise BadInput where there is no keyer called ``name``: better now than when its turn comes."""
    kind, colon, own = name.partition(":")
    if colon and kind == "neural" and OWN_NAME.fullmatch(own):
        if not (weights_folder / f"{own}.safetensors").is_file():
            raise BadInput(
                f"There are no weights called '{own}' for the keyer '{name}'.",
                fix=f"Put {own}.safetensors into {weights_folder}, or choose another keyer.",
            )
    elif name not in KEYER_NAMES:
        raise BadInput(
            f"There is no keyer called '{name}'.",
            fix=f"Choose one of: {', '.join(KEYER_NAMES)}; or neural:NAME for weights of your own.",
        )


def ordered(request: JobRequest, settings: Settings, resolve: Resolve) -> Order:
    """Check what ``request`` names besides its plate, by ``resolve``; raises PathRefused, and BadInput for a keyer."""
    defaults = Presets.of(settings).over(request.preset, settings.key_defaults)
    complete = request.model_copy(update={"settings": said_over(defaults, request.settings), "preset": None})
    check_keyer(complete.settings.keyer, settings.weights_folder)
    pictures = {name: str(resolve(path)) for name, path in matte_pictures(request.mattes).items()}
    output = resolve(request.output) if request.output is not None else None
    alike = tuple(_within_reach(path, resolve) for path in request.encoded_like)
    return Order(complete, request.mattes.model_copy(update=pictures), output, alike)


def _within_reach(text: str, resolve: Resolve) -> Path:
    """Return the file, or its bare name where the asker may not name it: it is asked for its tags only.

    An artist's footage may lie on a disk of theirs; the render of it is keyed all the same.
    """
    try:
        return resolve(text)
    except PathRefused:
        return Path(PureWindowsPath(text).name or "file")


def matte_pictures(mattes: MatteSources) -> dict[str, str]:
    """Return those of ``mattes`` that are pictures, by name; the others are polygons."""
    return {name: value for name in MatteSources.model_fields if isinstance(value := getattr(mattes, name), str)}


def asked_over_http(asked: JobRequest, paths: Paths, settings: Settings, *, trusted: bool) -> tuple[Order, Shot]:
    """Return what to hand to the queue for the body of `POST /jobs`.

    Raises PathRefused, PlateMissing and BadInput.
    """

    def resolve(text: str) -> Path:
        absolute = asked.root is None or is_absolute(text)
        return paths.resolve(text, trusted=trusted, root=None if absolute else asked.root)

    order = ordered(asked, settings, resolve)
    plate = paths.resolve(asked.plate, trusted=trusted, root=asked.root)
    shot = shot_from_plate(plate, frames=asked.frames, first_frame=asked.first_frame)
    return order, order.told(shot).model_copy(update={"confined_to": paths.confinement(trusted=trusted)})
