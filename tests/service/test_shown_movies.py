"""A movie to show of a key: what other programs, and DropKey itself, read of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from model.keyer import load_keyer
from model.settings import KeySettings
from service.exr import read_exr
from service.messages import ShotOrder
from service.pipeline import key_shot
from service.pipeline.movie import timecode
from tests.service.pipeline_runs import QUICK, manifest_of
from tests.service.shots_on_disk import Listener, order_for, write_shot

FRAMES = (1001, 1002, 1003, 1004)


def keyed(folder: Path, fps: str | None = "24000/1001", stopped: Any = lambda: False, **delivery: Any) -> ShotOrder:
    settings = KeySettings.model_validate({"keyer": "difference", "delivery": delivery})
    order = order_for(write_shot(folder / "plates", FRAMES), folder / "out", settings=settings, fps=fps)
    key_shot(order, load_keyer("difference"), job_id="", attempt=1, report=Listener(), stopped=stopped, limits=QUICK)
    return order


def frames_of(path: Path, pixels: str) -> list[np.ndarray]:
    with av.open(str(path)) as opened:
        return [frame.reformat(format=pixels).to_ndarray() for frame in opened.decode(video=0)]


@pytest.mark.parametrize(("movie", "ending", "codec"), [("prores4444", "mov", "prores"), ("h264", "mp4", "h264")])
def test_a_movie_says_its_rate_colors_and_timecode(tmp_path: Path, movie: str, ending: str, codec: str) -> None:
    order = keyed(tmp_path, movie=movie)
    with av.open(str(order.output / "movie" / f"{order.shot.name}.{ending}")) as opened:
        stream = opened.streams.video[0]
        context = stream.codec_context
        assert context.name == codec
        assert stream.average_rate == Fraction(24000, 1001)
        first = next(opened.decode(video=0))
        assert (int(context.color_primaries), int(context.color_trc), int(first.colorspace)) == (1, 1, 1)
        told = {**opened.metadata, **{k: v for one in opened.streams for k, v in one.metadata.items()}}
    assert told["timecode"] == "00:00:41:17"
    assert len(frames_of(order.output / "movie" / f"{order.shot.name}.{ending}", "rgb24")) == len(FRAMES)
    assert not list((order.output / "movie").glob(".*"))


def test_prores_holds_straight_color_and_alpha(tmp_path: Path) -> None:
    order = keyed(tmp_path, movie="prores4444")
    shown = frames_of(order.output / "movie" / f"{order.shot.name}.mov", "rgba64le")[0].astype(np.float64) / 65535.0
    planes, _ = read_exr(sorted((order.output / "foreground").glob("*.exr"))[0])
    assert np.abs(shown[: planes["A"].shape[0], : planes["A"].shape[1], 3] - planes["A"]).max() < 0.01
    solid = planes["A"] == 1.0
    for index, channel in enumerate("RGB"):
        light = shown[: solid.shape[0], : solid.shape[1], index] ** 2.4
        assert np.abs(light - np.clip(planes[channel], 0.0, 1.0))[solid].mean() < 0.01


def test_h264_shows_the_subject_over_the_background(tmp_path: Path) -> None:
    order = keyed(tmp_path, movie="h264", movie_background=(0.0, 0.0, 0.5))
    shown = frames_of(order.output / "movie" / f"{order.shot.name}.mp4", "rgb24")[0]
    planes, _ = read_exr(sorted((order.output / "foreground").glob("*.exr"))[0])
    behind = np.median(shown[: planes["A"].shape[0], : planes["A"].shape[1]][planes["A"] == 0.0], axis=0) / 255.0
    assert behind == pytest.approx([0.0, 0.0, 0.5 ** (1 / 2.4)], abs=0.03)


def test_without_a_rate_no_movie_is_made_and_the_manifest_says_why(tmp_path: Path) -> None:
    order = keyed(tmp_path, fps=None, movie="h264")
    assert not (order.output / "movie").exists()
    assert any("rate is not known" in sentence for sentence in manifest_of(order).warnings)


def test_a_shot_that_was_stopped_and_taken_up_again_has_the_whole_movie(tmp_path: Path) -> None:
    seen: list[int] = []
    order = keyed(tmp_path, stopped=lambda: bool(seen.append(0)) or len(seen) > 6, movie="h264")
    assert not list(order.output.glob("movie/*.mp4"))
    key_shot(
        order, load_keyer("difference"), job_id="", attempt=2, report=Listener(), stopped=lambda: False, limits=QUICK
    )
    assert len(frames_of(order.output / "movie" / f"{order.shot.name}.mp4", "rgb24")) == len(FRAMES)


def test_timecode_counts_whole_frames() -> None:
    assert timecode(1001, Fraction(24)) == "00:00:41:17"
    assert timecode(86400, Fraction(24000, 1001)) == "01:00:00:00"
    assert timecode(-3, Fraction(25)) == "00:00:00:00"
