"""The linear color spaces that results can be delivered in, through OpenColorIO. docs/color.md is the page about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import PyOpenColorIO as ocio
from numpy.typing import NDArray

from service.errors import BadInput
from service.plates import primaries
from service.plates.encodings import CAMERAS, config
from service.plates.primaries import Primaries

Floats = NDArray[np.float32]

LINEAR = "linear"
STUDIO = "ocio:"
"""Begins the names of spaces and roles of the config that the variable OCIO names."""

_OURS = "Linear Rec.709 (sRGB)"
_INTEROP_OF_OURS = "lin_rec709_scene"
_CHROMATICITIES: dict[str, Primaries] = {
    _INTEROP_OF_OURS: primaries.REC709,
    "lin_ap1_scene": primaries.ACES_AP1,
    "lin_ap0_scene": primaries.ACES_AP0,
    "lin_rec2020_scene": primaries.REC2020,
    "lin_p3d65_scene": primaries.P3_D65,
    "lin_adobergb_scene": primaries.ADOBE_RGB,
}
_SHORT = {
    "acescg": "ACEScg",
    "aces": "ACES2065-1",
    "aces2065-1": "ACES2065-1",
    "linear-rec2020": "Linear Rec.2020",
    "linear-p3": "Linear P3-D65",
}


@dataclass(frozen=True)
class WorkingSpace:
    """A linear color space, and how light gets there and back."""

    name: str
    """The config's own name; `linear` for scene-linear Rec.709."""

    interop_id: str
    """Its name by the Color Interop Forum, as `colorInteropID` says it; empty where it has none."""

    chromaticities: Primaries
    """x, y of red, green, blue and white."""

    _there: Callable[[Floats], Floats] | None = None
    _back: Callable[[Floats], Floats] | None = None

    def from_linear(self, color: Floats) -> Floats:
        """Return scene-linear Rec.709 (H, W, 3) in this space, be it multiplied by alpha or not."""
        return color if self._there is None else self._there(color)

    def to_linear(self, color: Floats) -> Floats:
        """Undo `from_linear`."""
        return color if self._back is None else self._back(color)


@lru_cache(maxsize=16)
def working_space(name: str) -> WorkingSpace:
    """Return the space that ``name`` means: of the pinned config, by name, alias or role, or `ocio:NAME` of OCIO's.

    Raises BadInput where there is none, or where it is not linear.
    """
    studio = name.startswith(STUDIO)
    wanted = name[len(STUDIO) :].strip() if studio else name.strip()
    if not studio and wanted.casefold() == LINEAR:
        return WorkingSpace(LINEAR, _INTEROP_OF_OURS, primaries.REC709)
    known = _studio_config() if studio else config()
    space = known.getColorSpace(wanted if studio else _SHORT.get(wanted.casefold(), wanted))
    if space is None or space.isData():
        raise BadInput(
            f"There is no working space “{name[:100]}”.",
            fix="Known are linear, ACEScg, ACES2065-1, Linear Rec.2020, Linear P3-D65, any other linear space or role "
            "of OpenColorIO's studio config, and with ocio: before it, of the config that the variable OCIO names.",
        )
    found = str(space.getName())
    if not known.isColorSpaceLinear(found, ocio.REFERENCE_SPACE_SCENE) or found in CAMERAS.values():
        raise BadInput(
            f"“{found}” is not linear: what is multiplied by alpha cannot be delivered in it.",
            fix="Choose a linear space, such as ACEScg, and convert in the comp.",
        )
    if not studio and found == _OURS:
        return working_space(LINEAR)
    try:
        there = ocio.Config.GetProcessorFromConfigs(config(), _OURS, known, found)
        back = ocio.Config.GetProcessorFromConfigs(known, found, config(), _OURS)
    except ocio.Exception as error:
        raise BadInput(
            f"OpenColorIO knows no way to “{found}”: {error}",
            fix="Give the config the role aces_interchange, or choose a space of the studio config.",
        ) from error
    interop = str(space.getInteropID() or "").removeprefix("ocio:")
    return WorkingSpace(
        f"{STUDIO}{found}" if studio else found,
        interop,
        _CHROMATICITIES.get(interop) or _primaries(_applied(back)),
        _applied(there),
        _applied(back),
    )


def _studio_config() -> ocio.Config:
    if not os.environ.get("OCIO"):
        raise BadInput(
            "The variable OCIO is not set where the worker runs, so that its config has no spaces.",
            fix="Set OCIO to the studio's config, or name a space without ocio: before it.",
        )
    try:
        return ocio.Config.CreateFromEnv()
    except ocio.Exception as error:
        raise BadInput(f"The config that OCIO names cannot be read: {error}", fix="Mend OCIO or its config.") from error


def _applied(processor: ocio.Processor) -> Callable[[Floats], Floats]:
    exact = processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)

    def convert(color: Floats) -> Floats:
        turned = np.array(color, dtype=np.float32, order="C")
        exact.applyRGB(turned)
        return turned

    return convert


def _primaries(to_linear: Callable[[Floats], Floats]) -> Primaries:
    """Return the primaries of a space that has no name of its own, seen under D65."""
    corners = to_linear(np.eye(3, dtype=np.float32)[None])[0].T.astype(np.float64)
    return primaries.primaries_of(corners)
