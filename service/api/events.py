"""Live events (SSE): a snapshot on connect, then what changed, at most four times a second.

Each batch ends with the number of its last event, which the browser sends back as `Last-Event-ID`: it goes on from
there, or gets a `reset` with a new snapshot when the store no longer holds what came between.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from service.api.problems import problem
from service.api.schemas import JobList
from service.api.summaries import summary_of
from service.errors import NotFound
from service.paths import Paths
from service.queue import JobQueue
from service.queue.subscription import Subscription
from service.store import Event, JobStore

PERIOD_SECONDS = 0.25
PING_SECONDS = 15.0
MOST_LISTENERS = 100
MOST_REPLAYED = 5000
SNAPSHOT_JOBS = 100
RECONNECT_MS = 1000


@dataclass(frozen=True)
class _Told:
    """One message of the stream."""

    name: str
    data: Any


class Events:
    """All streams of one service."""

    def __init__(self, queue: JobQueue, store: JobStore, paths: Paths, *, period: float = PERIOD_SECONDS) -> None:
        self._queue = queue
        self._store = store
        self._paths = paths
        self._period = period
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._listeners = 0

    def close(self) -> None:
        """End all streams within one period; uvicorn would wait for them until its deadline."""
        self._closing.set()

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return self._listeners

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False)
        stream: dict[int | str, dict[str, Any]] = {
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
        }
        for path, endpoint in (("/events", self.all), ("/jobs/{job_id}/events", self.of_job)):
            router.add_api_route(
                path, endpoint, methods=["GET"], response_class=EventStream, responses=stream, tags=["events"]
            )
        return router

    async def all(
        self,
        last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
        since: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> Response:
        """Tell what happens to all jobs: `snapshot` or `reset`, then `job`, `progress`, `frames`, `removed`."""
        return self._answer(None, since if last_event_id is None else last_event_id)

    async def of_job(
        self,
        job_id: str,
        last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
        since: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> Response:
        """Tell what happens to one job; its snapshot holds the states of its frames."""
        await run_in_threadpool(self._queue.get, job_id)
        return self._answer(job_id, since if last_event_id is None else last_event_id)

    def _answer(self, job_id: str | None, since: int | None) -> Response:
        if not self._takes_one_more():
            return problem(
                503, "Too many listen already.", kind="transient", fix="Close a page.", headers={"retry-after": "5"}
            )
        return EventStream(self._stream(job_id, since), self._one_less)

    def _takes_one_more(self) -> bool:
        """Count a listener before anything of the reply is sent: many may ask at the same moment."""
        with self._lock:
            if self._closing.is_set() or self._listeners >= MOST_LISTENERS:
                return False
            self._listeners += 1
            return True

    def _one_less(self) -> None:
        with self._lock:
            self._listeners -= 1

    async def _stream(self, job_id: str | None, since: int | None) -> AsyncIterator[bytes]:
        subscription = self._queue.subscribe()
        try:
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            last, told = await run_in_threadpool(self._begin, job_id, since)
            yield _batch(told, last)
            quiet_since = time.monotonic()
            while not self._closing.is_set():
                await anyio.sleep(self._period)
                if subscription.lost:
                    subscription = self._queue.subscribe()
                    last, told = await run_in_threadpool(self._snapshot, job_id, "reset")
                else:
                    news = [event for event in _waiting(subscription) if event.id > last]
                    last = news[-1].id if news else last
                    told = await run_in_threadpool(self._coalesced, news, job_id) if news else []
                if told:
                    yield _batch(told, last)
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since >= PING_SECONDS:
                    yield b": ping\n\n"
                    quiet_since = time.monotonic()
        finally:
            subscription.close()

    def _begin(self, job_id: str | None, since: int | None) -> tuple[int, list[_Told]]:
        """Return the number up to which is told, and what is told first."""
        if since is None:
            return self._snapshot(job_id, "snapshot")
        last = self._store.last_event()
        first = self._store.first_event()
        if since > last or last - since > MOST_REPLAYED or (since < last and since < first - 1):
            return self._snapshot(job_id, "reset")
        missed: list[Event] = []
        while (at := missed[-1].id if missed else since) < last:
            found = self._store.events_since(at)
            if not found:
                break
            missed.extend(found)
        return max([last, *(event.id for event in missed)]), self._coalesced(missed, job_id)

    def _snapshot(self, job_id: str | None, name: str) -> tuple[int, list[_Told]]:
        last = self._store.last_event()
        if job_id is None:
            page = self._queue.list(limit=SNAPSHOT_JOBS)
            jobs = tuple(summary_of(job, self._paths) for job in page.jobs)
            data = JobList(jobs=jobs, next_cursor=page.next_cursor).model_dump(mode="json")
            return last, [_Told(name, data | {"counts": self._counts()})]
        try:
            job = summary_of(self._queue.get(job_id), self._paths).model_dump(mode="json")
        except NotFound:
            return last, [_Told("removed", {"id": job_id})]
        frames = [{"frame": result.frame, "state": result.state} for result in self._queue.frames(job_id)]
        return last, [_Told(name, {"job": job, "frames": frames})]

    def _coalesced(self, events: Sequence[Event], job_id: str | None) -> list[_Told]:
        """Return one message per job and kind, each as things stand now, in the order in which jobs changed first."""
        by_job: dict[str, dict[str, list[Event]]] = {}
        for event in events:
            if job_id is None or event.job_id == job_id:
                by_job.setdefault(event.job_id, {}).setdefault(event.kind, []).append(event)
        told: list[_Told] = []
        for changed, kinds in by_job.items():
            if "removed" in kinds:
                told.append(_Told("removed", {"id": changed}))
                continue
            if "frame" in kinds:
                states = {event.data["frame"]: event.data["state"] for event in kinds["frame"]}
                frames = [{"frame": frame, "state": state} for frame, state in states.items()]
                told.append(_Told("frames", {"id": changed, "frames": frames}))
            if "job" in kinds:
                with suppress(NotFound):
                    job = self._queue.get(changed)
                    told.append(_Told("job", summary_of(job, self._paths).model_dump(mode="json")))
            elif "progress" in kinds:
                told.append(_Told("progress", {"id": changed, **_progress(kinds["progress"][-1])}))
        if job_id is None and any(message.name in ("job", "removed") for message in told):
            told.append(_Told("counts", self._counts()))
        return told

    def _counts(self) -> dict[str, int]:
        return {str(state): number for state, number in self._queue.counts().items()}


class EventStream(StreamingResponse):
    """An SSE reply."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes], ended: Callable[[], None], status_code: int = 200) -> None:
        """``ended`` is called once nobody hears it any more, also when nothing of it was ever sent."""
        # Proxies must hand each event on at once.
        super().__init__(content, status_code=status_code, headers={"x-accel-buffering": "no"})
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it to its end."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


def _progress(event: Event) -> dict[str, Any]:
    data = {name: value for name, value in event.data.items() if name not in ("shot", "frames")}
    return data | {"frames_total": event.data["frames"]}


def _waiting(subscription: Subscription) -> list[Event]:
    take: Callable[[], Event | None] = lambda: subscription.get(timeout=0)  # noqa: E731  # `iter` wants a callable
    return list(iter(take, None))


def _batch(told: Sequence[_Told], last: int) -> bytes:
    """Write messages in one piece; only the last one moves the browser's `Last-Event-ID`, so that none gets lost."""
    lines: list[str] = []
    for position, message in enumerate(told, 1):
        if position == len(told):
            lines.append(f"id: {last}")
        # JSON escapes line breaks; a shot's name cannot end the message.
        lines += [f"event: {message.name}", f"data: {json.dumps(message.data, ensure_ascii=False)}", ""]
    if not told:
        lines += [f"id: {last}", ""]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
