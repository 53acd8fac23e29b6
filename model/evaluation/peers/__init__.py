"""The peers, each run from its own package with fixed settings and an automatic key color; found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import UnknownKeyerError

if TYPE_CHECKING:
    from model.evaluation.contenders import Contender

PEER_NAMES: tuple[str, ...] = ()


def load_peer(name: str) -> Contender:
    """Return the peer called ``name``; its packages are imported when it is asked whether it is available."""
    raise UnknownKeyerError(f"There is no peer called '{name}'.", fix=f"Choose among: {', '.join(PEER_NAMES)}.")
