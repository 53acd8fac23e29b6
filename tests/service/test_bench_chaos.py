"""`dropkey bench --chaos` notices what it is there to notice, and finds nothing in a short run."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.bench_chaos import bench_chaos, plates_of, text_of
from service.chaos_shots import FRAMES, Frames, Rewritten, calm_frames

WHOLE = list(range(1, FRAMES + 1))
CALM: dict[int, Frames] = {content: {frame: f"{content} {frame}" for frame in WHOLE} for content in (0, 1)}


def test_a_whole_version_is_told_by_its_plates() -> None:
    assert [plates_of(WHOLE, dict(CALM[content]), CALM) for content in (0, 1)] == [0, 1]


@pytest.mark.parametrize(
    ("numbers", "frames", "told"),
    [
        (WHOLE[:-1], CALM[0], "lost or doubled"),
        ([1, *WHOLE], CALM[0], "lost or doubled"),
        (WHOLE, {frame: CALM[0][frame] for frame in WHOLE[1:]}, "lost or doubled"),
        (WHOLE, CALM[0] | {3: CALM[1][3]}, "mixed or wrong"),
        (WHOLE, CALM[0] | {3: "other pixels"}, "mixed or wrong"),
    ],
)
def test_lost_doubled_and_mixed_frames_are_told(numbers: list[int], frames: Frames, told: str) -> None:
    assert str(plates_of(numbers, frames, CALM)).startswith(told)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_calm_run_makes_other_frames_of_other_plates(tmp_path: Path) -> None:
    calm = calm_frames(tmp_path, [Rewritten("shota", 0), Rewritten("shota", 1), Rewritten("shotb", 0)])
    marks = [mark for contents in calm.values() for frames in contents.values() for mark in frames.values()]
    assert len(marks) == len(set(marks)) == 3 * FRAMES


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_service_that_is_disturbed_for_a_minute_delivers_what_a_calm_one_does(tmp_path: Path) -> None:
    report = bench_chaos(1.0, seed=24, folder=tmp_path)
    assert report.findings == (), text_of(report)
    assert sum(report.disturbances.values()) > 10 and report.shots > 0
