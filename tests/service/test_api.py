"""What each route answers."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.routes import PAGE_BYTES
from service.api.schemas import Check
from service.errors import OutputFull, WorkerLost
from service.jobs import FrameResult, FrameState, JobState, Problem
from service.settings import PrefixMap
from tests.service.asking import Asker, asker, check_problem
from tests.service.dropping import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, prefix_map=(PrefixMap(theirs="S:\\shots", ours=tmp_path / "drop"),))
    made.render(range(1, 4))
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


def order(place: Place, shot: str = "hero", **more: Any) -> dict[str, Any]:
    return {"plate": str(place.root / shot / f"{shot}.####.png"), **more}


def submitted(client: Asker, place: Place, shot: str = "hero", **more: Any) -> dict[str, Any]:
    reply = client.post("/jobs", json=order(place, shot, **more))
    assert reply.status_code == 202, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_a_job_is_accepted_with_its_place(client: Asker, place: Place) -> None:
    reply = client.post("/jobs", json=order(place, priority=70, client="panel"))
    assert reply.status_code == 202
    job = reply.json()
    assert reply.headers["location"] == f"/jobs/{job['id']}"
    assert job["state"] == "queued" and job["frames"] == [1, 2, 3] and job["priority"] == 70
    assert client.get(reply.headers["location"]).json() == job


@pytest.mark.parametrize("part", [{"settings": {"encoding": "\ud800"}}, {"mattes": {"hint": "\ud800"}}])
def test_a_string_that_is_no_text_is_refused(client: Asker, place: Place, part: dict[str, Any]) -> None:
    body = json.dumps(order(place, **part)).encode()
    reply = client.post("/jobs", content=body, headers={"content-type": "application/json"})
    assert reply.status_code in (403, 422), reply.text


def test_the_same_order_twice_is_one_job(client: Asker, place: Place) -> None:
    assert submitted(client, place)["id"] == submitted(client, place)["id"]
    assert submitted(client, place, key_again=True)["version"] == 2


def test_a_job_may_name_its_root_instead_of_the_whole_path(client: Asker, place: Place) -> None:
    job = client.post("/jobs", json={"root": "drop", "plate": "hero/hero.####.png"}).json()
    assert job["shot"]["folder"] == str(place.root / "hero")
    assert job["id"] == submitted(client, place)["id"]


def test_a_job_of_a_windows_machine_resolves_and_comes_back_in_its_words(client: Asker, place: Place) -> None:
    (place.root / "hint.png").write_bytes(b"x")
    asked = {
        "plate": "s:\\Shots\\hero\\hero.####.png",
        "output": "S:\\shots\\results",
        "mattes": {"hint": "S:/shots/hint.png"},
    }
    reply = client.post("/jobs", json=asked)
    assert reply.status_code == 202, reply.text
    job = place.queue.get(reply.json()["id"])
    assert job.shot.folder == place.root / "hero" and job.mattes.hint == str(place.root / "hint.png")
    assert job.output == place.root / "results" / "hero" / "v001"
    for said in (reply.json(), client.get(f"/jobs/{job.id}").json()):
        assert said["request"]["plate"] == asked["plate"]
        assert said["shot"]["folder"] == "S:\\shots\\hero"
        assert said["output"] == "S:\\shots\\results\\hero\\v001"
        assert said["mattes"]["hint"] == "S:\\shots\\hint.png"
    (listed,) = client.get("/jobs").json()["jobs"]
    assert listed["plate"] == asked["plate"] and listed["output"] == "S:\\shots\\results\\hero\\v001"


def test_a_manifest_comes_back_in_the_askers_words(client: Asker, place: Place) -> None:
    asked = {"plate": "S:\\shots\\hero\\hero.####.png", "output": "S:\\shots\\results"}
    job = client.post("/jobs", json=asked).json()
    place.store.update(job["id"], manifest=place.root / "results" / "hero" / "v001" / "manifest.json")
    expected = "S:\\shots\\results\\hero\\v001\\manifest.json"
    assert client.get(f"/jobs/{job['id']}").json()["manifest"] == expected
    assert client.get("/jobs").json()["jobs"][0]["manifest"] == expected


def test_the_services_own_choices_fill_what_a_request_leaves_open(tmp_path: Path) -> None:
    place = Place(tmp_path, key_defaults={"despill": 0.25, "compression": "piz"})
    place.render(range(1, 4))
    settings = submitted(asker(place), place, settings={"despill": 0.5})["request"]["settings"]
    assert settings["despill"] == 0.5 and settings["compression"] == "piz"
    place.close()


def test_whoever_is_not_at_this_machine_is_bound_to_the_roots(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "footage"
    outside.mkdir()
    for frame in (1, 2):
        (outside / f"take.{frame:04d}.png").write_bytes(b"x")
    asked = {"plate": str(outside / "take.####.png")}
    assert asker(place).post("/jobs", json=asked).status_code == 202
    problem = check_problem(asker(place, address="10.0.0.7").post("/jobs", json=asked), 403, "path_refused")
    assert "drop folder" in problem["fix"]
    assert asker(place, address="10.0.0.7").post("/jobs", json=order(place)).status_code == 202


def test_output_and_mattes_are_bound_to_the_roots_as_well(place: Place, tmp_path: Path) -> None:
    far = asker(place, address="10.0.0.7")
    check_problem(far.post("/jobs", json=order(place, output=str(tmp_path / "x"))), 403, "path_refused")
    check_problem(far.post("/jobs", json=order(place, mattes={"core": str(tmp_path / "x.png")})), 403, "path_refused")


def test_behind_a_proxy_nobody_counts_as_sitting_at_this_machine(tmp_path: Path) -> None:
    place = Place(tmp_path, behind_proxy=True)
    check_problem(asker(place).post("/jobs", json={"plate": str(tmp_path / "x.png")}), 403, "path_refused")
    place.close()


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
def test_a_request_passed_on_from_elsewhere_is_bound_to_the_roots(client: Asker, tmp_path: Path, header: str) -> None:
    asked = {"plate": str(tmp_path / "x.png")}
    check_problem(client.post("/jobs", json=asked), 422, "plate_missing")
    check_problem(client.post("/jobs", json=asked, headers={header: "127.0.0.1"}), 403, "path_refused")


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"plate": ""}, 422, "body.plate"),
        ({"settings": {"despill": 2}}, 422, "body.settings.despill"),
        ({"unknown": 1}, 422, "body.unknown"),
        ({"priority": 101}, 422, "body.priority"),
        ({"fps": "fast"}, 422, "body.fps"),
    ],
)
def test_a_wrong_request_says_where(client: Asker, place: Place, change: Any, status: int, where: str) -> None:
    problem = check_problem(client.post("/jobs", json=order(place) | change), status, "invalid_request")
    assert where in [error["where"] for error in problem["errors"]]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "NaN"])
def test_a_body_that_is_no_json_object_is_refused(client: Asker, body: str) -> None:
    check_problem(client.post("/jobs", content=body, headers={"content-type": "application/json"}), 422)


@pytest.mark.parametrize("nothing", ["NaN", "Infinity", "1e999"])
def test_a_color_that_is_no_number_is_refused_and_nothing_queued(client: Asker, place: Place, nothing: str) -> None:
    body = json.dumps(order(place) | {"settings": {"screen_color": ["?", 0.5, 0.1]}}).replace('"?"', nothing)
    reply = client.post("/jobs", content=body, headers={"content-type": "application/json"})
    check_problem(reply, 422, "invalid_request")
    assert client.get("/jobs").json()["jobs"] == []


def test_a_hostile_depth_of_brackets_is_refused(client: Asker) -> None:
    headers = {"content-type": "application/json"}
    check_problem(client.post("/jobs", content="[" * 100_000, headers=headers), 422)


def test_a_plate_that_is_not_there_is_refused_with_its_fix(client: Asker, place: Place) -> None:
    problem = check_problem(client.post("/jobs", json=order(place, "nothing")), 422, "plate_missing")
    assert problem["fix"]


def test_a_retried_request_with_the_same_key_is_answered_with_the_same_job(client: Asker, place: Place) -> None:
    again = order(place, key_again=True)
    first = client.post("/jobs", json=again, headers={"idempotency-key": "k1"}).json()
    second = client.post("/jobs", json=again, headers={"idempotency-key": "k1"})
    assert second.status_code == 202 and second.json()["id"] == first["id"]
    assert second.headers["location"] == f"/jobs/{first['id']}"
    third = client.post("/jobs", json=again, headers={"idempotency-key": "k2"}).json()
    assert third["id"] != first["id"]


def test_a_key_that_came_with_another_body_is_refused(client: Asker, place: Place) -> None:
    client.post("/jobs", json=order(place), headers={"idempotency-key": "k1"})
    check_problem(client.post("/jobs", json=order(place, priority=1), headers={"idempotency-key": "k1"}), 422)


def test_a_key_still_in_flight_is_a_conflict(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Event(), threading.Event()
    really = place.queue.submit

    def slow(*args: Any, **named: Any) -> Any:
        entered.set()
        assert leave.wait(20)
        return really(*args, **named)

    monkeypatch.setattr(place.queue, "submit", slow)
    client, answers = asker(place), []
    headers = {"idempotency-key": "k1"}
    first = threading.Thread(target=lambda: answers.append(client.post("/jobs", json=order(place), headers=headers)))
    first.start()
    assert entered.wait(20)
    check_problem(client.post("/jobs", json=order(place), headers=headers), 409, "wrong_state")
    leave.set()
    first.join()
    assert answers[0].status_code == 202


def test_jobs_are_listed_newest_first_by_state_and_client(client: Asker, place: Place) -> None:
    for name in ("a", "b", "c"):
        place.render([1, 2], name)
        client.post("/jobs", json=order(place, name, client=f"panel {name}"))
    assert [job["shot"] for job in client.get("/jobs").json()["jobs"]] == ["c", "b", "a"]
    client.post(f"/jobs/{client.get('/jobs').json()['jobs'][0]['id']}/cancel")
    assert [job["shot"] for job in client.get("/jobs?state=cancelled").json()["jobs"]] == ["c"]
    assert [job["shot"] for job in client.get("/jobs", params={"client": "panel a"}).json()["jobs"]] == ["a"]


def test_every_page_stays_under_64_kib_and_no_job_is_lost_between_pages(client: Asker, place: Place) -> None:
    expected = []
    for number in range(120):
        name = f"{'long_name_' * 7}{number:03d}"
        place.render([1, 2], name)
        expected.append(submitted(client, place, name)["id"])
        place.store.update(expected[-1], problem=Problem(kind="test", message="why " * 5000))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        reply = client.get("/jobs", params={"limit": "200", **cursor})
        assert len(reply.content) <= PAGE_BYTES
        seen += [job["id"] for job in reply.json()["jobs"]]
        if reply.json()["next_cursor"] is None:
            break
        cursor = {"cursor": reply.json()["next_cursor"]}
    assert seen == expected[::-1]


HUGE = base64.urlsafe_b64encode(f"j{2**63}".encode()).decode().rstrip("=")
"""A cursor in the right form, of a job that no store can have."""


@pytest.mark.parametrize(
    "query", ["state=nonsense", "limit=0", "limit=201", "limit=x", "cursor=nonsense", f"cursor={HUGE}"]
)
def test_a_wrong_question_is_refused(client: Asker, query: str) -> None:
    check_problem(client.get(f"/jobs?{query}"), 422)


@pytest.mark.parametrize("name", ["a" * 300, "ä" * 200 + ".mov"])
def test_a_plate_longer_than_any_disk_takes_is_not_there(client: Asker, place: Place, name: str) -> None:
    check_problem(client.post("/jobs", json={"plate": str(place.root / name)}), 422, "plate_missing")
    check_problem(client.post("/jobs", json={"root": "drop", "plate": name}), 422, "plate_missing")


def test_frames_say_what_became_of_each(client: Asker, place: Place) -> None:
    job = submitted(client, place)
    failed = FrameResult(frame=2, state=FrameState.FAILED, problem=Problem(kind="plate_unreadable", message="torn"))
    place.store.record_frames(job["id"], [FrameResult(frame=1, state=FrameState.DONE), failed])
    frames = client.get(f"/jobs/{job['id']}/frames").json()["frames"]
    told = {frame["frame"]: (frame["state"], (frame["problem"] or {}).get("message")) for frame in frames}
    assert told[1] == ("done", None) and told[2] == ("failed", "torn")


def test_priority_can_be_changed(client: Asker, place: Place) -> None:
    job = submitted(client, place)
    assert client.patch(f"/jobs/{job['id']}", json={"priority": 90}).json()["priority"] == 90
    check_problem(client.patch(f"/jobs/{job['id']}", json={"priority": 101}), 422)
    check_problem(client.patch(f"/jobs/{job['id']}", json={"state": "done"}), 422)


def test_a_job_is_paused_resumed_cancelled_and_retried(client: Asker, place: Place) -> None:
    where = f"/jobs/{submitted(client, place)['id']}"
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
        reply = client.post(f"{where}/{verb}")
        assert (reply.status_code, reply.json()["state"]) == (202, state)


def test_cancelling_twice_is_accepted_and_accepting_nothing_is_a_conflict(client: Asker, place: Place) -> None:
    where = f"/jobs/{submitted(client, place)['id']}"
    assert [client.post(f"{where}/cancel").status_code for _ in range(2)] == [202, 202]
    check_problem(client.post(f"{where}/accept"), 409, "wrong_state")
    check_problem(client.post(f"{where}/resume"), 409, "wrong_state")


def test_a_gap_can_be_accepted(client: Asker, place: Place) -> None:
    place.render([1, 2, 5], "gap")
    job = submitted(client, place, "gap")
    assert job["state"] == "needs_attention"
    assert client.post(f"/jobs/{job['id']}/accept").json()["state"] == "queued"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jobs/0123456789abcdef0123456789abcdef", 404),
        ("GET", "/jobs/x/frames", 404),
        ("POST", "/jobs/x/cancel", 404),
        ("PATCH", "/jobs/x", 422),
        ("GET", "/nothing", 404),
        ("GET", "/jobs/", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("DELETE", "/jobs", 405),
        ("PUT", "/jobs/x", 405),
        ("GET", "/jobs/x/cancel", 405),
        ("POST", "/health/live", 405),
        ("POST", "/jobs/x/explode", 404),
    ],
)
def test_whatever_is_wrong_is_told_as_a_problem(client: Asker, method: str, path: str, status: int) -> None:
    check_problem(client.request(method, path), status)


def test_a_crash_is_a_problem_without_its_details(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(place.queue, "get", crash)
    client = asker(place)
    crashed = client.get("/jobs/x")
    assert "secret" not in json.dumps(check_problem(crashed, 500, "error"))
    hardened = client.get("/health/live").headers
    for name in ("x-content-type-options", "cache-control", "content-security-policy", "referrer-policy"):
        assert crashed.headers.get_list(name) == hardened.get_list(name) != []
    assert crashed.headers.keys() >= hardened.keys()


@pytest.mark.parametrize(("error", "status"), [(OutputFull("full"), 507), (WorkerLost("gone"), 503)])
def test_faults_that_may_pass_are_no_fault_of_the_asker(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(place.queue, "get", fail)
    check_problem(asker(place).get("/jobs/x"), status)


def test_every_reply_says_its_length(client: Asker, place: Place) -> None:
    job = submitted(client, place)
    for path in ("/jobs", f"/jobs/{job['id']}", f"/jobs/{job['id']}/frames", "/health/live", "/health/ready", "/no"):
        reply = client.get(path)
        assert int(reply.headers["content-length"]) == len(reply.content)
        assert "transfer-encoding" not in reply.headers


def test_readiness_tells_its_checks_to_the_token_holder_only(place: Place) -> None:
    assert asker(place).get("/health/ready").json() == {
        "ready": True,
        "checks": {"store": {"ok": True, "detail": "3 jobs"}},
    }
    assert asker(place, token=None).get("/health/ready").json() == {"ready": True}


def test_what_is_not_ready_is_a_problem_of_status_503(place: Place) -> None:
    def checks() -> dict[str, Check]:
        return {"store": Check(ok=True), "output disk": Check(ok=False, detail="0.1 GiB free in /secret")}

    told = check_problem(asker(place, checks=checks).get("/health/ready"), 503, "not_ready")
    assert told["checks"]["output disk"]["ok"] is False and told["ready"] is False
    hidden = check_problem(asker(place, token=None, checks=checks).get("/health/ready"), 503, "not_ready")
    assert "checks" not in hidden and "secret" not in json.dumps(hidden)


def test_polygons_travel(client: Asker, place: Place) -> None:
    shape = {"points": [[0, 0], [100, 0], [0, 100]], "feather": 2.5}
    job = submitted(client, place, mattes={"garbage": {"frames": {"1": [shape], "3": []}}})
    assert place.queue.get(job["id"]).mattes.garbage is not None
    assert job["mattes"]["garbage"]["frames"]["1"][0]["feather"] == 2.5


def test_names_in_any_script_make_the_round_trip(client: Asker, place: Place) -> None:
    name = "Szene 影 ü 🎬 %04d"
    place.render([1, 2], name)
    job = client.post("/jobs", json={"plate": str(place.root / name)}).json()
    assert client.get(f"/jobs/{job['id']}").json()["shot"]["prefix"] == f"{name}."
    assert place.queue.get(job["id"]).state is JobState.QUEUED
