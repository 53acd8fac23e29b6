"""Live events: a snapshot first, then what changed, nothing lost, and a service that stops in spite of listeners."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api import events
from service.api.events import Events
from service.jobs import FrameResult, FrameState, Job, JobState
from service.listening import answering
from service.queue.subscription import DEPTH
from tests.service.asking import TOKEN, asker, check_problem
from tests.service.dropping import Place
from tests.service.running import until
from tests.service.serving import PATIENCE, serving

PERIOD = 0.05


def job_called(place: Place, name: str) -> Job:
    place.render(range(1, 4), shot=name)
    return place.queue.get(
        asker(place).post("/jobs", json={"root": "drop", "plate": f"{name}/{name}.####.png"}).json()["id"]
    )


def finish(place: Place, job: Job, *frames: int) -> None:
    place.store.record_frames(job.id, [FrameResult(frame=frame, state=FrameState.DONE) for frame in frames])


class Stream:
    """What a browser sees of one stream."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting: list[tuple[str, Any]] = []
        self.last_id: int | None = None

    async def next(self) -> tuple[str, Any]:
        while not self._waiting:
            self._read((await asyncio.wait_for(anext(self._pieces), 10)).decode())
        return self._waiting.pop(0)

    def _read(self, text: str) -> None:
        for message in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in message.splitlines() if not line.startswith(":"))
            if "id" in fields:
                self.last_id = int(fields["id"])
            if "event" in fields:
                self._waiting.append((fields["event"], json.loads(fields["data"])))


def listening(
    place: Place, scene: Callable[[Stream], Awaitable[None]], *, job_id: str | None = None, since: int | None = None
) -> None:
    """Let ``scene`` play while somebody listens."""

    async def play() -> None:
        streams = Events(place.queue, place.store, place.paths, period=PERIOD)
        async with aclosing(streams._stream(job_id, since)) as pieces:  # type: ignore[type-var]  # an async generator
            await scene(Stream(pieces))
        assert streams.listeners == 0

    asyncio.run(play())


def test_a_listener_first_sees_how_things_stand(place: Place) -> None:
    job = job_called(place, "hero")

    async def scene(stream: Stream) -> None:
        kind, data = await stream.next()
        assert kind == "snapshot" and [j["id"] for j in data["jobs"]] == [job.id] and data["counts"] == {"queued": 1}
        assert stream.last_id == place.store.last_event()

    listening(place, scene)


def test_what_changes_is_told_and_frames_are_gathered(place: Place) -> None:
    job = job_called(place, "hero")

    async def scene(stream: Stream) -> None:
        await stream.next()
        place.store.update(job.id, state=JobState.RUNNING)
        assert (await stream.next())[1]["state"] == "running"
        assert await stream.next() == ("counts", {"running": 1})
        finish(place, job, 1)
        finish(place, job, 2)
        kind, data = await stream.next()
        assert kind == "frames" and [f["frame"] for f in data["frames"]] == [1, 2] and data["id"] == job.id
        kind, data = await stream.next()
        assert kind == "progress" and (data["frames_done"], data["frames_total"]) == (2, 3)
        assert stream.last_id == place.store.last_event()

    listening(place, scene)


def test_a_job_is_told_at_most_once_a_period(place: Place) -> None:
    job = job_called(place, "hero")

    async def scene(stream: Stream) -> None:
        await stream.next()
        started = time.monotonic()
        for number in range(300):
            place.store.update(job.id, eta_seconds=float(number))
            await asyncio.sleep(0)
        told = 0
        while (await stream.next())[1]["eta_seconds"] != 299.0:
            told += 1
        assert told <= (time.monotonic() - started) / PERIOD + 1

    listening(place, scene)
    assert events.PERIOD_SECONDS == 0.25


def test_who_comes_back_gets_what_was_missed(place: Place) -> None:
    job, other = job_called(place, "hero"), job_called(place, "wide")
    seen = place.store.last_event()
    finish(place, job, 1, 2)
    place.store.update(other.id, priority=70)

    async def scene(stream: Stream) -> None:
        assert (await stream.next())[0] == "frames"
        assert (await stream.next())[0] == "progress"
        kind, data = await stream.next()
        assert (kind, data["id"], data["priority"]) == ("job", other.id, 70)
        assert stream.last_id == place.store.last_event()

    listening(place, scene, since=seen)


def test_who_comes_back_to_find_nothing_new_is_told_nothing(place: Place) -> None:
    job = job_called(place, "hero")

    async def scene(stream: Stream) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.next(), 5 * PERIOD)

    listening(place, scene, since=place.store.last_event())
    assert job.id


