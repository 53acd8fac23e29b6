"""The client asks the real service, and raises what that refuses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from model.settings import KeySettings
from service.api.trying import PreviewRequest
from service.client import Client, EventStream
from service.discovery import write_discovery
from service.errors import BadInput, NotFound, PlateMissing, Transient, WrongState
from service.exr import read_exr
from service.jobs import Job, JobRequest, JobState
from service.listening import answering
from service.pipeline.delivery import Delivery
from service.previews.messages import Channels, Over, Pass
from service.private import write_private
from service.settings import Settings
from tests.service.asking import TOKEN, asker
from tests.service.dropping import Place
from tests.service.previewing import PICTURE, PreviewsByHand
from tests.service.running import PATIENCE, until
from tests.service.shots_on_disk import plate_pixels, write_shot


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
        with answering(app, listener, ending=app.state.events.close):
            with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN) as connected:
                yield connected
    app.state.reader.close()


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
    with pytest.raises(BadInput, match="must be at most 100"):
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


def test_a_listener_goes_on_where_it_was_cut_off(client: Client, place: Place) -> None:
    job = submitted(client)
    with closing(client.events()) as heard:
        assert next(heard)[0] == "snapshot"
        seen = heard.last_id
    assert seen == place.store.last_event()
    client.set_priority(job.id, 90)
    with closing(client.events(since=seen)) as missed:
        name, data = next(missed)
        assert (name, data["id"], data["priority"]) == ("job", job.id, 90)
        # More of the batch is to come: who is cut off here must hear it all again.
        assert missed.last_id == seen
        assert next(missed) == ("counts", {"queued": 1})
        assert missed.last_id == place.store.last_event() > seen


def test_half_a_message_does_not_move_the_number() -> None:
    lines = ["id: 7", "event: job", "data: {}", "", "id: 8", "", "id: 9", "event: job"]
    heard = EventStream((line for line in lines), None)
    assert next(heard) == ("job", {}) and heard.last_id == 7
    assert list(heard) == [] and heard.last_id == 8


def test_a_preview_is_waited_for_and_shown(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = PreviewsByHand(place.queue)
    monkeypatch.setattr("service.client._PREVIEW_WAIT_SECONDS", 0.05)
    asked = PreviewRequest(
        job_id=submitted(client).id, frame=2, settings=KeySettings(despill=0.25), longest_side=64, view="alpha"
    )
    with ThreadPoolExecutor() as beside:
        told = beside.submit(client.preview, asked)
        until(lambda: worker.orders, "it is asked for")
        assert wait([told], timeout=0.2).not_done, "an answer that it is not there yet is no result"
        worker.finish(["alpha"])
        made = told.result(PATIENCE)
    assert (made.state, made.frame, made.width, made.inferred) == ("done", 2, 64, True)
    (order,) = worker.orders
    assert (order.frame, order.longest_side, order.settings.despill) == (2, 64, 0.25)
    assert made.pictures is not None and set(made.pictures) == {"grey", "alpha", "foreground", "plate"}
    assert made.picture == made.pictures["alpha"] and Path(made.picture).read_bytes() == PICTURE
    assert client.preview_picture(made.id, "alpha") == PICTURE
    with pytest.raises(NotFound):
        client.preview_picture(made.id, "plate")


def test_a_preview_with_floats_is_shown_in_any_light_and_read_to_the_bit(client: Client, place: Place) -> None:
    worker = PreviewsByHand(place.queue)
    shot = write_shot(place.root / "green", [1])
    job = client.submit(JobRequest(plate=str(shot.folder / shot.pattern)))
    with ThreadPoolExecutor() as beside:
        told = beside.submit(client.preview, PreviewRequest(job_id=job.id, frame=1, floats=True))
        until(lambda: worker.orders, "it is asked for")
        worker.key()
        made = told.result(PATIENCE)
    assert made.pictures == {"grey": made.picture}, "the other views are drawn when they are asked for"
    plain, lifted = (client.preview_picture(made.id, "composite", exposure=stops, size=24) for stops in (0.0, 2.0))
    assert max(png_size(plain)) == max(png_size(lifted)) == 24 and plain != lifted
    planes, _ = read_exr(Delivery(shot, worker.orders[-1].folder).file("foreground", 1))
    values = client.preview_pixel(made.id, "foreground", 24, 16).values
    assert values == {channel: float(planes[channel][16, 24]) for channel in "RGBA"}
    over_black = client.preview_pixel(made.id, "composite", 24, 16, over=Over.BLACK).values
    assert over_black == values != client.preview_pixel(made.id, "composite", 0, 0).values


def test_a_preview_that_fails_raises_what_failed(client: Client, place: Place) -> None:
    worker = PreviewsByHand(place.queue)
    job = submitted(client)
    with ThreadPoolExecutor() as beside:
        told = beside.submit(client.preview, PreviewRequest(job_id=job.id, frame=2))
        until(lambda: worker.orders, "it is asked for")
        worker.fail(PlateMissing("Frame 2 is not there.", fix="Render it."))
        with pytest.raises(PlateMissing, match="Frame 2"):
            told.result(PATIENCE)


def test_pictures_and_pixels_are_the_frames(client: Client, place: Place) -> None:
    shot = write_shot(place.root / "green", [1])
    job = client.submit(JobRequest(plate=str(shot.folder / shot.pattern)))
    color = plate_pixels(1)
    told = client.pixel(job.id, 1, Pass.PLATE, 7, 5)
    assert told.values == dict(zip("RGB", (float(value) for value in color[5, 7]), strict=True))
    whole, small = (client.picture(job.id, 1, Pass.PLATE, size=size) for size in (None, 24))
    assert png_size(whole) == (color.shape[1], color.shape[0]) and max(png_size(small)) == 24
    lifted = client.picture(job.id, 1, Pass.PLATE, exposure=2.0, channels=Channels.G)
    assert png_size(lifted) == png_size(whole) and lifted != whole
    with pytest.raises(NotFound, match="no frame 2"):
        client.picture(job.id, 2, Pass.PLATE)


def png_size(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG")
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


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
