"""The API is as it describes itself: asked at random, it neither crashes nor answers anything else."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import checks

from model.settings import KeySettings
from service.api import trying
from service.api.openapi import TOKEN_ONLY
from service.jobs import JobState
from service.listening import answering
from service.messages import PreviewMade, PreviewOrder
from service.openapi import description_text
from service.presets import Preset, Presets
from tests.service.asking import TOKEN, asker
from tests.service.dropping import Place
from tests.service.previewing import PreviewsByHand
from tests.service.shots_on_disk import write_shot

PAGE = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 12
ENDLESS = ("/events", "/jobs/{job_id}/events")  # streams have tests of their own
AS_DESCRIBED = [
    getattr(checks, name)
    for name in (
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
# The description says `default` for all that is no result; here nothing else is an answer. 401: it left the token off.
REFUSALS = (400, 401, 403, 404, 409, 422)
PLATE = {"root": "drop", "plate": "hero/green.####.exr"}
STATES_FOR = {
    "": (),
    "cancel": (),
    "pause": (),
    "resume": (JobState.PAUSED,),
    "retry": (JobState.RUNNING, JobState.FAILED),
    "accept": (JobState.RUNNING, JobState.NEEDS_ATTENTION),
    "manifest": (JobState.RUNNING, JobState.DONE),
    "result.zip": (JobState.RUNNING, JobState.DONE),
}
MANIFEST = PAGE.parent / "schemas" / "examples" / "manifest.json"


def test_the_committed_description_is_the_applications() -> None:
    committed = PAGE.read_text(encoding="utf-8")
    assert committed == description_text(), "run: python -m service.openapi docs/openapi.json"


description = schemathesis.openapi.from_path(PAGE).exclude(path=list(ENDLESS))


@dataclass
class Served:
    """The real application behind a real server, with jobs in every state that an action wants, and one preview."""

    address: str
    jobs: dict[tuple[str, str], str]  # id by action ("": one that stays queued) and way in
    preview: str
    cookie: dict[str, str]
    presets: Presets


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = Place(tmp_path_factory.mktemp("served"))
    write_shot(place.root / "hero", [1, 2, 3])
    worker = PreviewsAtOnce(place.queue)
    client = asker(place)
    jobs = {}
    for action in itertools.product(STATES_FOR, ("token", "cookie")):
        jobs[action] = client.post("/jobs", json={**PLATE, "key_again": True}).json()["id"]
        for state in STATES_FOR[action[0]]:
            place.store.update(jobs[action], state=state)
        if JobState.DONE in STATES_FOR[action[0]]:
            result = place.store.get(jobs[action]).output
            result.mkdir(parents=True)
            shutil.copy(MANIFEST, result / "manifest.json")
    worker.in_earnest = True
    preview = client.post("/preview", json={"job": PLATE, "frame": 1, "floats": True}).json()["id"]
    worker.in_earnest = False
    sessions = client.app.state.sessions
    cookie = {sessions.cookie: sessions.redeem(sessions.new_link())}
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        pytest.MonkeyPatch.context() as patched,
        answering(client.app, listener, ending=client.app.state.events.close),
    ):
        patched.setattr(trying, "KEPT", 1000)
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", jobs, preview, cookie, Presets.of(place.settings))
    client.app.state.reader.close()
    listener.close()
    place.close()


class PreviewsAtOnce(PreviewsByHand):
    """Makes each preview as soon as it is ordered: a stand-in's pictures, or its own."""

    in_earnest = False

    def _take(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        made = super()._take(preview_id, order)
        if self.in_earnest:
            self.key()
        else:
            self.finish()
        return made


@pytest.fixture
def succeeded() -> Iterator[Counter[str]]:
    """How often each way in was answered with a result; an operation that never is has not been tried."""
    counted: Counter[str] = Counter()
    yield counted
    assert counted["token"] and counted["cookie"], f"never answered with a result: {counted}"


@description.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_whatever_is_asked_is_answered_as_described(case: Any, served: Served, succeeded: Counter[str]) -> None:
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
    # Bodies come in hundreds of variants, most of which what is there would replace.
    many = isinstance(case.body, dict) and case.operation.method == "post"
    steered = dice % 8 == 0 if many else dice % 3 > 0
    for way in ("token", "cookie") if steered or not many else ("token",):
        if steered:
            ask_for_what_is_there(case, served, way)
        reply = ask(case, served, way)
        if reply.status_code < 400:
            assert str(reply.status_code) in case.operation.definition.raw["responses"], "by its number"
            succeeded[way] += 1
        elif way == "cookie" and case.operation.path in TOKEN_ONLY:
            succeeded[way] += reply.status_code == 403  # a browser lets no other one in
        if reply.status_code >= 400:
            other_method = case.method.upper() != case.operation.method.upper()
            assert reply.status_code in REFUSALS or (reply.status_code == 405 and other_method), reply.text
            assert reply.headers["content-type"] == ["application/problem+json"]
        assert reply.headers["content-length"] == [str(len(reply.content))]
        assert reply.headers["x-content-type-options"] == ["nosniff"]
        case.validate_response(reply, checks=AS_DESCRIBED)


def ask(case: Any, served: Served, way: str) -> Any:
    """Send it as a program, or as our page in a browser."""
    case.headers, case.cookies = {}, {}  # what it made up for itself to be let in with
    if way == "token":
        return case.call(base_url=served.address, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30)
    page = {"x-dropkey": "1", "sec-fetch-site": "same-origin", "origin": served.address}
    return case.call(base_url=served.address, headers=page, cookies=served.cookie, timeout=30)


def ask_for_what_is_there(case: Any, served: Served, way: str) -> None:
    """Put a job, a preview, a plate, a folder that there are in the place of made-up ones."""
    there = {
        "job_id": served.jobs.get((case.operation.path.rpartition("/")[2], way), served.jobs["", "token"]),
        "frame": 1,
        "name": "plate",
        "worker": "0",
        "preview_id": served.preview,
        "root": "drop",
        "path": "hero",
        "x": 3,
        "y": 2,
    }
    for made_up in (case.path_parameters, case.query):
        for name in there.keys() & (made_up or {}).keys():
            made_up[name] = there[name]
    if case.operation.path == "/presets/{name}":
        served.presets.save(Preset(name="plate", settings=KeySettings()))
    if case.operation.method.upper() != "POST" or not isinstance(case.body, dict):
        return
    if case.operation.path == "/jobs":
        case.body = {name: case.body[name] for name in ("settings", "client", "priority") if name in case.body} | PLATE
    elif case.operation.path == "/preview":
        case.body = {name: case.body[name] for name in ("view", "floats") if name in case.body}
        case.body |= {"job": PLATE, "frame": 1}


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
