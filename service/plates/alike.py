"""The encoding of a plate that was rendered without conversion: its numbers mean what its files' numbers mean."""

from __future__ import annotations

from pathlib import Path

from model.settings import KeySettings
from service.errors import DropKeyError, PathRefused
from service.plates.doubts import doubt
from service.plates.movies import MoviePlate
from service.plates.sequences import SequencePlate
from service.plates.stills import Limits
from service.plates.tagged import ChosenEncoding
from service.shots import MOVIES, Shot, shot_from_plate


def encoding_like(shot: Shot, settings: KeySettings, limits: Limits) -> ChosenEncoding | None:
    """Return the encoding of the files that ``shot`` was rendered from; None where none are named, or one is asked for.

    A file that is not within reach counts as its kind does without tags, with a warning.
    """
    if not shot.encoded_like or settings.encoding.strip().casefold() != "auto":
        return None
    found: list[str] = []
    warnings: list[str] = []
    for path in shot.encoded_like:
        try:
            found.append(_encoding_of(path, shot, settings, limits))
        except DropKeyError:
            found.append("rec709" if path.suffix.casefold() in MOVIES else "srgb")
            warnings.append(doubt("origin-unread", file=path.name, encoding=found[-1]))
    if len(set(found)) > 1:
        warnings.append(doubt("origins-differ", encodings=", ".join(dict.fromkeys(found)), encoding=found[0]))
    return ChosenEncoding(found[0], f"as in {shot.encoded_like[0].name}, which it was rendered from", tuple(warnings))


def _encoding_of(path: Path, shot: Shot, settings: KeySettings, limits: Limits) -> str:
    """Return how a file is encoded by itself. Raises DropKeyError."""
    if not path.is_absolute():
        raise PathRefused(f"{path} lies where whoever asked may not look.")
    origin = shot_from_plate(path).model_copy(update={"confined_to": shot.confined_to})
    # What a plate's alpha and layer are is asked of the plate only.
    plain = KeySettings(matrix=settings.matrix, range=settings.range)
    source = MoviePlate(origin, plain, limits, 1) if origin.kind == "movie" else SequencePlate(origin, plain, limits)
    try:
        return source.format.encoding
    finally:
        source.close()
