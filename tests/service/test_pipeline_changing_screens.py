"""A shot whose screen comes and goes: a fade from black, a frame full of subject, a lamp that is switched on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.keyer import load_keyer
from service.jobs import FrameState
from service.shots import shot_from_plate
from tests.service.pipeline_runs import manifest_of, planes_of, run
from tests.service.shots_on_disk import order_for, plate_pixels, write_plate

WIDTH, HEIGHT = 96, 64
FULL, BLACK = 5, 1


def pixels(frame: int) -> NDArray[np.float32]:
    lit = plate_pixels(frame, WIDTH, HEIGHT)
    if frame == BLACK:
        return np.zeros_like(lit)
    if frame == FULL:
        return np.full_like(lit, 1.0) * np.float32([0.7, 0.4, 0.3])
    return lit * np.float32({2: 0.3, 3: 0.7, 7: 2.0, 8: 2.0}.get(frame, 1.0))


def test_every_frame_is_keyed_or_named_and_the_shot_goes_on(tmp_path: Path) -> None:
    for frame in range(1, 9):
        write_plate(tmp_path / "in" / f"green.{frame:04d}.exr", pixels(frame))
    order = order_for(shot_from_plate(tmp_path / "in" / "green.####.exr"), tmp_path / "out")
    keyer = load_keyer("neural")
    assert run(order, keyer).outcome == "done"  # type: ignore[arg-type]
    manifest = manifest_of(order)
    assert all(result.state is FrameState.DONE for result in manifest.frames)
    told = {result.frame: result.notes.warnings if result.notes else () for result in manifest.frames}
    for frame in (BLACK, FULL):
        assert any("No plain screen" in sentence for sentence in told[frame]), frame
    for frame in (3, 4, 6, 7, 8):
        alpha = planes_of(order, "alpha", frame)["A"]
        assert alpha[: HEIGHT // 8].max() < 0.05 and alpha[HEIGHT // 2, WIDTH // 2] > 0.95, frame
    assert planes_of(order, "alpha", FULL)["A"].min() > 0.5, "a subject before the lens hides the screen"
