"""Identifies the weights that lie on this machine, without loading them: two machines with the same key alike."""

from __future__ import annotations

import functools
from pathlib import Path

import xxhash

from service.settings import Settings

SHIPPED = Path(__file__).parent.parent / "model" / "weights"


def weights_here(settings: Settings) -> dict[str, str]:
    """Return name → mark of the weights that come with DropKey, and of the user's own (`own/NAME`)."""
    found = {file.stem: _mark(file) for file in sorted(SHIPPED.glob("*.safetensors"))}
    return found | {f"own/{file.stem}": _mark(file) for file in sorted(settings.weights_folder.glob("*.safetensors"))}


def _mark(file: Path) -> str:
    status = file.stat()
    return _hashed(file, status.st_size, status.st_mtime_ns)


@functools.cache
def _hashed(file: Path, _size: int, _changed: int) -> str:
    return xxhash.xxh3_64_hexdigest(file.read_bytes())
