"""Which channels of a picture are the plate: layers and parts of an EXR, grey and alpha of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from service.errors import BadInput, PlateUnreadable

_COLORS = ({"r", "red"}, {"g", "green"}, {"b", "blue"})
_ALPHAS = {"a", "alpha"}
_GREYS = {"y", "l", "luminance", "gray", "grey"}


@dataclass(frozen=True)
class Channels:
    """Channel numbers of the plate in one part of the file."""

    part: int
    color: tuple[int, ...]
    """Three, or one where the picture is grey."""

    alpha: int | None

    pages: int = 1
    """How many pages without a name the file holds, of which this is the first of the largest."""


def choose_channels(picture: Any, layer: str | None, file_name: str, maximum_parts: int) -> Channels:
    """Find the layer's R, G, B (or grey) and leave the picture at its part.

    ``layer`` is the name of a part, what stands before the last dot of channel names, or both (`part.layer`). Unset:
    the largest part with plain R, G, B, of equal ones the first, for thumbnails are small; failing that, the only layer
    there is. Raises PlateUnreadable when the file has more than ``maximum_parts`` parts or splits colors in luminance
    and chroma, BadInput with the names of the layers when the wanted one is not there.
    """
    found: dict[str, Channels] = {}
    largest = pages = 0
    split = False
    for number in range(maximum_parts + 1):
        if not picture.seek_subimage(number, 0):
            break
        if number == maximum_parts:
            raise PlateUnreadable(
                f"{file_name} has more than {maximum_parts} parts.", fix="Save the layer to be keyed on its own."
            )
        spec = picture.spec()
        part = spec.get_string_attribute("oiio:subimagename")
        split = split or _is_split(spec.channelnames)
        pages += not part
        for name, channels in _layers_of(number, spec.channelnames):
            if not name and spec.full_width * spec.full_height > largest:
                largest = spec.full_width * spec.full_height
                found[name] = channels
            found.setdefault(name, channels)
            if part:
                found.setdefault(f"{part}.{name}" if name and name != part else part, channels)
    with suppress(UnicodeDecodeError):  # damaged names that it quotes
        picture.geterror()  # asking for one part too many leaves a complaint behind
    if split and not found:
        raise PlateUnreadable(
            f"{file_name} holds its colors as luminance and chroma (Y, RY, BY), which is not read.",
            fix="Save it as RGB.",
        )
    chosen = replace(_choose(found, layer, file_name), pages=pages)
    picture.seek_subimage(chosen.part, 0)
    return chosen


def _is_split(names: Sequence[str]) -> bool:
    """Tell whether the colors are luminance and chroma. Source: OpenEXR, Luminance/Chroma images."""
    return {"ry", "by"} <= {name.rpartition(".")[2].casefold() for name in names}


def _choose(found: dict[str, Channels], layer: str | None, file_name: str) -> Channels:
    named = sorted(name for name in found if name)
    if layer is not None:
        folded = {name.casefold(): channels for name, channels in found.items()}
        chosen = found.get(layer) or folded.get(layer.casefold())
        if chosen is None:
            known = f"It has: {', '.join(named[:20])}." if named else "It has no named layers: leave the layer unset."
            raise BadInput(f"{file_name} has no layer “{layer[:100]}”.", fix=known)
        return chosen
    if "" in found:
        return found[""]
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    if not found:
        raise BadInput(f"{file_name} has no R, G, B and no grey channel.", fix="Save it with colors.")
    raise BadInput(f"{file_name} has several layers and no plain R, G, B.", fix=f"Name one: {', '.join(named[:20])}.")


def _layers_of(part: int, names: Sequence[str]) -> Iterator[tuple[str, Channels]]:
    """Yield every layer with colors; the plain one has an empty name."""
    layers: dict[str, dict[str, int]] = {}
    for number, name in enumerate(names):
        prefix, _, last = name.rpartition(".")
        layers.setdefault(prefix, {}).setdefault(last.casefold(), number)
    for prefix, channels in layers.items():
        color = [next((channels[name] for name in same if name in channels), None) for same in _COLORS]
        grey = next((channels[name] for name in _GREYS if name in channels), None)
        alpha = next((channels[name] for name in _ALPHAS if name in channels), None)
        present = tuple(number for number in color if number is not None)
        if len(present) == 3:
            yield prefix, Channels(part, present, alpha)
        elif grey is not None and not {"ry", "by"} & channels.keys():
            yield prefix, Channels(part, (grey,), alpha)
        elif len(channels) == 1 and alpha is not None:
            yield prefix, Channels(part, (alpha,), alpha)
