"""Results are taken off the list, with what lies on disk or without; plates and what others laid there stay."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs import Job, JobState
from tests.service.asking import Asker, asker, check_problem
from tests.service.dropping import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


def done(place: Place, shot: str = "hero") -> Job:
    """Drop a shot and finish it, as a worker would."""
    place.render(range(1, 3), shot)
    job = next(job for job in place.wait(90) if job.shot.name == shot)
    for state in (JobState.RUNNING, JobState.DONE):
        job = place.store.update(job.id, state=state)
    for name in ("foreground", "alpha"):
        (job.output / name).mkdir(parents=True)
        for frame in (1, 2):
            (job.output / name / f"{shot}_{name}.{frame:04d}.exr").write_bytes(b"floats")
    (job.output / "manifest.json").write_text("{}")
    return job


def test_a_result_taken_off_the_list_stays_on_disk(client: Asker, place: Place) -> None:
    job = done(place)
    assert client.post("/removals", json={"jobs": [job.id]}).json() == {"removed": [job.id], "refused": {}}
    check_problem(client.get(f"/jobs/{job.id}"), 404)
    assert len(list(job.output.rglob("*.exr"))) == 4


def test_a_result_removed_from_disk_leaves_plates_and_what_others_laid_there(client: Asker, place: Place) -> None:
    job, other = done(place), done(place, "other")
    mine = job.output / "alpha" / "notes.txt"
    mine.write_text("keep")
    told = client.post("/removals", json={"jobs": [job.id, other.id, "nobody"], "files": True}).json()
    assert told["removed"] == [job.id, other.id]
    assert told["refused"]["nobody"]["kind"] == "not_found"
    assert [file for file in job.output.rglob("*") if file.is_file()] == [mine]
    assert not other.output.exists()
    assert len(list(place.root.rglob("*.png"))) == 4, "plates are never touched"


def test_what_was_removed_is_not_keyed_again_by_itself_but_on_request(client: Asker, place: Place) -> None:
    job = done(place)
    client.post("/removals", json={"jobs": [job.id], "files": True})
    place.watch_anew()
    assert place.wait(30) == []
    asked = client.post("/jobs", json={"plate": str(place.root / "hero" / "hero.####.png")})
    assert asked.status_code == 202 and asked.json()["state"] == "queued"


def test_a_job_at_work_is_not_removed(client: Asker, place: Place) -> None:
    place.render(range(1, 3))
    job = place.wait(3)[0]
    told = client.post("/removals", json={"jobs": [job.id], "files": True}).json()
    assert told["removed"] == [] and told["refused"][job.id]["fix"] == "Cancel it first."


def test_a_link_out_of_the_output_is_not_followed(client: Asker, place: Place, tmp_path: Path) -> None:
    job = done(place)
    far = tmp_path / "far"
    far.mkdir()
    precious = far / "hero_alpha.0009.exr"
    precious.write_bytes(b"elsewhere")
    (job.output / "preview").symlink_to(far, target_is_directory=True)
    client.post("/removals", json={"jobs": [job.id], "files": True})
    assert precious.is_file()


def test_a_result_comes_as_one_zip_and_nothing_is_left_behind(client: Asker, place: Place) -> None:
    job = done(place)
    reply = client.get(f"/jobs/{job.id}/result.zip")
    assert reply.status_code == 200 and reply.headers["content-length"] == str(len(reply.content))
    assert "hero_v001.zip" in reply.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert sorted(archive.namelist())[:2] == [
            "hero/v001/alpha/hero_alpha.0001.exr",
            "hero/v001/alpha/hero_alpha.0002.exr",
        ]
        assert archive.read("hero/v001/manifest.json") == b"{}"
    assert list((place.settings.home / "downloads").iterdir()) == []
