"""The client asks the real service, and raises what that refuses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.client import Client
from service.discovery import write_discovery, write_private
from service.errors import BadInput, NotFound, PlateMissing, Transient, WrongState
from service.jobs import Job, JobRequest, JobState
from service.server import _answering
from service.settings import Settings
from tests.service.asking import TOKEN, asker
from tests.service.dropping import Place
from tests.service.running import until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(1, 4))
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    app = asker(place).app
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with _answering(app, listener, ending=app.state.events.close):
            with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN) as connected:
                yield connected


def submitted(client: Client, shot: str = "hero") -> Job:
    return client.submit(JobRequest(root="drop", plate=f"{shot}/{shot}.####.png"))


def test_a_job_is_asked_for_listed_and_changed(client: Client) -> None:
    job = submitted(client)
    assert client.job(job.id) == job and client.frames(job.id) == ()
    assert [found.id for found in client.jobs(state=JobState.QUEUED)] == [job.id]
    assert client.set_priority(job.id, 80).priority == 80
    assert client.act(job.id, "pause").state is JobState.PAUSED
    assert client.act(job.id, "cancel").state is JobState.CANCELLED
    assert client.quality(job.id).frames == ()


def test_all_pages_of_a_list_are_read(client: Client, place: Place) -> None:
    ids = []
    for number in range(60):
        place.render([1], shot=f"shot{number:03d}")
        ids.append(submitted(client, f"shot{number:03d}").id)
    assert [job.id for job in client.jobs()] == ids[::-1]


def test_a_key_makes_one_request_of_two(client: Client) -> None:
    asked = JobRequest(root="drop", plate="hero/hero.####.png", key_again=True)
    assert client.submit(asked, idempotency_key="a").id == client.submit(asked, idempotency_key="a").id
    assert client.submit(asked, idempotency_key="b").version == 2


def test_a_refusal_is_raised_as_the_error_that_it_tells_of(client: Client) -> None:
    with pytest.raises(NotFound, match="no job"):
        client.job("x")
    with pytest.raises(PlateMissing):
        client.submit(JobRequest(root="drop", plate="nothing"))
    job = submitted(client)
    with pytest.raises(WrongState):
        client.act(job.id, "accept")
    with pytest.raises(BadInput, match="schema"):
        client.set_priority(job.id, 101)


def test_the_machine_can_be_asked(client: Client) -> None:
    assert {root.id for root in client.roots()} == {"drop", "output"}
    assert [folder.name for folder in client.browse("drop").folders] == ["hero"]
    assert client.browse("drop", "hero").shots[0].frames == 3
    assert client.workers() == () and client.readiness().ready
    assert "/?t=" in client.browser_link()


def test_events_are_heard(client: Client) -> None:
    job = submitted(client)
    heard = client.events()
    assert next(heard)[0] == "snapshot"
    threading.Timer(0.1, client.set_priority, (job.id, 90)).start()
    name, data = next(heard)
    assert name == "job" and data["priority"] == 90
    heard.close()
    until(lambda: "dropkey_sse_clients 0.0" in client._ask("/metrics").text, "the stream is closed on both sides")
    with pytest.raises(NotFound):
        next(client.events("nobody"))


def test_a_service_that_is_away_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", TOKEN) as client, pytest.raises(Transient, match="does not answer"):
        client.workers()
    with pytest.raises(NotFound, match="No DropKey runs"):
        Client.of_running(Settings(home=tmp_path))


def test_the_running_service_is_found(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    write_private(settings.token_file, TOKEN)
    write_discovery(settings, "http://127.0.0.1:1")
    with Client.of_running(settings) as client, pytest.raises(Transient):
        client.workers()
