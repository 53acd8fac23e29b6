"""Sequences in one folder that differ in padding alone are shots of their own, whichever comes first."""

from __future__ import annotations

import pytest

from tests.service.dropping import QUEUED, WAITING, Place


def put(place: Place, digits: int, frames: range = range(1, 4)) -> None:
    for frame in frames:
        place.put(f"hero/hero.{frame:0{digits}d}.png", f"{digits} {frame}")


def taken(place: Place) -> dict[str, list[str]]:
    """Return the plates of each job by its shot's pattern."""
    return {job.shot.pattern: [job.shot.frame_path(n).name for n in job.frames] for job in place.jobs()}


EACH = {
    "hero.#.png": ["hero.1.png", "hero.2.png", "hero.3.png"],
    "hero.####.png": ["hero.0001.png", "hero.0002.png", "hero.0003.png"],
}


@pytest.mark.parametrize("order", [(1, 4), (4, 1)])
@pytest.mark.parametrize("between", [0.0, 5.0, 20.0])
def test_each_becomes_a_job_of_its_own_with_its_own_plates_and_output(
    place: Place, order: tuple[int, int], between: float
) -> None:
    for digits in order:
        put(place, digits)
        place.wait(between)
    jobs = place.wait(20.0)
    assert taken(place) == EACH
    assert [job.state for job in jobs] == [QUEUED, QUEUED] and {job.attempt for job in jobs} == {0}
    assert len({job.output for job in jobs}) == 2
    place.wait(40.0)
    assert len(place.jobs()) == 2, "looking again changes nothing"
    place.watch_anew()
    place.wait(40.0)
    assert len(place.jobs()) == 2, "nor does a new start"


def test_frames_that_still_come_go_to_their_own_sequence(place: Place) -> None:
    put(place, 1)
    put(place, 4)
    assert [job.state for job in place.wait(10.0)] == [WAITING, WAITING]
    put(place, 4, range(4, 9))
    place.wait(10.0)
    put(place, 1, range(4, 5))
    jobs = place.wait(60.0)
    assert {job.shot.pattern: job.frames for job in jobs} == {
        "hero.#.png": (1, 2, 3, 4),
        "hero.####.png": tuple(range(1, 9)),
    }
    assert [job.state for job in jobs] == [QUEUED, QUEUED]


def test_one_that_is_taken_away_leaves_the_other_alone(place: Place) -> None:
    put(place, 1)
    put(place, 4)
    place.wait(20.0)
    for frame in (1, 2, 3):
        (place.root / f"hero/hero.{frame}.png").unlink()
    place.wait(40.0)
    put(place, 4, range(4, 6))
    jobs = place.wait(20.0)
    assert [job.frames for job in jobs if job.shot.padding == 4] == [(1, 2, 3, 4, 5)]
    assert [job.frames for job in jobs if job.shot.padding == 1] == [(1, 2, 3)]


def test_a_sidecar_of_both_orders_each_by_its_own_plates(place: Place) -> None:
    place.sidecar(frames="2-3")
    put(place, 1)
    put(place, 4)
    jobs = place.wait(20.0)
    assert taken(place) == {pattern: names[1:] for pattern, names in EACH.items()}
    assert {job.request.plate.rsplit("/", 1)[-1] for job in jobs} == set(EACH)


def test_a_job_file_orders_the_one_that_it_names_and_the_other_comes_by_itself(place: Place) -> None:
    put(place, 1)
    put(place, 4)
    place.put("hero.job.json", '{"plate": "hero/hero.#.png", "frames": "1-2"}')
    place.wait(20.0)
    assert taken(place) == {**EACH, "hero.#.png": EACH["hero.#.png"][:2]}
