"""Does to a solved key's edges what the artist asks for: choke, spread, soften, extend, grain in continued color."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.keyer import Mattes
from model.keying.fill import dilate
from model.keying.grain import grained
from model.keying.holding import with_mattes
from model.keying.shaping import choked, extended, softened
from model.keying.unmixing import seen_share
from model.settings import KeySettings


def with_edges(
    foreground: Tensor, alpha: Tensor, leveled: Tensor, plate: Tensor, mattes: Mattes, settings: KeySettings
) -> tuple[Tensor, Tensor]:
    """Return straight foreground (3, H, W) and alpha (1, H, W) with their edges as the settings say.

    ``alpha`` is what colors were solved with: a shaped one only says how much of them shows. ``leveled`` is the same
    before ``mattes`` held it, for they hold the shaped one too. Settings at their defaults leave all bits as they are.
    """
    shaped = softened(choked(leveled, settings.choke), settings.soften)
    outgrown = settings.soften / 2.0 - settings.choke
    outgrown = outgrown + 1.0 if outgrown > 0.0 else 0.0  # an edge lies anywhere in its pixel
    wide = extended(foreground, alpha, max(settings.edge_extend, outgrown))
    if settings.grain_match > 0.0:
        continued = (wide != foreground).any(dim=0, keepdim=True) | (alpha > 0.0)
        unseen = settings.grain_match * (1.0 - seen_share(alpha)) * continued
        wide = grained(wide, plate, unseen)
    if shaped is leveled:
        return wide, alpha
    held = with_mattes(shaped, mattes)
    shown = held > 0.0
    if settings.edge_extend > 0.0:
        shown |= dilate((alpha > 0.0).to(alpha), math.ceil(settings.edge_extend)) > 0.0
    return torch.where(shown, wide, torch.zeros_like(wide)), held
