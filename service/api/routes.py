"""The routes: each one reads the request, asks the queue, and words the answer for whoever asked."""

from __future__ import annotations

import builtins
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from service.api.bodies import BodyRoute
from service.api.problems import problem
from service.api.reach import Reach
from service.api.schemas import Check, FrameList, JobList, JobPatch, JobSummary, Readiness
from service.api.summaries import summary_of
from service.errors import BadInput, WrongState
from service.installation import command
from service.jobs import Job, JobRequest, JobState
from service.paths import Paths
from service.quality import QualityReport, report_on
from service.queue import JobQueue
from service.requests import asked_over_http
from service.settings import Settings
from service.store import JobStore
from service.wording import worded

PAGE_BYTES = 64 * 1024
"""ExtendScript reads a reply in one piece; longer pages are cut."""

MOST_JOBS = 200

Checks = Callable[[], dict[str, Check]]

Answer = Annotated[
    Literal["job", "summary"],
    Query(description="`summary`: the job as lists show it, a few hundred bytes whatever its mattes and frames."),
]


class Routes:
    """The routes over one queue."""

    def __init__(
        self, queue: JobQueue, store: JobStore, settings: Settings, paths: Paths, reach: Reach, checks: Checks
    ) -> None:
        self._queue = queue
        self._store = store
        self._settings = settings
        self._paths = paths
        self._reach = reach
        self._checks = checks
        self._in_flight: set[str] = set()
        self._lock = threading.Lock()

    def router(self) -> APIRouter:
        """Return all routes."""
        router = APIRouter(redirect_slashes=False, route_class=BodyRoute)
        router.add_api_route("/jobs", self.submit, methods=["POST"], status_code=202, response_model=Job | JobSummary)
        router.add_api_route("/jobs", self.list, methods=["GET"], response_model=JobList)
        router.add_api_route("/jobs/{job_id}", self.get, methods=["GET"], response_model=Job | JobSummary)
        router.add_api_route("/jobs/{job_id}", self.patch, methods=["PATCH"], response_model=Job | JobSummary)
        router.add_api_route("/jobs/{job_id}/frames", self.frames, methods=["GET"], response_model=FrameList)
        router.add_api_route("/jobs/{job_id}/quality", self.quality, methods=["GET"], response_model=QualityReport)
        for verb in ("cancel", "retry", "accept", "pause", "resume"):
            router.add_api_route(
                f"/jobs/{{job_id}}/{verb}",
                self._acting(getattr(self._queue, verb)),
                methods=["POST"],
                status_code=202,
                response_model=Job | JobSummary,
                name=verb,
            )
        router.add_api_route("/health/live", self.live, methods=["GET"])
        router.add_api_route("/health/ready", self.ready, methods=["GET"], response_model=Readiness)
        return router

    def submit(
        self,
        request: Request,
        asked: JobRequest,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
        answer: Answer = "job",
    ) -> JSONResponse:
        """Take a job; the same plate with the same settings is the same job however often it is asked for."""
        trusted = bool(request.state.trusted)
        if idempotency_key is None:
            job = self._submit(asked, trusted)
            return self._reply(job, answer, 202, {"location": f"/jobs/{job.id}"})
        fingerprint = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
        with self._alone(idempotency_key):
            known = self._store.reply_for(idempotency_key)
            if known is not None and known.fingerprint != fingerprint:
                raise BadInput("This Idempotency-Key came with another body before.", fix="Take a new key per request.")
            if known is not None:
                job = self._queue.get(known.job_id)
            else:
                job = self._submit(asked, trusted)
                self._store.remember_key(idempotency_key, fingerprint, job.id)
        return self._reply(job, answer, 202, {"location": f"/jobs/{job.id}"})

    def list(
        self,
        state: Annotated[builtins.list[JobState] | None, Query(max_length=len(JobState))] = None,
        client: Annotated[str | None, Query(max_length=200)] = None,
        search: Annotated[str | None, Query(max_length=200)] = None,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_JOBS)] = 50,
    ) -> JSONResponse:
        """Return jobs, newest first; at most 64 KiB a page, whatever ``limit`` says.

        Each ``state`` adds the jobs in it; none: all. ``search`` is part of the shot's name, its plate or the client.
        """
        while True:
            page = self._queue.list(
                states=frozenset(state or ()), client=client, search=search, cursor=cursor, limit=limit
            )
            jobs = tuple(summary_of(job, self._paths) for job in page.jobs)
            reply = JSONResponse(JobList(jobs=jobs, next_cursor=page.next_cursor).model_dump(mode="json"))
            if len(reply.body) <= PAGE_BYTES or limit == 1:
                return reply
            limit = max(1, min(limit, len(page.jobs)) // 2)

    def get(self, job_id: str, answer: Answer = "job") -> JSONResponse:
        """Return a job."""
        return self._reply(self._queue.get(job_id), answer)

    def patch(self, request: Request, job_id: str, patch: JobPatch, answer: Answer = "job") -> JSONResponse:
        """Change a job's priority."""
        self._reach.job(job_id, request)
        return self._reply(self._queue.set_priority(job_id, patch.priority), answer)

    def frames(self, job_id: str) -> JSONResponse:
        """Return what became of each frame."""
        return JSONResponse(FrameList(frames=tuple(self._queue.frames(job_id))).model_dump(mode="json"))

    def quality(self, job_id: str) -> JSONResponse:
        """Return how well each frame was keyed, as far as the key itself tells, and which frames stand out."""
        return JSONResponse(report_on(self._queue.frames(job_id)).model_dump(mode="json"))

    async def live(self, request: Request) -> JSONResponse:
        """Say that the process answers; on its own machine also by which `command` a person calls DropKey."""
        return JSONResponse({"live": True} | ({"command": command(anywhere=True)} if request.state.here else {}))

    def ready(self, request: Request) -> JSONResponse:
        """Say whether jobs can be done now; what is wrong is told to the token holder only."""
        checks = self._checks()
        ready = all(check.ok for check in checks.values())
        told = Readiness(ready=ready, checks=checks if request.state.authorized else None)
        content = told.model_dump(mode="json", exclude_none=True)
        return JSONResponse(content) if ready else problem(503, "Not ready to do jobs.", kind="not_ready", **content)

    def _submit(self, asked: JobRequest, trusted: bool) -> Job:
        order, shot = asked_over_http(asked, self._paths, self._settings, trusted=trusted)
        job, _ = self._queue.submit(order.request, shot, output_root=order.output_root, mattes=order.mattes)
        return job

    def _acting(self, action: Callable[[str], Job]) -> Callable[[Request, str, Answer], JSONResponse]:
        def act(request: Request, job_id: str, answer: Answer = "job") -> JSONResponse:
            self._reach.job(job_id, request)
            return self._reply(action(job_id), answer, 202)

        act.__doc__ = action.__doc__
        return act

    def _reply(
        self, job: Job, answer: Answer, status: int = 200, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        short = answer == "summary"
        content = summary_of(job, self._paths).model_dump(mode="json") if short else worded(job, self._paths)
        return JSONResponse(content, status_code=status, headers=headers)

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Hold an idempotency key; a second request with it that comes meanwhile is told to wait."""
        with self._lock:
            if key in self._in_flight:
                raise WrongState("A request with this Idempotency-Key is under way.", fix="Ask again in a moment.")
            self._in_flight.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight.discard(key)
