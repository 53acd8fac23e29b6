"""Asks a running service over HTTP: the same things that panel and page ask, as typed Python."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from service.api.schemas import (
    BrowserLink,
    FolderList,
    FrameList,
    JobList,
    JobSummary,
    Readiness,
    RootList,
    RootStatus,
    Worker,
    WorkerList,
)
from service.api.trying import PreviewRequest, PreviewState, Shown
from service.discovery import read_discovery
from service.errors import DropKeyError, NotFound, Transient
from service.jobs import FrameResult, Job, JobRequest, JobState, Problem, error_from
from service.previews.messages import Channels, Over, Pass, Pixel
from service.private import read_token
from service.quality import QualityReport
from service.settings import Settings

Verb = Literal["cancel", "retry", "accept", "pause", "resume"]
Answer = TypeVar("Answer", bound=BaseModel)
_PREVIEW_WAIT_SECONDS = 10.0


class EventStream:
    """Yields (name, data) of live events, until the service stops or the connection breaks.

    ``last_id`` is the number up to which all was told: as ``since`` of the next stream it goes on from there.
    """

    def __init__(self, lines: Generator[str], since: int | None) -> None:
        self.last_id = since
        self._told = self._messages(lines)

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> tuple[str, dict[str, Any]]:
        return next(self._told)

    def close(self) -> None:
        """Listen no longer."""
        self._told.close()

    def _messages(self, lines: Generator[str]) -> Generator[tuple[str, dict[str, Any]]]:
        name, number = "", self.last_id
        with closing(lines):
            for line in lines:
                field, _, value = line.partition(": ")
                if field == "id":
                    number = int(value)
                elif field == "event":
                    name = value
                elif field == "data":
                    # Not before the message is whole: what broke off is told again.
                    self.last_id = number
                    yield name, json.loads(value)
                elif not line:
                    self.last_id = number


class Client:
    """A connection to one service; use it in a ``with``. A refusal is raised as the DropKeyError that it tells of."""

    def __init__(self, url: str, token: str, *, timeout_seconds: float = 30.0) -> None:
        self._timeout = timeout_seconds
        # Not through a proxy of the environment: the service is on this machine, or named on purpose.
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=timeout_seconds, trust_env=False
        )

    @classmethod
    def of_running(cls, settings: Settings) -> Client:
        """Return a client of the service that runs on this home folder; raises NotFound when none does."""
        found = read_discovery(settings)
        if found is None:
            raise NotFound("No DropKey runs on this home folder.", fix="Start it with `dropkey serve`.")
        return cls(found.url, read_token(found.token_file))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- jobs

    def submit(self, asked: JobRequest, *, idempotency_key: str | None = None) -> Job:
        """Ask for a shot to be keyed; returns its job. The same key twice is one request."""
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        return self._get(Job, "/jobs", method="POST", headers=headers, json=asked.model_dump(mode="json"))

    def jobs(
        self, *, state: JobState | None = None, client: str | None = None, search: str | None = None
    ) -> Iterator[JobSummary]:
        """Yield jobs, newest first, page by page; ``search`` is part of the shot's name, its plate or the client."""
        given = {"state": state, "client": client, "search": search}
        asked = {name: value for name, value in given.items() if value is not None}
        cursor: dict[str, str] = {}
        while True:
            page = self._get(JobList, "/jobs", params={**asked, **cursor})
            yield from page.jobs
            if page.next_cursor is None:
                return
            cursor = {"cursor": page.next_cursor}

    def job(self, job_id: str) -> Job:
        """Return a job."""
        return self._get(Job, f"/jobs/{job_id}")

    def frames(self, job_id: str) -> tuple[FrameResult, ...]:
        """Return what became of each frame so far."""
        return self._get(FrameList, f"/jobs/{job_id}/frames").frames

    def quality(self, job_id: str) -> QualityReport:
        """Return the quality report."""
        return self._get(QualityReport, f"/jobs/{job_id}/quality")

    def act(self, job_id: str, verb: Verb) -> Job:
        """Cancel, retry, accept, pause or resume a job."""
        return self._get(Job, f"/jobs/{job_id}/{verb}", method="POST")

    def set_priority(self, job_id: str, priority: int) -> Job:
        """Let a job go sooner (higher) or later."""
        return self._get(Job, f"/jobs/{job_id}", method="PATCH", json={"priority": priority})

    def events(self, job_id: str | None = None, *, since: int | None = None) -> EventStream:
        """Return live events; docs/api.md lists them. With ``since``, what came after that number is told first."""
        return EventStream(self._event_lines("/events" if job_id is None else f"/jobs/{job_id}/events", since), since)

    def preview(self, asked: PreviewRequest) -> PreviewState:
        """Have one frame keyed now, between two frames of whatever runs, and return it once it is done."""
        wait = min(_PREVIEW_WAIT_SECONDS, self._timeout / 2)
        first = asked.model_copy(update={"wait_seconds": wait})
        made = self._get(PreviewState, "/preview", method="POST", json=first.model_dump(mode="json"))
        while made.state == "working":
            made = self._get(PreviewState, f"/preview/{made.id}", params={"wait_seconds": wait})
        return made

    def preview_picture(
        self,
        preview_id: str,
        view: Shown = "grey",
        *,
        exposure: float = 0.0,
        gamma: float = 1.0,
        size: int | None = None,
        channels: Channels = Channels.RGB,
        over: Over = Over.GREY,
    ) -> bytes:
        """Return a view of a preview that is done, as PNG; for another look than the plain one, ask it with floats."""
        params = _look(exposure, gamma, size, channels, over)
        return self._ask(f"/preview/{preview_id}/{view}.png", params=params).content

    def preview_pixel(self, preview_id: str, view: Shown, x: int, y: int, *, over: Over = Over.GREY) -> Pixel:
        """Return the linear values of a pixel of a preview that was asked for with floats."""
        return self._get(Pixel, f"/preview/{preview_id}/{view}/pixel", params={"x": x, "y": y, "over": over})

    # ---- frames

    def picture(
        self,
        job_id: str,
        frame: int,
        name: Pass,
        *,
        exposure: float = 0.0,
        gamma: float = 1.0,
        size: int | None = None,
        channels: Channels = Channels.RGB,
        over: Over = Over.GREY,
    ) -> bytes:
        """Return a frame as PNG."""
        params = _look(exposure, gamma, size, channels, over)
        return self._ask(f"/jobs/{job_id}/frames/{frame}/{name}.png", params=params).content

    def pixel(self, job_id: str, frame: int, name: Pass, x: int, y: int) -> Pixel:
        """Return the linear values of a pixel."""
        return self._get(Pixel, f"/jobs/{job_id}/frames/{frame}/{name}/pixel", params={"x": x, "y": y})

    # ---- the machine

    def roots(self) -> tuple[RootStatus, ...]:
        """Return the configured folders."""
        return self._get(RootList, "/roots").roots

    def browse(self, root: str, path: str = "") -> FolderList:
        """Return what lies in a folder of a root."""
        return self._get(FolderList, "/browse", params={"root": root, "path": path})

    def workers(self) -> tuple[Worker, ...]:
        """Return how the workers are."""
        return self._get(WorkerList, "/workers").workers

    def drain(self, name: str, drained: bool) -> tuple[Worker, ...]:
        """Give a worker nothing new, or take it back; return all workers."""
        verb = "drain" if drained else "take-back"
        return self._get(WorkerList, f"/workers/{quote(name)}/{verb}", method="POST").workers

    def readiness(self) -> Readiness:
        """Say whether jobs can be done now, and what is missing."""
        with _telling():
            reply = self._http.get("/health/ready")
        if reply.status_code not in (200, 503):
            raise _error(reply)
        return Readiness(ready=reply.json()["ready"], checks=reply.json().get("checks"))

    def browser_link(self) -> str:
        """Return a link that lets one browser in, once."""
        return self._get(BrowserLink, "/browser-links", method="POST").url

    def drop_sample(self) -> str:
        """Ask for the sample shot in the first drop folder; says `painting`, or `there`."""
        return str(self._ask("/welcome/sample", method="POST").json()["sample"])

    def shut_down(self) -> None:
        """Ask the service to end; it answers before it does."""
        self._ask("/shutdown", method="POST")

    # ---- inside

    def _event_lines(self, path: str, since: int | None) -> Generator[str]:
        # Pings come every fifteen seconds; longer silence means that nobody is there.
        patience = httpx.Timeout(10.0, read=60.0)
        params = {} if since is None else {"since": since}
        with _telling(), self._http.stream("GET", path, params=params, timeout=patience) as reply:
            if reply.is_error:
                reply.read()
                raise _error(reply)
            yield from reply.iter_lines()

    def _get(self, kind: type[Answer], path: str, *, method: str = "GET", **more: Any) -> Answer:
        return kind.model_validate_json(self._ask(path, method=method, **more).content)

    def _ask(self, path: str, *, method: str = "GET", **more: Any) -> httpx.Response:
        with _telling():
            reply = self._http.request(method, path, **more)
        if reply.is_error:
            raise _error(reply)
        return reply


def _look(exposure: float, gamma: float, size: int | None, channels: Channels, over: Over) -> dict[str, Any]:
    asked = {"exposure": exposure, "gamma": gamma, "size": size, "channels": channels, "over": over}
    return {name: value for name, value in asked.items() if value is not None}


@contextmanager
def _telling() -> Iterator[None]:
    """Word faults of the connection as ours."""
    try:
        yield
    except httpx.HTTPError as error:
        raise Transient(f"The service does not answer: {error}.", fix="See whether it runs.") from error


def _error(reply: httpx.Response) -> DropKeyError:
    try:
        said = reply.json()
        kind = str(said["type"]).removeprefix("urn:dropkey:problem:")
        problem = Problem(kind=kind, message=said["detail"], fix=said.get("fix", ""), frame=said.get("frame"))
    except (ValueError, KeyError, TypeError, ValidationError):
        return DropKeyError(f"The service answered {reply.status_code}.", fix="Its log may say why.")
    return error_from(problem)
