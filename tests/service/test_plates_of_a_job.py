"""A job is of the plates that it was ordered for: none is keyed from others, and a shot that comes back is keyed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.drop_folder import DropFolder
from service.errors import WrongState
from service.jobs import JobState
from service.queue import JobQueue
from service.store import JobStore
from service.versions import content_of
from tests.service.dropping import QUEUED, WAITING, Place
from tests.service.running import OneWorker, make_request, make_settings, make_shot, until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_an_order_says_which_plates_it_is_for(tmp_path: Path) -> None:
    shot, store, worker = make_shot(tmp_path / "plates"), JobStore(), OneWorker()
    queue = JobQueue(make_settings(tmp_path / "home"), store, worker)
    queue.start()
    queue.submit(make_request(shot), shot)
    _, _, order = until(lambda: worker.current, "the order")
    assert order.content == content_of(shot, shot.frames)
    queue.stop()
    store.close()


def test_a_retry_is_of_the_plates_as_they_are_then(place: Place) -> None:
    shot = make_shot(place.root.parent / "plates")
    job, _ = place.queue.submit(make_request(shot), shot)
    place.store.update(job.id, state=JobState.FAILED)
    shot.frame_path(3).write_bytes(b"rendered again")
    again = place.queue.retry(job.id)
    assert again.id == job.id and again.identity != job.identity and again.state is QUEUED
    assert place.store.keys(job.id).content == content_of(shot, shot.frames)
    assert place.queue.submit(make_request(shot), shot) == (again, False), "no second version of the same plates"


def test_a_version_whose_plates_became_a_newer_one_is_not_retried(place: Place) -> None:
    shot = make_shot(place.root.parent / "plates")
    old, _ = place.queue.submit(make_request(shot), shot)
    place.store.update(old.id, state=JobState.RUNNING, attempt=1)
    place.store.update(old.id, state=JobState.FAILED)
    shot.frame_path(3).write_bytes(b"rendered again")
    new, created = place.queue.submit(make_request(shot), shot)
    assert created and new.version == 2
    with pytest.raises(WrongState, match="written anew, and v002 has come of them"):
        place.queue.retry(old.id)
    assert place.queue.get(old.id).state is JobState.FAILED


def test_plates_written_anew_between_the_look_and_the_taking_wait(tmp_path: Path) -> None:
    place = Place(tmp_path)
    late: list[int] = [2]

    def writes(file: Path) -> bool:
        while late:
            place.render([late.pop()], content="anew")
        return False

    place.folder = DropFolder(
        place.root, place.settings, place.paths, place.queue, clock=lambda: place.now, in_use=writes
    )
    place.render([1, 2, 3])
    assert [job.state for job in place.wait(16.0)] == [WAITING] and not late
    (job,) = place.wait(20.0)
    assert job.state is QUEUED and place.store.keys(job.id).content == content_of(job.shot, job.frames)
    place.close()


def test_an_old_ready_file_does_not_start_a_later_render_early_after_a_restart(place: Place) -> None:
    place.render([1, 2])
    ready = place.put("hero.ready", "")
    (first,) = place.wait(3.0)
    assert first.state is QUEUED
    place.queue.cancel(first.id)
    os.utime(ready, ns=(1, 1))
    place.render([1, 2], content="anew")
    place.watch_anew()
    assert place.wait(10.0)[-1].state is WAITING
    assert place.wait(10.0)[-1].state is QUEUED


def test_a_shot_that_went_away_before_it_was_complete_comes_back_with_its_files_after_a_restart_too(
    place: Place,
) -> None:
    place.render([1, 2, 3])
    place.wait(5.0)
    away = place.root.with_name("elsewhere")
    (place.root / "hero").rename(away)
    (job,) = place.wait(20.0)
    assert job.state is JobState.CANCELLED
    assert job.problem is not None and "went away" in job.problem.message and "back" in job.problem.fix
    away.rename(place.root / "hero")
    place.watch_anew()
    assert [(one.id, one.state) for one in place.wait(5.0)] == [(job.id, WAITING)]
    (back,) = place.wait(20.0)
    assert back.state is QUEUED and back.problem is None and back.finished_at is None


def test_the_time_that_a_root_is_away_is_no_sign_that_its_shots_are_gone(place: Place) -> None:
    place.render([1, 2, 3])
    place.wait(5.0)
    hero, aside = place.root / "hero", place.root.with_name("aside")
    hero.rename(aside)
    place.wait()  # a look that missed it, as the disk was just leaving
    away = place.root.with_name("elsewhere")
    place.root.rename(away)
    place.wait(60.0)
    away.rename(place.root)
    place.wait()  # … or just coming
    aside.rename(hero)
    assert [job.state for job in place.wait(5.0)] == [QUEUED], "not given up meanwhile"
