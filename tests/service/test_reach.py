"""Whoever is bound to the roots sees that other jobs are there, and neither their pictures nor a way to move them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model.settings import MatteSources
from service.api.app import create_app
from service.exr import ExrHeader, write_foreground
from service.jobs import Job, JobRequest, JobState
from service.previews.reader import Reader, environment_of
from service.settings import Settings
from tests.service.asking import TOKEN, Asker, check_problem
from tests.service.dropping import Place
from tests.service.shots_on_disk import write_shot

MEANT = {"x-dropkey": "1", "sec-fetch-site": "same-origin"}
LINKS = pytest.mark.skipif(os.name == "nt", reason="making links needs a right there")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    started = Reader(environment_of(Settings(home=tmp_path_factory.mktemp("home"))))
    yield started
    started.close()


class Callers:
    """The token's holder at this machine, the same one from elsewhere, and a browser; all ask one service."""

    def __init__(self, place: Place, reader: Reader) -> None:
        self.place = place
        self._app = create_app(place.queue, place.store, place.settings, TOKEN, paths=place.paths, reader=reader)
        self.here = Asker(self._app, "127.0.0.1", TOKEN)
        self.far = Asker(self._app, "10.0.0.7", TOKEN)
        self.browser = Asker(self._app, "127.0.0.1", None)
        sessions = self._app.state.sessions
        self.browser._headers = {"cookie": f"{sessions.cookie}={sessions.redeem(sessions.new_link())}", **MEANT}

    def keyed(self, folder: Path, output: Path | None = None, **more: MatteSources) -> Job:
        """Submit a painted shot in ``folder`` as the token's holder does."""
        shot = write_shot(folder, (1, 2))
        request = JobRequest(plate=str(shot.folder / shot.pattern), key_again=True)
        return self.place.queue.submit(request, shot, output_root=output, **more)[0]


@pytest.fixture
def callers(tmp_path: Path, reader: Reader) -> Iterator[Callers]:
    place = Place(tmp_path)
    yield Callers(place, reader)
    place.close()


def beyond(callers: Callers, tmp_path: Path, what: str) -> Job:
    """Return a job that has its ``what`` outside the roots."""
    if what == "plate":
        return callers.keyed(tmp_path / "private")
    if what == "output":
        return callers.keyed(callers.place.root / "hero", tmp_path / "private")
    return callers.keyed(callers.place.root / "hero", mattes=MatteSources(core=str(tmp_path / "private" / "core.png")))


@pytest.mark.parametrize("what", ["plate", "output", "matte"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/frames/1/plate.png"),
        ("GET", "/frames/1/composite.png"),
        ("GET", "/frames/1/plate/pixel?x=0&y=0"),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/retry"),
        ("POST", "/accept"),
        ("PATCH", ""),
    ],
)
def test_a_job_beyond_the_roots_is_neither_shown_to_a_browser_nor_moved_by_it(
    callers: Callers, tmp_path: Path, what: str, method: str, path: str
) -> None:
    job = beyond(callers, tmp_path, what)
    for caller in (callers.browser, callers.far):
        more = {"json": {"priority": 90}} if method == "PATCH" else {}
        problem = check_problem(caller.request(method, f"/jobs/{job.id}{path}", **more), 403, "path_refused")
        assert "extra_roots" in problem["fix"]
    assert callers.place.queue.get(job.id) == job


@pytest.mark.parametrize("what", ["plate", "output", "matte"])
def test_what_is_said_of_a_job_beyond_the_roots_names_the_folder_to_add(
    callers: Callers, tmp_path: Path, what: str
) -> None:
    job = beyond(callers, tmp_path, what)
    problem = check_problem(callers.browser.get(f"/jobs/{job.id}/frames/1/plate.png"), 403, "path_refused")
    assert f"Add '{tmp_path / 'private'}' to extra_roots in dropkey.toml" in problem["fix"]


@pytest.mark.parametrize("what", ["plate", "matte"])
def test_a_job_beyond_the_roots_is_not_previewed_for_a_browser(callers: Callers, tmp_path: Path, what: str) -> None:
    asked = {"job_id": beyond(callers, tmp_path, what).id, "frame": 1}
    check_problem(callers.browser.post("/preview", json=asked), 403, "path_refused")


