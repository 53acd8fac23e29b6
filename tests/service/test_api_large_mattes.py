"""Mattes of many polygons: short answers, and files in place of long requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.asking import Asker, asker
from tests.service.dropping import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(1, 4))
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


def test_a_summary_stays_small_whatever_the_mattes(client: Asker, place: Place) -> None:
    shapes = [{"points": [[x, y] for x in range(100) for y in (0, 9.123)]}]
    mattes = {"garbage": {"frames": {str(frame): shapes for frame in range(100)}}}
    body = {"plate": str(place.root / "hero" / "hero.####.png"), "mattes": mattes}
    whole = client.post("/jobs", json=body)
    small = client.post("/jobs?answer=summary", json=body)
    job = small.json()
    assert len(whole.content) > 200_000 > 2000 > len(small.content)
    assert (small.status_code, job["id"], job["state"], job["frames_total"]) == (202, whole.json()["id"], "queued", 3)
    for reply in (
        client.get(f"/jobs/{job['id']}?answer=summary"),
        client.patch(f"/jobs/{job['id']}?answer=summary", json={"priority": 60}),
        client.post(f"/jobs/{job['id']}/pause?answer=summary"),
    ):
        assert len(reply.content) < 2000 and reply.json()["id"] == job["id"], reply.text


def test_polygons_in_a_file_are_the_same_job_wherever_the_file_lies(client: Asker, place: Place) -> None:
    files = [place.root.parent / name for name in ("a.json", "b.json", "c.json")]
    for file, width in zip(files, (9, 9, 8), strict=True):
        file.write_text(json.dumps({"frames": {"1": [{"points": [[0, 0], [width, 0], [0, 9]]}]}}))
    plate = str(place.root / "hero" / "hero.####.png")
    ids = [client.post("/jobs", json={"plate": plate, "mattes": {"garbage": str(file)}}).json()["id"] for file in files]
    assert ids[0] == ids[1] != ids[2]
