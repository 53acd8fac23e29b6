"""Of all services that watch one drop folder, one takes its shots; when it ends, another goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from watchdog.events import FileModifiedEvent

from service.drop_folder import DropFolders, watching
from service.drop_folder.lease import LEASE_FILE, Lease
from service.jobs import JobState
from service.queue.status_file import write_status
from service.server import checks
from tests.service.asking import asker
from tests.service.dropping import QUICK, Place
from tests.service.running import until

ROOT = Path(__file__).parents[2]
OF_ANOTHER_MACHINE = "filelock/2\npid=4711\nhost=renderbox\nmode=lease\ntoken=abc\nduration={}\n"
PROMPT = {**QUICK, "idle_scan_seconds": 0.1}


@contextmanager
def another_service(home: Path, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a second watcher in a process of its own, and wait until it has the folder."""
    command = [sys.executable, "-m", "tests.service.fixtures.watches_until_killed", str(home), str(root)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    try:
        until((root / LEASE_FILE).exists, "the other service watches", 60.0)
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def names(place: Place) -> list[str]:
    return [job.shot.name for job in place.jobs()]


def take(place: Place, shot: str) -> None:
    place.render(range(1, 4), shot=shot)
    until(lambda: "queued" in [job.state for job in place.jobs() if job.shot.name == shot], f"{shot} is queued")


@pytest.mark.parametrize("ending", ["killed", "stopped"])
def test_one_of_two_services_takes_the_shots_and_the_other_goes_on_when_it_ends(tmp_path: Path, ending: str) -> None:
    place = Place(tmp_path / "ours", drop_folders=(tmp_path / "ours" / "drop",), **PROMPT)
    with another_service(tmp_path / "theirs", place.root) as other:
        folders = DropFolders(place.settings, place.paths, place.queue)
        folders.start()
        try:
            until(lambda: folders.problems(), "the other one is told")
            assert f"process {other.pid}" in folders.problems()[place.root]
            place.render(range(1, 4), shot="first")
            status = tmp_path / "theirs" / "out" / "first" / "status.json"
            until(lambda: status.exists() and '"queued"' in status.read_text(), "the other one takes the shot")
            assert names(place) == []
            if ending == "killed":
                other.kill()
            else:
                assert other.stdin is not None
                other.stdin.close()
            other.wait()
            take(place, "second")
            assert folders.problems() == {}
        finally:
            folders.stop()
            place.close()
    assert not (place.root / LEASE_FILE).exists(), "let go at a clean stop"


def test_who_watches_is_told_in_roots_and_health_and_the_folder_is_looked_at_soon_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.put(LEASE_FILE, OF_ANOTHER_MACHINE.format(60.0))
    folders = DropFolders(place.settings, place.paths, place.queue)
    (keeper,) = folders._keepers
    try:
        place.render(range(1, 4))
        keeper.look()
        drop, *_ = asker(place, folders=folders).get("/roots").json()["roots"]
        assert drop["online"] and "renderbox (process 4711)" in drop["problem"]
        check = checks(place.settings, place.store, place.queue, folders)[f"drop folder {place.root}"]
        assert not check.ok and "renderbox (process 4711)" in check.detail
        assert keeper._pause() <= place.settings.scan_seconds < place.settings.idle_scan_seconds
        assert place.jobs() == []
    finally:
        keeper._watch.stop()
        place.close()


def test_a_lease_of_another_machine_is_over_once_nobody_renewed_it_whatever_its_clock_says(tmp_path: Path) -> None:
    file = tmp_path / LEASE_FILE
    file.write_text(OF_ANOTHER_MACHINE.format(0.5), encoding="ascii")
    lease = Lease(tmp_path, seconds=0.5)
    for moment in (0, 2**32):  # a clock that is decades behind, then one that is decades ahead: both renew
        os.utime(file, (moment, moment))
        assert "renderbox" in lease.hold()
    until(lambda: not lease.hold(), "nobody renews it any more")
    lease.let_go()
    assert not file.exists()


def test_a_lease_is_renewed_without_a_scan_and_let_go_at_the_end(tmp_path: Path) -> None:
    first, second = Lease(tmp_path, seconds=3.0), Lease(tmp_path, seconds=3.0)
    try:
        assert first.hold() == ""
        assert f"process {os.getpid()}" in second.hold()
        began = (tmp_path / LEASE_FILE).stat().st_mtime_ns
        until(lambda: (tmp_path / LEASE_FILE).stat().st_mtime_ns != began, "it is renewed")
    finally:
        first.let_go()
    assert second.hold() == ""
    second.let_go()


def test_who_lost_the_lease_gives_its_waiting_shots_up_and_has_them_again_with_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.folder._lease = Lease(place.root)
    try:
        place.render(range(1, 4))
        assert [job.state for job in place.wait()] == ["waiting_input"]
        (place.root / LEASE_FILE).unlink()
        other = place.put(LEASE_FILE, OF_ANOTHER_MACHINE.format(60.0))
        assert [job.state for job in place.wait(20.0)] == ["cancelled"]
        assert "renderbox" in place.folder.watched_by
        other.unlink()
        assert [job.state for job in place.wait(20.0)] == ["queued"]
    finally:
        place.folder.let_go()
        place.close()


def keyed_by_another(tmp_path: Path) -> Place:
    """A service keys the shot that lies in the drop folder, then ends."""
    other = Place(tmp_path, home=tmp_path / "theirs")
    other.render(range(1, 4))
    (job,) = other.wait(20.0)
    other.store.update(job.id, state=JobState.RUNNING)
    manifest = job.output / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}", encoding="utf-8")
    write_status(other.store.update(job.id, state=JobState.DONE, manifest=manifest))
    other.close()
    return other


