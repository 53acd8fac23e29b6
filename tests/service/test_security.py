"""Who is let in, and who is not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.api.bodies import SMALL_BYTES
from service.api.security import is_loopback
from service.errors import Misconfigured
from service.jobs import JobRequest
from service.requests import MOST_POINTS, MOST_SHAPES
from service.server import check_address
from service.settings import Settings
from tests.service.asking import HOST, TOKEN, Asker, asker, check_problem
from tests.service.dropping import Place

ROUTES = [
    ("GET", "/jobs"),
    ("POST", "/jobs"),
    ("GET", "/jobs/x"),
    ("PATCH", "/jobs/x"),
    ("GET", "/jobs/x/frames"),
    ("POST", "/jobs/x/cancel"),
    ("GET", "/openapi.json"),
    ("GET", "/nothing"),
    ("OPTIONS", "/jobs"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_but_health_is_answered_without_the_token(place: Place, method: str, path: str) -> None:
    reply = asker(place, token=None).request(method, path)
    check_problem(reply, 401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ünïcode"],
)
def test_a_wrong_token_is_refused(place: Place, header: str) -> None:
    reply = asker(place, token=None).get("/jobs", headers={"authorization": header.encode()})  # type: ignore[dict-item]  # raw bytes travel as they are
    check_problem(reply, 401, "unauthorized")


def test_a_token_in_the_address_does_not_count(place: Place) -> None:
    check_problem(asker(place, token=None).get(f"/jobs?token={TOKEN}"), 401)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_answered_without_the_token(place: Place, path: str) -> None:
    assert asker(place, token=None).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthy", "/health", "/jobs/health/", "//health/live/../../jobs"])
def test_what_only_looks_like_health_needs_the_token(place: Place, path: str) -> None:
    assert asker(place, token=None).get(f"http://{HOST}{path}").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:9", "LOCALHOST", "[::1]", "[::1]:8765"])
def test_our_own_names_are_served(client: Asker, host: str) -> None:
    assert client.get("/jobs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#127.0.0.1",
        "user@127.0.0.1",
        "127.0.0.1:evil",
        "127.0.0.1:8765:8765",
        "127.0.0.1 ",
        "0.0.0.0",
        "127.0.0.2",
        "[::1",
        "::1",
        "[::2]",
        "",
    ],
)
def test_a_foreign_host_is_refused_even_with_the_token(client: Asker, host: str) -> None:
    check_problem(client.get("/jobs", headers={"host": host}), 400, "unknown_host")
    check_problem(client.get("/health/live", headers={"host": host}), 400, "unknown_host")


def test_a_configured_host_is_served(tmp_path: Path) -> None:
    place = Place(tmp_path, allowed_hosts=("keyer.studio.example",))
    assert asker(place).get("/jobs", headers={"host": "keyer.studio.example:443"}).status_code == 200
    check_problem(asker(place).get("/jobs"), 400, "unknown_host")
    place.close()


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8766",
        "https://127.0.0.1:8765",
        "http://localhost:8765",
        "file://",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/jobs", "/health/live"])
def test_a_foreign_origin_is_refused_even_with_the_token(client: Asker, origin: str, path: str) -> None:
    check_problem(client.get(path, headers={"origin": origin}), 403, "foreign_origin")


def test_our_own_origin_is_let_in(client: Asker) -> None:
    assert client.get("/jobs", headers={"origin": f"http://{HOST}"}).status_code == 200


def test_behind_a_proxy_our_origin_is_https(tmp_path: Path) -> None:
    name = "keyer.studio.example"
    place = Place(tmp_path, behind_proxy=True, allowed_hosts=(name, "127.0.0.1"))
    client = asker(place)
    assert client.get("/jobs", headers={"host": name, "origin": f"https://{name}"}).status_code == 200
    check_problem(client.get("/jobs", headers={"host": name, "origin": f"http://{name}"}), 403)
    place.close()


def test_a_port_published_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    """As docker/compose.yaml does it: a container cannot listen on the loopback of its machine."""
    place = Place(tmp_path, behind_proxy=True)
    assert asker(place).get("/jobs", headers={"origin": f"http://{HOST}"}).status_code == 200
    assert asker(place).get("/jobs", headers={"origin": f"https://{HOST}"}).status_code == 200
    check_problem(asker(place).get("/jobs", headers={"origin": "http://127.0.0.1:1"}), 403)
    place.close()


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_what_a_foreign_page_fetches_is_refused(client: Asker, site: str) -> None:
    check_problem(client.get("/jobs", headers={"sec-fetch-site": site}), 403, "foreign_origin")


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_we_or_the_user_fetch_is_answered(client: Asker, site: str) -> None:
    assert client.get("/jobs", headers={"sec-fetch-site": site}).status_code == 200


def test_no_reply_allows_other_origins(client: Asker) -> None:
    for reply in (
        client.get("/jobs"),
        client.get("/jobs", headers={"origin": "https://evil.example"}),
        client.request(
            "OPTIONS", "/jobs", headers={"origin": f"http://{HOST}", "access-control-request-method": "POST"}
        ),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""]
)
def test_only_json_bodies_are_read(client: Asker, place: Place, kind: str) -> None:
    reply = client.post("/jobs", content='{"plate": "/x"}', headers={"content-type": kind})
    check_problem(reply, 415, "not_json")


JSON = {"content-type": "application/json"}


def test_a_body_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    place = Place(tmp_path, maximum_request_mib=1)
    for size, status in ((2**20 + 1, 413), (2**20, 422)):
        body = b'{"plate": "' + b"x" * (size - 13) + b'"}'
        assert len(body) == size
        check_problem(asker(place).post("/jobs", content=body, headers=JSON), status)
    place.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/jobs/x"), ("POST", "/jobs/x/cancel"), ("GET", "/jobs"), ("POST", "/browser-links"), ("POST", "/x")],
)
def test_a_large_body_is_read_only_where_mattes_are_expected(client: Asker, method: str, path: str) -> None:
    body = b'{"priority": 70, "x": "' + b"x" * SMALL_BYTES + b'"}'
    check_problem(client.request(method, path, content=body, headers=JSON), 413, "too_large")


@pytest.mark.parametrize("filler", [b'{"points":[[1,2],[3,4],[5,6]]}', b"{}", b"[]"])
def test_mattes_of_more_shapes_or_points_than_can_be_read_soon_are_refused_before_they_are_taken_apart(
    client: Asker, filler: bytes
) -> None:
    shapes = b",".join([filler] * (MOST_POINTS + 1 if filler == b"[]" else MOST_SHAPES + 1))
    body = b'{"plate": "/x.png", "mattes": {"garbage": {"frames": {"1": [' + shapes + b"]}}}}"
    said = check_problem(client.post("/jobs", content=body, headers=JSON), 422)
    assert "are the most" in said["detail"] and "pictures" in said["fix"]


def test_bodies_are_read_away_from_the_thread_that_answers_everybody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    read = JobRequest.model_validate_json

    def noted(*given: Any, **named: Any) -> JobRequest:
        threads.append(threading.current_thread())
        return read(*given, **named)

    monkeypatch.setattr(JobRequest, "model_validate_json", noted)
    place.render([1, 2])
    assert asker(place).post("/jobs", json={"root": "drop", "plate": "hero/hero.####.png"}).status_code == 202
    assert threads and threads[0] is not threading.current_thread()


def test_a_body_of_unknown_length_is_refused(client: Asker) -> None:
    headers = {"content-type": "application/json"}

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    check_problem(client.post("/jobs", content=pieces(), headers=headers), 411, "length_required")


def test_refusals_are_logged_once_a_minute_each_kind_by_itself(place: Place) -> None:
    with structlog.testing.capture_logs() as lines:
        stranger = asker(place, token=None, address="10.1.2.3")
        for _ in range(50):
            stranger.get("/jobs?t=secret")
        stranger.get("/jobs", headers={"host": "evil.example"})
    assert [(line["reason"], line["sender"], line["path"], line["times"]) for line in lines] == [
        ("unauthorized", "10.1.2.3", "/jobs", 1),
        ("unknown_host", "10.1.2.3", "/jobs", 1),
    ]


def test_replies_are_not_sniffed_and_not_kept(client: Asker) -> None:
    for reply in (client.get("/jobs"), client.get("/jobs", headers={"origin": "null"})):
        assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["cache-control"] == "no-store"


def test_web_sockets_are_refused(client: Asker) -> None:
    sent: list[Any] = []

    async def knock() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/jobs", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]}
        await client.app(scope, receive, send)

    asyncio.run(knock())
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
def test_loopback_is_recognized(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "evil.example", "127.0.0.1.evil", ""])
def test_anything_else_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "workstation"])
def test_listening_beyond_this_machine_is_refused_without_a_proxy(tmp_path: Path, host: str) -> None:
    with pytest.raises(Misconfigured, match="behind_proxy"):
        check_address(Settings(home=tmp_path, host=host))
    check_address(Settings(home=tmp_path, host=host, behind_proxy=True))


def test_the_process_that_answers_never_loads_torch() -> None:
    code = "import sys, service.server, service.api, service.drop_folder.folders; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
