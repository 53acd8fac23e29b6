"""Links that somebody lays into the output folder: nothing is written to where they lead."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service import confined
from service.atomic import replace_file
from service.errors import PathRefused
from service.jobs import JobRequest, JobState
from service.messages import ShotOrder
from service.paths import Paths
from service.pipeline.delivery import PASSES, Delivery
from service.queue import JobQueue
from service.settings import Settings
from service.store import JobStore
from tests.service.dropping import NobodyWorks
from tests.service.running import until
from tests.service.shots_on_disk import write_shot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need special rights on Windows")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


class TakesAll(NobodyWorks):
    """An executor that takes every shot, and keys none."""

    order: ShotOrder | None = None

    def capacity(self, priority: int) -> int:
        return 1

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        self.order = order
        return True


@pytest.fixture
def queue_of(tmp_path: Path, output: Path) -> Iterator[Callable[..., tuple[JobQueue, TakesAll]]]:
    begun: list[tuple[JobQueue, JobStore]] = []

    def begin(**more: Any) -> tuple[JobQueue, TakesAll]:
        store, executor = JobStore(), TakesAll()
        settings = Settings(**{"home": tmp_path / "home", "output_root": output} | more)
        queue = JobQueue(settings, store, executor)
        queue.start()
        begun.append((queue, store))
        return queue, executor

    yield begin
    for queue, store in begun:
        queue.stop()
        store.close()


def submitted(queue: JobQueue, tmp_path: Path) -> str:
    shot = write_shot(tmp_path / "plates" / "green", range(1, 3))
    return queue.submit(JobRequest(plate=str(shot.folder)), shot)[0].id


def test_a_shots_folder_that_is_a_link_out_fails_its_job_by_name(
    queue_of: Callable[..., tuple[JobQueue, TakesAll]], output: Path, elsewhere: Path, tmp_path: Path
) -> None:
    (output / "green").symlink_to(elsewhere)
    queue, _ = queue_of()
    job = submitted(queue, tmp_path)
    until(lambda: queue.get(job).state is JobState.FAILED, "the job fails")
    problem = queue.get(job).problem
    assert problem is not None and problem.kind == "path_refused" and str(output / "green") in problem.message
    queue.stop()  # writes what is due
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("allowed", ["extra_roots", "follow_links"])
def test_a_link_to_where_results_may_go_is_followed(
    queue_of: Callable[..., tuple[JobQueue, TakesAll]], output: Path, elsewhere: Path, tmp_path: Path, allowed: str
) -> None:
    (output / "green").symlink_to(elsewhere)
    queue, executor = queue_of(**{allowed: (elsewhere,) if allowed == "extra_roots" else True})
    submitted(queue, tmp_path)
    order = until(lambda: executor.order, "the job is handed out")
    assert (elsewhere / "v001").is_dir() and order.output == output / "green" / "v001"


def test_an_output_folder_that_is_itself_a_link_is_the_users_own(
    queue_of: Callable[..., tuple[JobQueue, TakesAll]], output: Path, elsewhere: Path, tmp_path: Path
) -> None:
    output.rmdir()
    output.symlink_to(elsewhere)
    queue, _ = queue_of()
    job = submitted(queue, tmp_path)
    until(lambda: queue.get(job).state is JobState.RUNNING, "the job runs")
    assert (elsewhere / "green" / "v001").is_dir()


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_that_became_a_link_stops_the_shot_before_it_is_keyed(
    output: Path, elsewhere: Path, tmp_path: Path, name: str
) -> None:
    version = output / "green" / "v001"
    version.mkdir(parents=True)
    (version / name).symlink_to(elsewhere)
    shot = write_shot(tmp_path / "green", range(1, 3))
    with pytest.raises(PathRefused, match="link that leads out"):
        Delivery(shot, version, (output.resolve(),)).prepare(0.0)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_swapped_for_a_link_between_check_and_writing_gets_nothing(
    output: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = output / "v001"
    version.mkdir()
    check = confined._place_of

    def swap(folder: Path, within: Any) -> Path:
        found = check(folder, within)
        walk = confined._walk

        def late(place: Path, between: Any) -> int:
            version.rename(output / "away")
            version.symlink_to(elsewhere)
            return walk(place, between)

        monkeypatch.setattr(confined, "_walk", late)
        return found

    monkeypatch.setattr(confined, "_place_of", swap)
    with pytest.raises(PathRefused):
        replace_file(version / "a.exr", b"a", within=[output.resolve()])
    assert list(elsewhere.iterdir()) == []


def test_inside_its_bounds_a_file_is_written_and_replaced_as_ever(output: Path) -> None:
    (output / "v001").mkdir()
    for content in (b"first", b"second"):
        replace_file(output / "v001" / "a.exr", content, within=[output.resolve()])
        assert (output / "v001" / "a.exr").read_bytes() == content
    assert [path.name for path in (output / "v001").iterdir()] == ["a.exr"]


def test_settings_say_where_links_in_the_output_may_lead(tmp_path: Path, output: Path, elsewhere: Path) -> None:
    plain = Settings(home=tmp_path / "home", output_root=output, extra_roots=(elsewhere,))
    assert {output.resolve(), elsewhere.resolve()} <= set(Paths(plain).output_confinement(output))
    assert Paths(plain.model_copy(update={"follow_links": True})).output_confinement(output) == ()