def test_the_token_at_this_machine_reaches_jobs_everywhere(callers: Callers, tmp_path: Path) -> None:
    job = callers.keyed(tmp_path / "private", tmp_path / "results")
    assert callers.here.get(f"/jobs/{job.id}/frames/1/plate.png").status_code == 200
    assert callers.here.get(f"/jobs/{job.id}/frames/1/plate/pixel?x=0&y=0").status_code == 200
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
        assert callers.here.post(f"/jobs/{job.id}/{verb}").json()["state"] == state
    assert callers.here.patch(f"/jobs/{job.id}", json={"priority": 90}).json()["priority"] == 90


def test_a_browser_looks_at_and_moves_what_lies_in_the_roots(callers: Callers) -> None:
    job = callers.keyed(callers.place.root / "hero")
    assert callers.browser.get(f"/jobs/{job.id}/frames/1/plate.png").content[:4] == b"\x89PNG"
    assert callers.browser.get(f"/jobs/{job.id}/frames/1/plate/pixel?x=0&y=0").status_code == 200
    assert callers.browser.post(f"/jobs/{job.id}/cancel").json()["state"] == JobState.CANCELLED
    assert callers.browser.post(f"/jobs/{job.id}/retry").json()["state"] == JobState.QUEUED
    assert callers.browser.patch(f"/jobs/{job.id}", json={"priority": 90}).json()["priority"] == 90


def test_a_browser_sees_in_the_queue_what_it_may_not_look_into(callers: Callers, tmp_path: Path) -> None:
    job = callers.keyed(tmp_path / "private")
    assert [listed["id"] for listed in callers.browser.get("/jobs").json()["jobs"]] == [job.id]
    assert callers.browser.get(f"/jobs/{job.id}").json()["state"] == "queued"
    for path in ("frames", "quality"):
        assert callers.browser.get(f"/jobs/{job.id}/{path}").json()["frames"] == []


@LINKS
def test_a_folder_that_became_a_link_out_of_the_roots_is_beyond_them(callers: Callers, tmp_path: Path) -> None:
    job = callers.keyed(callers.place.root / "hero")
    (callers.place.root / "hero").rename(tmp_path / "private")
    (callers.place.root / "hero").symlink_to(tmp_path / "private")
    problem = check_problem(callers.browser.get(f"/jobs/{job.id}/frames/1/plate.png"), 403, "path_refused")
    assert "follow_links" in problem["fix"] and "extra_roots" not in problem["fix"]  # its folder is in a root already
    assert callers.here.get(f"/jobs/{job.id}/frames/1/plate.png").status_code == 200


@LINKS
@pytest.mark.parametrize("name", ["plate", "foreground"])
def test_a_frame_that_became_a_link_is_not_shown_to_a_browser_even_when_another_caller_has_just_seen_it(
    callers: Callers, tmp_path: Path, name: str
) -> None:
    job = callers.keyed(callers.place.root / "hero")
    file = job.shot.frame_path(1)
    secret = file.rename(tmp_path / "secret.exr")
    if name == "foreground":
        file = job.output / "foreground" / f"{job.shot.name}_foreground.0001.exr"
        file.parent.mkdir(parents=True)
        secret = write_result(tmp_path)
    file.symlink_to(secret)
    assert callers.here.get(f"/jobs/{job.id}/frames/1/{name}.png").status_code == 200
    problem = check_problem(callers.browser.get(f"/jobs/{job.id}/frames/1/{name}.png"), 422, "plate_unreadable")
    assert "link" in problem["detail"]


def write_result(folder: Path) -> Path:
    path = folder / "result.exr"
    write_foreground(path, np.full((32, 48, 3), 0.5, np.float32), np.ones((32, 48), np.float32), ExrHeader())
    return path


@LINKS
def test_where_links_may_lead_out_of_the_roots_a_browser_follows_them(tmp_path: Path, reader: Reader) -> None:
    place = Place(tmp_path, follow_links=True)
    callers = Callers(place, reader)
    (tmp_path / "elsewhere").mkdir()
    (place.root / "hero").symlink_to(tmp_path / "elsewhere")
    job = callers.keyed(place.root / "hero")
    assert callers.browser.get(f"/jobs/{job.id}/frames/1/plate.png").status_code == 200
    place.close()
