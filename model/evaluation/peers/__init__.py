"""The peers, each run from its own package with fixed settings and an automatic key color; found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import UnknownKeyerError

if TYPE_CHECKING:
    from model.evaluation.contenders import Contender

PEER_NAMES: tuple[str, ...] = ("ffmpeg", "blender", "pymatting")


def load_peer(name: str) -> Contender:
    """Return the peer called ``name``; its own package is imported only once it keys. Raises UnknownKeyerError."""
    if name == "ffmpeg":
        from model.evaluation.peers.ffmpeg import FFmpegChromakey

        return FFmpegChromakey()
    if name == "blender":
        from model.evaluation.peers.blender import BlenderKeying

        return BlenderKeying()
    if name == "pymatting":
        from model.evaluation.peers.pymatting import PyMattingClosedForm

        return PyMattingClosedForm()
    raise UnknownKeyerError(f"There is no peer called '{name}'.", fix=f"Choose among: {', '.join(PEER_NAMES)}.")
