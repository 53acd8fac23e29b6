"""What the pipeline may take of the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from service.settings import Settings


def _default(name: str) -> Any:
    return Settings.model_fields[name].default


@dataclass(frozen=True)
class Limits:
    """Bounds of one run; the defaults are those of the service's settings."""

    minimum_free_gib: float = _default("minimum_free_gib")
    maximum_side_pixels: int = _default("maximum_side_pixels")
    maximum_picture_mib: int = _default("maximum_picture_mib")
    writers: int = max(1, min(4, (os.cpu_count() or 2) // 2))  # threads that compress and write; results are the same
    read_ahead: int = 2  # frames decoded in advance
    retry_seconds: float = 0.25  # wait before a file that cannot be read is tried a second time
    manifest_seconds: float = 2.0  # the manifest on disk lags behind by no more than this, or by one frame

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take the bounds from the service's settings."""
        return cls(
            minimum_free_gib=settings.minimum_free_gib,
            maximum_side_pixels=settings.maximum_side_pixels,
            maximum_picture_mib=settings.maximum_picture_mib,
        )
