"""The demo's shot has an exact truth, and what the demo prints can be recomputed from its files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from service.demo import pictures
from service.demo import run as demo
from service.demo.shot import FRAMES, HEIGHT, WIDTH, paint_frame, paint_screen
from service.errors import BadInput
from service.exr import read_exr
from service.manifest import Manifest


def test_the_shot_is_the_same_every_time() -> None:
    one, other = paint_frame(7), paint_frame(7)
    assert np.array_equal(one.plate, other.plate) and np.array_equal(one.alpha, other.alpha)
    assert one.plate.shape == (HEIGHT, WIDTH, 3) and one.plate.dtype == one.alpha.dtype == np.float32


def test_the_shot_has_thin_hair_motion_blur_and_an_uneven_screen() -> None:
    alpha = paint_frame(6).alpha
    partial = (alpha > 0.01) & (alpha < 0.99)
    assert 0.005 < partial.mean() < 0.2
    assert 0.1 < (alpha == 1).mean() < 0.5 and (alpha == 0).mean() > 0.5
    hand = partial[:320, 820:]
    assert hand.sum() > 4000, "the waving hand is blurred"
    green = paint_screen()[..., 1]
    assert green.max() / green.min() > 1.5


def test_where_alpha_is_zero_the_plate_is_the_screen() -> None:
    frame = paint_frame(3)
    bare = frame.alpha == 0
    difference = (frame.plate - paint_screen())[bare]
    assert abs(float(difference.mean())) < 1e-4, "only grain"
    assert float(np.abs(difference).max()) < 0.05


def test_plates_hold_more_than_eight_bits(tmp_path: Path) -> None:
    demo.write_shot(tmp_path / "shot", frames=1)
    picture = oiio.ImageBuf(str(tmp_path / "shot" / "demo.1001.png"))
    assert str(picture.spec().format) == "uint16" and picture.nchannels == 3
    stored = picture.get_pixels(oiio.UINT16)
    assert len(np.unique(stored)) > 1000
    assert (tmp_path / "shot" / "demo.ready").exists()


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "edit.aep").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="not empty"):
        demo.prepare(tmp_path)
    assert (tmp_path / "edit.aep").read_text(encoding="utf-8") == "mine"


def test_an_earlier_demo_makes_room(tmp_path: Path) -> None:
    demo.prepare(tmp_path / "demo")
    (tmp_path / "demo" / "contact_sheet.png").write_bytes(b"old")
    demo.prepare(tmp_path / "demo")
    assert not (tmp_path / "demo" / "contact_sheet.png").exists()


def test_the_edge_band_reaches_two_pixels_around_partial_alpha() -> None:
    truth = np.zeros((9, 9), np.float32)
    truth[4, 4] = 0.5
    band = pictures.edge_band(truth)
    assert band.sum() == 25 and band[2:7, 2:7].all()


@pytest.mark.timeout(600)
def test_the_printed_error_is_that_of_the_written_files(tmp_path: Path) -> None:
    """The real command, with fewer frames: service, worker, drop folder and HTTP are all real processes."""
    frames = 6  # with fewer the arm is smeared over a quarter of the picture
    # Whatever the user has set, the demo listens to its own settings only.
    environment = {**os.environ, "DROPKEY_PORT": "1", "DROPKEY_SETTLE_QUIET_SECONDS": "9999"}
    command = [sys.executable, "-m", "service.cli", "demo", "--output", str(tmp_path / "demo"), "--frames", str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = float(re.search(r"Alpha error: ([\d.]+)", done.stdout)[1])

    path = Path(re.search(r"Manifest: (.+)", done.stdout)[1].strip())
    manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    errors = []
    for result in manifest.frames:
        planes, _ = read_exr(path.parent / "alpha" / f"demo_alpha.{result.frame}.exr")
        errors.append(np.abs(planes["A"] - paint_frame(result.frame - demo.FIRST_FRAME, frames).alpha).mean())
    assert len(errors) == frames
    assert printed == pytest.approx(np.mean(errors), abs=1e-5)
    assert printed < 0.01
    assert float(re.search(r"Speed: ([\d.]+)", done.stdout)[1]) > 0
    sheet = oiio.ImageBuf(str(tmp_path / "demo" / "contact_sheet.png"))
    assert sheet.spec().width == 4 * WIDTH // 2
    assert not (tmp_path / "demo" / "home" / "service.json").exists(), "the service has ended"


def test_the_demo_is_as_long_as_it_says() -> None:
    assert (FRAMES, WIDTH, HEIGHT) == (24, 1280, 720)
