"""Events wake, scans decide, and a watch that dies is started again."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from watchdog.events import (
    FileClosedEvent,
    FileClosedNoWriteEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)
from watchdog.observers.polling import PollingObserver

from service.api.roots import Roots
from service.drop_folder import watching
from service.drop_folder.folders import DropFolders
from service.drop_folder.watching import Alarm, Watch, in_use, needs_polling
from service.server import checks
from service.settings import Settings
from tests.service.dropping import QUICK, Place

PATIENCE = 30.0


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("choice", "network", "polls"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("native", True, False),
        ("poll", False, True),
    ],
)
def test_shares_are_polled_unless_the_settings_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: Any, network: bool, polls: bool
) -> None:
    monkeypatch.setattr(watching, "is_network_path", lambda _: network)
    assert needs_polling(tmp_path, Settings(home=tmp_path, watch=choice)) is polls


@pytest.mark.parametrize("choice", ["native", "poll"])
def test_a_new_file_wakes(tmp_path: Path, choice: Any) -> None:
    woken = threading.Event()
    watch = Watch(tmp_path, Settings(home=tmp_path, watch=choice, scan_seconds=0.1), woken.set)
    try:
        assert watch.ensure() and watch.alive
        (tmp_path / "shot").mkdir()
        (tmp_path / "shot" / "a.0001.png").write_bytes(b"x")
        assert woken.wait(PATIENCE)
    finally:
        watch.stop()
    assert not watch.alive


@pytest.mark.parametrize(
    ("event", "wakes"),
    [
        (FileOpenedEvent("a.png"), False),
        (FileClosedNoWriteEvent("a.png"), False),
        (FileCreatedEvent("a.png"), True),
        (FileModifiedEvent("a.png"), True),
        (FileClosedEvent("a.png"), True),
        (FileMovedEvent("a.tmp", "a.png"), True),
        (FileDeletedEvent("a.png"), True),
    ],
)
def test_our_own_reading_does_not_wake_us(event: FileSystemEvent, wakes: bool) -> None:
    woken: list[bool] = []
    watching._Handler(lambda: woken.append(True)).dispatch(event)
    assert bool(woken) is wakes


def test_a_watch_that_died_with_its_folder_is_started_again(tmp_path: Path) -> None:
    root = tmp_path / "drop"
    root.mkdir()
    woken = threading.Event()
    watch = Watch(root, Settings(home=tmp_path, watch="poll", scan_seconds=0.05), woken.set)
    try:
        watch.ensure()
        root.rmdir()
        until(lambda: not watch.alive, "the end of the watch")
        assert not watch.ensure()
        root.mkdir()
        assert watch.ensure() and watch.alive
        woken.clear()
        (root / "a.0001.png").write_bytes(b"x")
        assert woken.wait(PATIENCE)
    finally:
        watch.stop()


def test_a_watch_that_the_system_refuses_leaves_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(PollingObserver, "schedule", refuse)
    watch = Watch(tmp_path, Settings(home=tmp_path, watch="poll"), lambda: None)
    assert not watch.ensure()
    watch.stop()


def test_an_alarm_rings_once_however_often_it_is_rung() -> None:
    alarm = Alarm()
    alarm.ring()
    alarm.ring()
    assert alarm.wait(0.0)
    assert not alarm.wait(0.0)


def test_a_closed_file_is_in_nobodys_use(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"x")
    assert not in_use(file)


@pytest.mark.skipif(watching.os.name != "nt", reason="only Windows can tell that a file is open elsewhere")
def test_an_open_file_is_in_use(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    with file.open("wb"):
        assert in_use(file)


def test_shots_are_found_although_every_event_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching._Handler, "on_any_event", lambda *_: None)
    place = Place(tmp_path, idle_scan_seconds=0.3, **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    folders.start()
    try:
        place.render(range(1, 4))
        until(lambda: [job.state.value for job in place.jobs()] == ["queued"], "the job")
    finally:
        folders.stop()
        place.close()


def test_events_wake_a_folder_that_would_sleep_for_an_hour(tmp_path: Path) -> None:
    place = Place(tmp_path, idle_scan_seconds=3600.0, watch="native", **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    folders.start()
    try:
        keeper = folders._keepers[0]
        until(lambda: keeper._watch.alive, "the watch")
        place.render(range(1, 4))
        until(lambda: [job.state.value for job in place.jobs()] == ["queued"], "the job")
    finally:
        folders.stop()
        place.close()


def test_a_scan_that_crashes_does_not_end_the_watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, idle_scan_seconds=0.1, **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    really, crashes = folders._keepers[0].folder.steps, [RuntimeError("once"), RuntimeError("twice")]

    def steps() -> Iterator[None]:
        if crashes:
            raise crashes.pop()
        return really()

    monkeypatch.setattr(folders._keepers[0].folder, "steps", steps)
    folders.start()
    try:
        place.render(range(1, 4))
        until(lambda: [job.state.value for job in place.jobs()] == ["queued"], "the job")
    finally:
        folders.stop()
        place.close()


def test_a_failing_scan_is_told_once_and_over_when_it_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    failing = True

    def steps(really: Callable[[], Iterator[None]] = keeper.folder.steps) -> Iterator[None]:
        if failing:
            raise RuntimeError("no more handles")
        return really()

    monkeypatch.setattr(keeper.folder, "steps", steps)
    try:
        with structlog.testing.capture_logs() as logs:
            keeper.look()
            keeper.look()
            told, check = folders.problems(), checks(place.settings, place.store, place.queue, folders)
            assert told == {place.root: "RuntimeError: no more handles"}
            assert not check[f"drop folder {place.root}"].ok
            assert "no more handles" in check[f"drop folder {place.root}"].detail
            assert keeper._pause() <= place.settings.scan_seconds < place.settings.idle_scan_seconds
            failing = False
            keeper.look()
    finally:
        keeper._watch.stop()
        place.close()
    assert folders.problems() == {}
    said = [(entry["log_level"], entry["root"], entry.get("problem")) for entry in logs]
    assert said == [("error", str(place.root), "RuntimeError: no more handles"), ("info", str(place.root), None)]


def test_whatever_keeps_the_watch_from_starting_does_not_keep_the_scan_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(PollingObserver, "start", refuse)
    place = Place(tmp_path, watch="poll")
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    try:
        place.render(range(1, 4))
        with structlog.testing.capture_logs() as logs:
            keeper.look()
            keeper.look()
        assert [job.state.value for job in place.jobs()] == ["waiting_input"] and folders.problems() == {}
        assert len(logs) == 1, "said once, not at every scan"
    finally:
        keeper._watch.stop()
        place.close()


def test_without_an_inotify_instance_scans_still_find_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watching, "Observer", refuse)
    place = Place(tmp_path, watch="native", **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    folders.start()
    try:
        place.render(range(1, 4))
        until(lambda: [job.state.value for job in place.jobs()] == ["queued"], "the job")
        assert folders.problems() == {}
    finally:
        folders.stop()
        place.close()


def test_a_scan_that_hangs_is_told_while_it_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.drop_folder.folders.HANGING_SECONDS", 0.05)
    place = Place(tmp_path, **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    answers = threading.Event()
    (keeper,) = folders._keepers
    steps = keeper.folder.steps

    def hangs() -> Iterator[None]:
        answers.wait(PATIENCE)
        return steps()

    monkeypatch.setattr(keeper.folder, "steps", hangs)
    folders.start()
    try:
        until(folders.problems, "it is told")
        assert "does not answer" in folders.problems()[place.root]
        check = checks(place.settings, place.store, place.queue, folders)[f"drop folder {place.root}"]
        assert not check.ok and "does not answer" in check.detail
        assert "does not answer" in (Roots(place.paths, folders).health()[place.paths.roots[0].id].problem or "")
        assert folders.lags()[place.root] > 0.05
        answers.set()
        until(lambda: not folders.problems(), "it is over")
    finally:
        answers.set()
        folders.stop()
        place.close()


def test_a_folder_that_cannot_be_made_keeps_no_other_from_being_watched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "drop").write_text("a file stands in its place", encoding="utf-8")
    place = Place(tmp_path, drop_folders=(home / "drop", tmp_path / "drop"), idle_scan_seconds=0.1, **QUICK)
    folders = DropFolders(place.settings, place.paths, place.queue)
    folders.start()
    try:
        place.render(range(1, 4))
        until(lambda: [job.state.value for job in place.jobs()] == ["queued"], "the job")
        until(lambda: not folders.online()[str(home / "drop")], "it is told as away")
    finally:
        folders.stop()
        place.close()


def test_only_the_default_drop_folder_is_made(tmp_path: Path) -> None:
    own = Place(tmp_path / "own", drop_folders=())
    away = Place(tmp_path / "away", drop_folders=(tmp_path / "not-mounted",))
    for place, made in ((own, True), (away, False)):
        folders = DropFolders(place.settings, place.paths, place.queue)
        folders.start()
        try:
            (root,) = place.settings.roots
            until(lambda folders=folders, made=made: list(folders.online().values()) == [made], "the first scan")
            assert root.exists() is made
        finally:
            folders.stop()
            place.close()
