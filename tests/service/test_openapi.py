"""The API is as it describes itself: asked at random, it neither crashes nor answers anything else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import checks

from service.openapi import description_text
from service.server import _answering
from tests.service.asking import TOKEN, asker
from tests.service.dropping import Place
from tests.service.previewing import PreviewsByHand

PAGE = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 12
ENDLESS = ("/events", "/jobs/{job_id}/events")  # streams have tests of their own
AS_DESCRIBED = [
    getattr(checks, name)
    for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
]


def test_the_committed_description_is_the_applications() -> None:
    committed = PAGE.read_text(encoding="utf-8")
    assert committed == description_text(), "run: python -m service.openapi docs/openapi.json"


description = schemathesis.openapi.from_path(PAGE).exclude(path=list(ENDLESS))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The real application behind a real server, with one job in its queue; its address, and the job's id."""
    place = Place(tmp_path_factory.mktemp("served"))
    place.render(range(1, 4))
    client = asker(place)
    job = client.post("/jobs", json={"root": "drop", "plate": "hero/hero.####.png"}).json()["id"]
    listener = socket.create_server(("127.0.0.1", 0))
    with _answering(client.app, listener, ending=client.app.state.events.close):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", job
    client.app.state.reader.close()
    listener.close()
    place.close()


@description.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_whatever_is_asked_is_answered_as_described(case: Any, served: tuple[str, str]) -> None:
    address, job = served
    parameters = case.path_parameters or {}
    if "job_id" in parameters and len(str(parameters["job_id"])) % 2:
        parameters["job_id"] = job
        if "frame" in parameters:
            parameters["frame"] = 1
    reply = case.call(base_url=address, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30)
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400:
        assert reply.headers["content-type"] == ["application/problem+json"]
    case.validate_response(reply, checks=AS_DESCRIBED)


def check_described(reply: httpx.Response, method: str, path: str) -> None:
    """Assert that this status is one that the committed description lists by number, with that type and content."""
    told = json.loads(PAGE.read_text(encoding="utf-8"))["paths"][path][method]["responses"]
    assert reply.headers["content-type"] in told[str(reply.status_code)]["content"]
    description[path][method].validate_response(reply)


def test_a_preview_is_as_described_before_it_is_done_and_after(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.render([1])
    worker = PreviewsByHand(place.queue)
    client = asker(place)
    job = {"root": "drop", "plate": "hero/hero.####.png"}
    first = client.post("/preview", json={"job": job, "frame": 1, "wait_seconds": 0})
    where = first.headers["location"]
    again = client.get(where)
    assert (first.status_code, again.status_code) == (202, 202) and where == f"/preview/{first.json()['id']}"
    assert first.json()["state"] == again.json()["state"] == "working"
    check_described(first, "post", "/preview")
    check_described(again, "get", "/preview/{preview_id}")
    assert client.get(f"{where}/grey.png").status_code == 404

    worker.finish()
    done = client.get(where)
    assert done.status_code == 200 and done.json()["state"] == "done"
    check_described(done, "get", "/preview/{preview_id}")
    check_described(client.get(f"{where}/grey.png"), "get", "/preview/{preview_id}/{view}.png")
    place.close()


def test_the_description_tells_both_ways_in() -> None:
    told = json.loads(PAGE.read_text(encoding="utf-8"))
    ways = told["components"]["securitySchemes"]
    assert ways["cookie"]["in"] == "cookie" and ways["token"]["scheme"] == "bearer"
    assert told["paths"]["/jobs"]["get"]["security"] == [{"token": []}, {"cookie": []}]
    assert told["paths"]["/browser-links"]["post"]["security"] == [{"token": []}], "a browser lets no other one in"
    assert told["paths"]["/health/live"]["get"]["security"] == []