@pytest.mark.parametrize(
    ("meanwhile", "taken"),
    [("nothing", []), ("the plates change", ["hero"]), ("the result goes", ["hero"]), ("a shot comes", ["new"])],
)
def test_who_takes_a_folder_over_keys_nothing_again_that_the_other_has_done(
    tmp_path: Path, meanwhile: str, taken: list[str]
) -> None:
    keyed_by_another(tmp_path)
    place = Place(tmp_path)
    place.folder._lease = Lease(place.root)
    other = place.put(LEASE_FILE, OF_ANOTHER_MACHINE.format(60.0))
    try:
        assert place.wait(20.0) == [] and "renderbox" in place.folder.watched_by
        other.unlink()
        if meanwhile == "the plates change":
            place.render(range(1, 4), content="graded")
        elif meanwhile == "the result goes":
            (tmp_path / "out" / "hero" / "v001" / "manifest.json").unlink()
        elif meanwhile == "a shot comes":
            place.render(range(1, 4), shot="new")
        place.wait(20.0)
        assert names(place) == taken
    finally:
        place.folder.let_go()
        place.close()


def test_our_own_lease_that_stayed_behind_is_taken_up_again(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    assert lease.hold() == ""
    content = (tmp_path / LEASE_FILE).read_text(encoding="ascii")
    lease.let_go()
    (tmp_path / LEASE_FILE).write_text(
        content, encoding="ascii"
    )  # as if it could not be removed while the share was away
    assert lease.hold() == ""
    lease.let_go()


def test_a_lease_that_names_nobody_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / LEASE_FILE).touch()
    assert "delete that file" in Lease(tmp_path).hold()


def test_a_folder_that_cannot_be_written_is_watched_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(tmp_path)

    def refuse() -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lease._lock, "acquire", refuse)
    with structlog.testing.capture_logs() as logs:
        assert lease.hold() == lease.hold() == ""
    assert [entry["log_level"] for entry in logs] == ["warning"], "said once, not at every scan"


def test_a_folder_that_is_away_is_not_made(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "not-mounted" / "drop")
    assert lease.hold() == ""
    lease.let_go()
    assert not (tmp_path / "not-mounted").exists()


def test_renewing_a_lease_wakes_nobody() -> None:
    woken: list[bool] = []
    watching._Handler(lambda: woken.append(True)).dispatch(FileModifiedEvent(f"drop/{LEASE_FILE}"))
    assert woken == []
