"""Runs orders through the pipeline and looks at what came out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.exr import read_exr
from service.manifest import Manifest, read_manifest
from service.messages import ShotFinished, ShotOrder
from service.pipeline import Limits, key_shot
from tests.service.shots_on_disk import (
    LinearKeyer,
    Listener,
)

QUICK = Limits(minimum_free_gib=0.0, retry_seconds=0.0, manifest_seconds=0.0)


def run(
    order: ShotOrder,
    keyer: LinearKeyer | None = None,
    listener: Listener | None = None,
    stopped: object = None,
    limits: Limits = QUICK,
) -> ShotFinished:
    return key_shot(
        order,
        keyer or LinearKeyer(),
        job_id="job",
        attempt=1,
        report=listener or Listener(),
        stopped=stopped if callable(stopped) else lambda: False,
        limits=limits,
    )


def manifest_of(order: ShotOrder) -> Manifest:
    return read_manifest(order.output / "manifest.json")


def files_of(order: ShotOrder) -> dict[str, bytes]:
    return {
        path.relative_to(order.output).as_posix(): path.read_bytes() for path in sorted(order.output.rglob("*.exr"))
    }


def states(order: ShotOrder) -> dict[int, str]:
    return {result.frame: result.state.value for result in manifest_of(order).frames}


def planes_of(order: ShotOrder, name: str, frame: int) -> dict[str, NDArray[np.float32]]:
    number = order.shot.frame_number(frame)
    return read_exr(order.output / name / f"green_{name}.{number}.exr")[0]


def no_temporaries(order: ShotOrder) -> bool:
    return not [path for path in order.output.rglob("*") if path.name.endswith(".tmp")]
