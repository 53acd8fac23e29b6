"""A shot whose promised frames do not come says which it waits for, and what to do."""

from __future__ import annotations

import json

import pytest

from service.jobs import Job
from tests.service.dropping import FAILED, QUEUED, WAITING, Place
from tests.service.running import until


def words(job: Job) -> str:
    assert job.problem is not None
    return f"{job.problem.message} {job.problem.fix}"


def test_the_frames_of_a_range_that_do_not_come_are_named_in_job_and_status_file(place: Place) -> None:
    place.sidecar(frames="1-6")
    place.render([1, 2, 4])
    (job,) = place.wait(14.0)
    assert job.state is WAITING and job.problem is None, "they may still be coming"
    (job,) = place.wait(2.0)
    assert job.state is WAITING and job.problem is not None and job.problem.frame == 3
    assert "frames 3,5-6 that hero.dropkey.json asks for" in words(job)
    assert "correct the range" in words(job) and "10 min" in words(job) and ".ready" in words(job)
    status = job.output.parent / "status.json"
    told = until(lambda: status.exists() and json.loads(status.read_text(encoding="utf-8"))["problem"], "it is told")
    assert told["message"] == job.problem.message


def test_frames_that_come_again_take_the_word_back_and_the_rest_is_named_anew(place: Place) -> None:
    place.sidecar(frames="1-6")
    place.render([1, 2])
    place.wait(16.0)
    place.render([3, 4])
    (job,) = place.wait()
    assert job.problem is None
    (job,) = place.wait(80.0)
    assert "frames 5-6" in words(job)
    place.render([5, 6])
    (job,) = place.wait(5.0)
    assert job.state is QUEUED and job.problem is None


def test_a_slow_render_is_not_said_to_have_stopped(place: Place) -> None:
    place.sidecar(frames="1-9")
    place.render([1, 2])
    place.wait(12.0)
    for frame in (3, 4, 5):
        place.render([frame])
        (job,) = place.wait(40.0)
        assert job.state is WAITING and job.problem is None, "four times its longest pause is not over"


@pytest.mark.parametrize("then", ["nothing", "a ready file", "the right range"])
def test_a_range_of_which_nothing_is_there_is_told_long_before_it_fails(place: Place, then: str) -> None:
    sidecar = place.sidecar(frames="1001-1004")
    place.render([1, 2])
    (job,) = place.wait(16.0)
    assert job.state is WAITING and "frames 1001-1004" in words(job) and "it fails" in words(job)
    if then == "nothing":
        (job,) = place.wait(590.0, step=5.0)
        assert job.state is FAILED and "hero.####.png has frames 1-2" in words(job)
    elif then == "a ready file":
        place.put("hero.ready", "")
        (job,) = place.wait(5.0)
        assert job.state is FAILED and "1001-1004" in words(job)
    else:
        place.sidecar(frames="1-2")
        assert sidecar.exists()
        jobs = place.wait(20.0)
        assert [(job.state, job.frames) for job in jobs] == [(QUEUED, (1, 2))]


def test_with_a_ready_file_a_range_of_which_nothing_is_there_fails_at_once(place: Place) -> None:
    place.sidecar(frames="1001-1004")
    place.render([1, 2])
    place.put("hero.ready", "")
    (job,) = place.wait(5.0)
    assert job.state is FAILED and "1001-1004" in words(job)


def test_a_file_that_stays_empty_is_named_although_a_ready_file_is_there(place: Place) -> None:
    place.render([1, 2, 3])
    place.put("hero/hero.0002.png", "")
    place.put("hero.ready", "")
    (job,) = place.wait(16.0)
    assert job.state is WAITING and "hero.0002.png" in words(job) and "empty" in words(job)
    place.render([2])
    (job,) = place.wait(3.0)
    assert job.state is QUEUED and job.problem is None


def test_a_lone_first_frame_says_that_the_others_are_awaited(place: Place) -> None:
    place.put("hero/hero.0001.png")
    place.sidecar(frames="1-4")
    (job,) = place.wait(16.0)
    assert job.state is WAITING and "of which only hero.0001.png is there" in words(job)
    place.render([2, 3, 4])
    place.wait(20.0)
    assert [job.frames for job in place.jobs() if job.state is QUEUED] == [(1, 2, 3, 4)]
    assert WAITING not in place.states()


def test_what_is_awaited_is_told_again_after_a_restart_and_taken_back_when_it_came(place: Place) -> None:
    place.sidecar(frames="1-4")
    place.render([1, 2])
    place.wait(16.0)
    place.watch_anew()
    (job,) = place.wait(16.0)
    assert "frames 3-4" in words(job)
    place.watch_anew()
    place.render([3, 4])
    (job,) = place.wait(5.0)
    assert job.state is QUEUED and job.problem is None
