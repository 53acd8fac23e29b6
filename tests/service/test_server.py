"""The real service as a process of its own: how it starts, answers, watches, and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from service.discovery import Discovery, read_discovery
from service.errors import Misconfigured
from service.jobs import JobState
from service.server import serve
from service.settings import Settings
from service.store import JobStore
from tests.service.shots_on_disk import write_shot

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]
CODE = """
import sys
from service.errors import DropKeyError
from service.server import serve
from service.settings import load_settings
try:
    sys.exit(serve(load_settings(), stop_with_stdin="--stop-with-stdin" in sys.argv))
except DropKeyError as error:
    sys.exit(f"refused: {error}")
"""


def command(*flags: str) -> list[str]:
    return [sys.executable, "-c", CODE, *flags]


def environment(home: Path, **more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DROPKEY_")}
    fast = {
        "DROPKEY_SETTLE_STABLE_SECONDS": "0.2",
        "DROPKEY_SETTLE_QUIET_SECONDS": "0.5",
        "DROPKEY_SCAN_SECONDS": "0.2",
        "DROPKEY_DEVICE": "cpu",
    }
    return {**ours, **fast, "DROPKEY_HOME": str(home), "DROPKEY_PORT": "0", **more}


@dataclass
class Service:
    process: subprocess.Popen[str]
    home: Path
    found: Discovery

    @property
    def token(self) -> str:
        return self.found.token_file.read_text(encoding="utf-8").strip()

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.found.url + path, headers={"authorization": f"Bearer {self.token}"}, timeout=30, **more)

    def post(self, path: str, body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.post(self.found.url + path, json=body, headers=headers, timeout=30)

    def stop(self, within: float = PATIENCE) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(within)


def until(condition: Any, what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


@contextmanager
def running(home: Path, **more: str) -> Iterator[Service]:
    process = subprocess.Popen(
        command("--stop-with-stdin"),
        env=environment(home, **more),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:

        def here() -> Discovery | None:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            return read_discovery(Settings(home=home))

        yield Service(process, home, until(here, "the discovery file"))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service") / "home") as started:
        yield started


def test_the_discovery_file_leads_to_a_service_that_answers(service: Service) -> None:
    assert service.found.pid == service.process.pid
    assert service.found.url.startswith("http://127.0.0.1:")
    assert httpx.get(service.found.url + "/health/live").json()["live"] is True
    assert service.get("/jobs").json() == {"jobs": [], "next_cursor": None}
    assert httpx.get(service.found.url + "/jobs").status_code == 401


def test_the_service_becomes_ready_once_its_worker_is(service: Service) -> None:
    ready = until(lambda: (reply := service.get("/health/ready")).status_code == 200 and reply, "ready").json()
    assert ready["ready"] and all(check["ok"] for check in ready["checks"].values())
    assert {"store", "workers", "queue", "home disk", "output disk", f"drop folder {service.home / 'drop'}"} == set(
        ready["checks"]
    )


def test_the_folders_of_the_home_are_there_before_the_first_shot(service: Service) -> None:
    assert [(root["id"], root["online"]) for root in service.get("/roots").json()["roots"]] == [
        ("drop", True),
        ("output", True),
    ]


def raw(service: Service, request: bytes) -> bytes:
    """Return the reply to bytes as they are."""
    host, _, port = service.found.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
    return reply


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /jobs HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {}\r\n", 400),
        (b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nAuthorization: Bearer {}\r\n", 403),
        (b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n", 401),
        (
            b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n",
            413,
        ),
        (
            b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n",
            411,
        ),
        (b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n", 200),
    ],
)
def test_on_the_wire_every_reply_has_its_length_and_the_right_status(
    service: Service, request_: bytes, status: int
) -> None:
    request_ = request_.replace(b"{}", service.token.encode()) + b"Connection: close\r\n\r\n"
    head, _, body = raw(service, request_).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0].startswith(f"http/1.1 {status} ")
    assert f"content-length: {len(body)}" in lines
    assert not [line for line in lines if line.startswith(("transfer-encoding", "access-control", "server:"))]


def test_a_dropped_shot_becomes_a_job(service: Service) -> None:
    folder = service.home / "drop" / "hero"
    folder.mkdir(parents=True)
    for frame in (1, 2):
        (folder / f"hero.{frame:04d}.png").write_bytes(b"no picture")
    (job,) = until(lambda: service.get("/jobs").json()["jobs"], "the job")
    assert job["shot"] == "hero"
    until(lambda: service.get(f"/jobs/{job['id']}").json()["state"] != "waiting_input", "the shot to settle")


def test_a_second_service_says_where_the_first_one_is_and_leaves(service: Service) -> None:
    done = subprocess.run(
        command(),
        env=environment(service.home),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert service.found.url in done.stdout
    assert service.process.poll() is None and service.get("/health/live").status_code == 200
    assert read_discovery(Settings(home=service.home)) == service.found


def test_a_taken_port_is_an_error_with_its_fix(service: Service, tmp_path: Path) -> None:
    port = service.found.url.rpartition(":")[2]
    done = subprocess.run(
        command(),
        env=environment(tmp_path / "home", DROPKEY_PORT=port),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1 and "--port" in done.stderr
    assert not (tmp_path / "home" / "service.json").exists()


def test_an_address_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        command(),
        env=environment(tmp_path / "home", DROPKEY_HOST="0.0.0.0"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1 and "behind_proxy" in done.stderr


def test_closing_stdin_stops_everything_in_order(tmp_path: Path) -> None:
    with running(tmp_path / "home") as service:
        until(lambda: service.get("/health/ready").status_code == 200, "ready")
        children = psutil.Process(service.process.pid).children(recursive=True)
        assert children, "no worker runs"
        token, began = service.token, time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < Settings(home=tmp_path).stop_deadline_seconds + 10
    assert not (tmp_path / "home" / "service.json").exists()
    until(lambda: not [child for child in children if child.is_running()], "the end of the workers")
    lines = (tmp_path / "home" / "logs" / "service.log").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert "service started" in events and "service stops" in events
    assert not [line for line in lines if token in line]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGTERM; Ctrl-Break is tested there")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_stop_signal_ends_the_service_cleanly(tmp_path: Path, number: str) -> None:
    with running(tmp_path / "home") as service:
        service.process.send_signal(getattr(signal, number))
        assert service.process.wait(PATIENCE) == 0
    assert not (tmp_path / "home" / "service.json").exists()


@pytest.mark.skipif(os.name != "nt", reason="Ctrl-Break is a key of Windows")
def test_ctrl_break_ends_the_service_cleanly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(),
        env=environment(tmp_path / "home"),
        cwd=ROOT,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    try:
        until(lambda: read_discovery(Settings(home=tmp_path / "home")), "the discovery file")
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", 1))
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
    assert not (tmp_path / "home" / "service.json").exists()


def test_after_a_crash_the_next_service_takes_over_home_and_discovery_file(tmp_path: Path) -> None:
    with running(tmp_path / "home") as first:
        token = first.token
        first.process.kill()
        first.process.wait()
        assert (tmp_path / "home" / "service.json").exists()
        assert read_discovery(Settings(home=tmp_path / "home")) is None
    with running(tmp_path / "home") as second:
        assert second.found.pid == second.process.pid and second.token == token
        assert second.get("/jobs").status_code == 200


def test_an_open_connection_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with running(tmp_path / "home") as service:
        host, _, port = service.found.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n")
            began = time.monotonic()
            assert service.stop() == 0
        assert time.monotonic() - began < 20


class Listener(threading.Thread):
    """Somebody who hears a stream to its end."""

    def __init__(self, service: Service, path: str) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._path = path
        self.heard_snapshot = threading.Event()
        self.ended_well = False
        self.start()

    def run(self) -> None:
        headers = {"authorization": f"Bearer {self._service.token}"}
        with httpx.stream("GET", self._service.found.url + self._path, headers=headers, timeout=PATIENCE) as reply:
            for line in reply.iter_lines():
                if line == "event: snapshot":
                    self.heard_snapshot.set()
        self.ended_well = True  # a stream that is cut off before its last chunk raises


@contextmanager
def never_reading(service: Service) -> Iterator[None]:
    """Ask for the stream, and leave the answer lying."""
    host, _, port = service.found.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        silent.sendall(
            f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode()
        )
        yield


def test_the_whole_service_ends_while_streams_are_heard_and_a_shot_is_keyed(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "plates", range(1, 400))
    with running(tmp_path / "home") as service:
        until(lambda: service.get("/health/ready").status_code == 200, "ready")
        job = service.post("/jobs", {"plate": str(shot.folder / shot.pattern)}).json()["id"]
        until(lambda: service.get(f"/jobs/{job}").json()["frames_done"] > 0, "the worker keys")
        children = psutil.Process(service.process.pid).children(recursive=True)
        with never_reading(service):
            listeners = [Listener(service, path) for path in ("/events", f"/jobs/{job}/events") for _ in range(5)]
            assert all(listener.heard_snapshot.wait(PATIENCE) for listener in listeners)
            until(lambda: "dropkey_sse_clients 11.0" in service.get("/metrics").text, "all streams are open")
            assert service.stop(within=20.0) == 0
        for listener in listeners:
            listener.join(PATIENCE)
        assert all(listener.ended_well for listener in listeners)
    assert children and not [child for child in children if child.is_running()]
    assert not (tmp_path / "home" / "service.json").exists()
    lines = (tmp_path / "home" / "logs" / "service.log").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if json.loads(line)["level"] in ("error", "critical")] == []
    store = JobStore(tmp_path / "home" / "jobs.sqlite")
    left = store.get(job)
    store.close()
    assert left.state is JobState.QUEUED and 0 < left.frames_done < 399


def test_a_drop_folder_inside_the_output_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "drop")
    for output in (tmp_path / "drop", tmp_path, tmp_path / "link"):
        settings = Settings(home=tmp_path / "home", drop_folders=(tmp_path / "drop",), output_root=output)
        with pytest.raises(Misconfigured, match="lies in the output folder"):
            serve(settings)
