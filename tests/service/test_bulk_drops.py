"""Bulk drops: a shot with its `.ready` file is taken at once whatever else lies there, and no look gets out of hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.drop_folder import DropFolders, sightings
from service.jobs import JobState
from tests.service.dropping import QUEUED, QUICK, WAITING, Place
from tests.service.running import until

LETTERS = "abcdefghij"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def stills(place: Place, count: int) -> None:
    for number in range(count):
        name = "".join(LETTERS[int(digit)] for digit in f"{number:05d}")
        place.put(f"{name}.png", name)


def named(place: Place, name: str) -> list[JobState]:
    return [job.state for job in place.queue.list(search=name).jobs]


def test_a_shot_with_its_ready_file_is_taken_between_two_steps_of_a_scan(place: Place) -> None:
    stills(place, 40)
    place.folder.scan()
    place.now += 60
    steps = place.folder.steps()
    while not place.jobs():
        next(steps)
    place.render(range(1, 4), shot="urgent")
    place.put("urgent.ready")
    place.folder.glance({place.root / "urgent"})
    assert named(place, "urgent") == [WAITING], "seen at once"
    assert place.folder.urgent == {place.root / "urgent"}
    place.now += place.settings.settle_stable_seconds
    place.folder.glance(place.folder.urgent)
    assert named(place, "urgent") == [QUEUED] and not place.folder.urgent
    taken = len(place.jobs())
    assert taken < 41, "the scan was still on its way"
    for _ in steps:
        pass
    assert len(place.jobs()) == 41 and set(place.states()) == {QUEUED}


def test_a_loose_shot_among_thousands_is_taken_as_soon(place: Place) -> None:
    stills(place, 200)
    place.folder.scan()
    place.render(range(1, 4), shot="urgent", folder=".")
    place.put("urgent.ready")
    place.folder.glance({place.root})
    assert named(place, "urgent") == [WAITING] and len(place.jobs()) == 1


def test_a_step_hands_over_one_shot_or_looks_at_one_folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        place.render(range(1, 4), shot=f"s{LETTERS[number % 10]}{number}")
    place.folder.scan()
    place.now += 60
    submitted: list[str] = []
    settle, find = place.queue.settle, sightings.find_shots
    monkeypatch.setattr(place.queue, "settle", lambda *a, **k: submitted.append("shot") or settle(*a, **k))
    monkeypatch.setattr(sightings, "find_shots", lambda folder: submitted.append("folder") or find(folder))
    for _ in place.folder.steps():
        assert len(submitted) <= 1
        submitted.clear()


def test_a_look_asks_about_each_name_once_however_many_shots_there_are(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    stills(place, 300)
    asked: list[str] = []
    real = sightings._is_transfer
    monkeypatch.setattr(sightings, "_is_transfer", lambda name: asked.append(name) or real(name))
    place.folder.scan()
    assert len(asked) == 300


def test_handing_over_ends_after_a_while_so_that_everything_is_looked_at_anew(place: Place) -> None:
    stills(place, 30)
    place.folder.scan()
    place.now += 60
    settle = place.queue.submit

    def slowly(*given: object, **more: object) -> object:
        place.now += 0.5
        return settle(*given, **more)  # type: ignore[arg-type]

    place.queue.submit = slowly  # type: ignore[method-assign]
    place.folder.scan()
    assert place.folder.behind and 0 < len(place.jobs()) < 30
    for _ in range(10):
        place.folder.scan()
    assert not place.folder.behind and set(place.states()) == {QUEUED} and len(place.jobs()) == 30


def test_a_ready_file_is_heard_while_the_folder_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.drop_folder.folders.SHARE_OF_SCANNING", 1e6)  # the pause after a scan never ends
    place = Place(tmp_path, **(QUICK | {"idle_scan_seconds": 3600.0, "watch": "native"}))
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    folders.start()
    try:
        until(lambda: place.folder.online and keeper._watch.alive and keeper._looking_since is None, "a first scan")
        place.render(range(1, 4), shot="urgent")
        place.put("urgent.ready")
        until(lambda: named(place, "urgent") == [QUEUED], "the shot")
    finally:
        folders.stop()
        place.close()


def test_a_scan_ends_between_two_steps_when_the_service_stops(tmp_path: Path) -> None:
    place = Place(tmp_path)
    stills(place, 5)
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    folders._closing.set()
    place.queue.submit = lambda *_, **__: pytest.fail("a shot was taken")  # type: ignore[method-assign]
    keeper.look()
    keeper._watch.stop()
    place.close()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_shot_is_seen_within_two_seconds_of_its_ready_file_in_a_bulk_drop(tmp_path: Path) -> None:
    place = Place(tmp_path, watch="native")
    stills(place, 5000)
    for number in range(1000):
        name = "shot" + "".join(LETTERS[int(digit)] for digit in f"{number:03d}")
        place.render(range(1, 3), shot=name)
    folders = DropFolders(place.settings, place.paths, place.queue)
    folders.start()
    waited = []
    try:
        for number in range(20):
            time.sleep(3)
            name = f"urgent{LETTERS[number % 10]}{LETTERS[number // 10]}"
            place.render(range(1, 3), shot=name)
            place.put(f"{name}.ready")
            began = time.monotonic()
            until(lambda name=name: named(place, name), "the shot", 300, 0.02)
            waited.append(round(time.monotonic() - began, 2))
    finally:
        folders.stop()
        place.close()
    assert max(waited) < 2.0, waited
