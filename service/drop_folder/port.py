"""What a drop folder needs of the job queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from model.settings import MatteSources
from service.jobs import Job, JobRequest, Problem
from service.shots import Shot


class Queue(Protocol):
    """What a drop folder needs of the job queue."""

    def submit(
        self,
        request: JobRequest,
        shot: Shot,
        *,
        output_root: Path | None = None,
        mattes: MatteSources | None = None,
        settled: bool = True,
        unchanged: Callable[[], bool] = ...,
    ) -> tuple[Job, bool]:
        """Take a shot; the flag tells whether the job is new. Raises PlateChanged unless it is ``unchanged``."""

    def settle(
        self,
        job_id: str,
        shot: Shot,
        request: JobRequest,
        *,
        mattes: MatteSources | None = None,
        unchanged: Callable[[], bool] = ...,
    ) -> Job:
        """All files of a waiting job have arrived. Raises PlateChanged unless they are ``unchanged``."""

    def wait_for(self, job_id: str, problem: Problem | None) -> Job:
        """Say what a waiting job waits for."""

    def refuse(self, job_id: str, problem: Problem) -> Job:
        """Fail a waiting job before it began, so that the artist sees why."""

    def done_elsewhere(
        self, request: JobRequest, shot: Shot, *, output_root: Path | None = None, mattes: MatteSources | None = None
    ) -> bool:
        """Tell whether another service has keyed this very shot into the same output root."""

    def dismissed(
        self, request: JobRequest, shot: Shot, *, output_root: Path | None = None, mattes: MatteSources | None = None
    ) -> bool:
        """Tell whether somebody took the result of this very shot off the list."""

    def give_up(self, job_id: str, why: str) -> Job:
        """End a job that waits for files which are gone, until they are back."""

    def why_away(self, folder: Path) -> str:
        """Say that the disk of ``folder``, which was there before, is away; nothing where it is there."""

    def root_lost(self, root: Path) -> None:
        """The folder is away: freeze its jobs."""

    def root_back(self, root: Path) -> None:
        """It is there again: go on."""
