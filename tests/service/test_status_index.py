"""One index of all status files of an output root, for panels that see a share only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.queue.status_file import INDEX, MOST_INDEXED, write_index
from tests.service.asking import asker
from tests.service.dropping import Place


def test_the_index_names_each_shot_with_its_newest_job(tmp_path: Path) -> None:
    place = Place(tmp_path)
    jobs = {}
    for shot in ("hero", "dancer"):
        place.render([1, 2], shot)
        body = {"plate": str(place.root / shot / f"{shot}.####.png"), "client": f"after-effects:{shot}"}
        jobs[shot] = asker(place).post("/jobs", json=body).json()
    place.close()
    output = Path(jobs["hero"]["output"]).parent.parent
    shots = json.loads((output / INDEX).read_text(encoding="utf-8"))["shots"]
    assert {name: entry["id"] for name, entry in shots.items()} == {name: job["id"] for name, job in jobs.items()}
    for name, entry in shots.items():
        status = json.loads((output / name / "status.json").read_text(encoding="utf-8"))
        assert entry["client"] == f"after-effects:{name}" and entry["state"] == status["state"]
        assert entry["plate"] == status["request"]["plate"]


@pytest.mark.parametrize("text", ["", "[]", '{"shots": 7}', '{"shots": {"old": 7, "older": {}}}'])
def test_an_index_that_is_none_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    shots = json.loads(write_index(tmp_path, []).read_text())["shots"]
    assert shots == {}


def test_the_index_keeps_the_newest_and_what_other_services_entered(tmp_path: Path) -> None:
    theirs = {f"shot{n:04}": {"updated_at": f"2026-01-01T00:{n // 60:02}:{n % 60:02}"} for n in range(MOST_INDEXED + 9)}
    (tmp_path / INDEX).write_text(json.dumps({"shots": theirs}))
    shots = json.loads(write_index(tmp_path, []).read_text())["shots"]
    assert len(shots) == MOST_INDEXED and "shot0000" not in shots and f"shot{MOST_INDEXED + 8:04}" in shots