@pytest.mark.parametrize("since", [1, 10**9])
def test_a_gap_is_told_as_a_reset(place: Place, since: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that are no longer kept, and numbers of another database."""
    job = job_called(place, "hero")
    for number in range(20):
        place.store.update(job.id, priority=number)
    monkeypatch.setattr(events, "MOST_REPLAYED", 10)

    async def scene(stream: Stream) -> None:
        kind, data = await stream.next()
        assert kind == "reset" and [j["id"] for j in data["jobs"]] == [job.id]
        assert stream.last_id == place.store.last_event()

    listening(place, scene, since=since)


def test_a_listener_too_far_behind_starts_again(place: Place) -> None:
    job = job_called(place, "hero")

    async def scene(stream: Stream) -> None:
        await stream.next()
        for number in range(DEPTH + 1):
            place.queue._hub.tell(
                place.store.events_since(0)[0].__class__(10**6 + number, job.id, "progress", {}, job.created_at)
            )
        assert (await stream.next())[0] == "reset"
        place.store.update(job.id, priority=9)
        assert (await stream.next())[1]["priority"] == 9

    listening(place, scene)


def test_one_job_can_be_followed_alone(place: Place) -> None:
    job, other = job_called(place, "hero"), job_called(place, "wide")
    finish(place, job, 1)

    async def scene(stream: Stream) -> None:
        kind, data = await stream.next()
        assert kind == "snapshot" and data["job"]["id"] == job.id
        assert data["frames"] == [{"frame": 1, "state": "done"}]
        place.store.update(other.id, priority=70)
        place.store.update(job.id, priority=60)
        assert (await stream.next())[1]["id"] == job.id

    listening(place, scene, job_id=job.id)
    check_problem(asker(place).get("/jobs/nobody/events"), 404, "not_found")


def test_silence_is_filled_with_pings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PING_SECONDS", 2 * PERIOD)

    async def scene(stream: Stream) -> None:
        await stream.next()
        assert await asyncio.wait_for(anext(stream._pieces), 5) == b": ping\n\n"

    listening(place, scene)


def test_a_name_cannot_end_its_message(place: Place) -> None:
    told = events._batch([events._Told("job", {"shot": "a\n\nevent: reset\ndata: {}\r\n\u2028"})], 7)
    lines = told.decode().split("\n")
    assert [line.split(":")[0] for line in lines if line] == ["id", "event", "data"]


@contextmanager
def heard_over_http(place: Place, path: str = "/events", **headers: str) -> Iterator[Iterator[str]]:
    """Listen to the real server, as a browser does that sends ``headers``; yields the lines."""
    app = asker(place).app
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with answering(app, listener, ending=app.state.events.close):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            sent = {"authorization": f"Bearer {TOKEN}", **named}
            with httpx.stream("GET", f"{address}{path}", headers=sent, timeout=PATIENCE) as reply:
                assert reply.status_code == 200
                yield reply.iter_lines()


def test_a_browser_that_comes_back_gets_the_events_after_its_last_one(place: Place) -> None:
    job = job_called(place, "hero")
    seen = place.store.last_event()
    place.store.update(job.id, priority=70)
    with heard_over_http(place, last_event_id=str(seen)) as lines:
        told = list(islice((line for line in lines if line and not line.startswith("retry")), 5))
    assert told[0] == "event: job" and json.loads(told[1].removeprefix("data: "))["priority"] == 70
    assert told[2:4] == [f"id: {place.store.last_event()}", "event: counts"]


def test_the_header_of_a_browser_counts_more_than_its_first_address(place: Place) -> None:
    """The address stays as it was when the page opened; the header is of now."""
    job = job_called(place, "hero")
    before = place.store.last_event()
    place.store.update(job.id, priority=70)
    seen = place.store.last_event()
    finish(place, job, 1)
    with heard_over_http(place, f"/jobs/{job.id}/events?since={before}", last_event_id=str(seen)) as lines:
        assert next(line for line in lines if line.startswith("event")) == "event: frames"


@pytest.mark.parametrize("header", ["x", "-1", "1.5", str(2**60)])
def test_a_made_up_number_is_refused(place: Place, header: str) -> None:
    check_problem(asker(place).get("/events", headers={"last-event-id": header}), 422)


def test_too_many_listeners_are_turned_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_LISTENERS", 0)
    reply = asker(place).get("/events")
    check_problem(reply, 503, "transient")
    assert reply.headers["retry-after"]


def test_the_limit_of_listeners_holds_when_all_ask_at_the_same_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_LISTENERS", 2)

    async def ask() -> list[int]:
        streams = Events(place.queue, place.store, place.paths, period=PERIOD)
        replies = [await streams.all() for _ in range(5)]
        assert streams.listeners == 2

        async def gone() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            raise ConnectionError("nobody is there")

        for reply in replies[:2]:
            with suppress(BaseException):
                await reply({"type": "http", "asgi": {"spec_version": "2.3"}}, gone, send)
        assert streams.listeners == 0
        return [reply.status_code for reply in replies]

    assert asyncio.run(ask()) == [200, 200, 503, 503, 503]


def test_the_service_stops_at_once_although_somebody_listens(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as service:
        token = service.found.token_file.read_text(encoding="utf-8").strip()
        with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
            with client.stream("GET", f"{service.found.url}/events") as stream:
                lines = stream.iter_lines()
                assert next(line for line in lines if line.startswith("event:")) == "event: snapshot"
                ready = f"{service.found.url}/health/ready"
                until(lambda: client.get(ready).status_code == 200, "a worker is ready", PATIENCE)
                started = time.monotonic()
                service.process.terminate()
                for _ in lines:
                    pass
                # Were the streams left to the server, its deadline of five seconds would end them.
                assert time.monotonic() - started < 4.5
                assert service.process.wait(PATIENCE) == 0
