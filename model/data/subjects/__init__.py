"""Every kind of subject by name: how large it is, how it may be turned, and what draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.data.materials import Stage
from model.data.seeding import Draw
from model.data.subjects import animals, gases, glass, people, plants, props, sheets, toys
from model.data.subjects.part import Part
from model.data.view import Motion


@dataclass(frozen=True)
class Kind:
    """One kind of subject."""

    draw: Callable[[Draw, Stage, Motion], Part]
    size: tuple[float, float]  # world length of one local unit
    reach: float  # local distance from the center to a typical outline
    turn: float  # largest tilt in radians


KINDS: dict[str, Kind] = {
    "person": Kind(people.person, (0.07, 0.22), 0.95, 0.2),
    "hair": Kind(people.hair, (0.15, 0.3), 1.1, 0.4),
    "fur": Kind(animals.fur, (0.18, 0.4), 0.85, 0.5),
    "plush": Kind(toys.plush, (0.15, 0.45), 0.8, 3.1),
    "object": Kind(props.thing, (0.1, 0.35), 0.9, 3.1),
    "thin": Kind(props.thin, (0.2, 0.6), 0.5, 3.1),
    "rods": Kind(props.rods, (0.2, 0.6), 0.5, 3.1),
    "practical": Kind(props.practical, (0.07, 0.3), 0.5, 0.08),
    "phone": Kind(props.phone, (0.1, 0.25), 0.8, 0.6),
    "mirror": Kind(props.mirror, (0.1, 0.3), 0.9, 3.1),
    "foliage": Kind(plants.foliage, (0.2, 0.45), 0.7, 0.6),
    "veil": Kind(sheets.veil, (0.2, 0.5), 0.8, 3.1),
    "lace": Kind(sheets.lace, (0.2, 0.5), 0.8, 3.1),
    "net": Kind(sheets.net, (0.2, 0.6), 0.6, 3.1),
    "chainmail": Kind(sheets.chainmail, (0.2, 0.45), 0.8, 0.8),
    "glass": Kind(glass.vessel, (0.12, 0.35), 0.9, 0.5),
    "spectacles": Kind(glass.spectacles, (0.08, 0.2), 1.0, 0.6),
    "gel": Kind(glass.gel, (0.15, 0.4), 0.8, 3.1),
    "smoke": Kind(gases.smoke, (0.25, 0.6), 0.4, 0.5),
    "fire": Kind(gases.fire, (0.2, 0.45), 0.4, 0.3),
    "glow": Kind(gases.glow, (0.1, 0.3), 0.3, 3.1),
}
