"""Sets up a drop folder for tests: real files, a real queue that runs nothing, and a clock moved by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from service.drop_folder import DropFolder
from service.errors import NotFound, WorkerLost
from service.executor import WorkerStatus
from service.jobs import Job, JobState
from service.messages import PreviewMade, PreviewOrder, ShotOrder
from service.paths import Paths
from service.queue import JobQueue
from service.settings import Settings
from service.store import JobStore

QUICK = {"settle_stable_seconds": 0.05, "settle_quiet_seconds": 0.2, "scan_seconds": 0.05}

WAITING, QUEUED, FAILED = JobState.WAITING_INPUT, JobState.QUEUED, JobState.FAILED


class NobodyWorks:
    """An executor without workers: jobs stay queued."""

    def start(self, listener: Any) -> None:
        pass

    def capacity(self, priority: int) -> int:
        return 0

    def submit(self, job_id: str, attempt: int, order: ShotOrder, priority: int) -> bool:
        return False

    def stop(self, job_id: str) -> None:
        pass

    def set_priority(self, job_id: str, priority: int) -> None:
        pass

    def preview(self, preview_id: str, order: PreviewOrder) -> Future[PreviewMade]:
        raise WorkerLost("No worker is ready.", fix="Wait until the keyer is loaded, then ask again.")

    def workers(self) -> tuple[WorkerStatus, ...]:
        return ()

    def drain(self, name: str, drained: bool) -> None:
        if name != "0":
            raise NotFound(f"There is no worker {name}.")

    def close(self) -> None:
        pass


class Place:
    """A drop folder, its queue, and a clock that only tests move."""

    def __init__(self, tmp_path: Path, *, store: JobStore | None = None, **more: Any) -> None:
        self.root = tmp_path / "drop"
        self.root.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(
            **{"home": tmp_path / "home", "drop_folders": (self.root,), "output_root": tmp_path / "out"} | more
        )
        self.now = 1000.0
        self.busy_files: set[Path] = set()
        self.store = store or JobStore()
        self.queue = JobQueue(self.settings, self.store, NobodyWorks())
        self.queue.start()
        self.paths = Paths(self.settings)
        self.folder = self.watch_anew()

    def watch_anew(self) -> DropFolder:
        """As a service that has just been started sees it: nothing remembered but the database."""
        self.folder = DropFolder(
            self.root,
            self.settings,
            self.paths,
            self.queue,
            clock=lambda: self.now,
            in_use=lambda file: file in self.busy_files,
        )
        return self.folder

    def close(self) -> None:
        self.queue.stop()
        self.store.close()

    def put(self, relative: str, content: bytes | str = b"picture") -> Path:
        file = self.root / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def render(self, frames: Iterable[int], shot: str = "hero", folder: str | None = None, content: str = "") -> None:
        """Write frames as After Effects would, all at once."""
        for frame in frames:
            self.put(f"{shot if folder is None else folder}/{shot}.{frame:04d}.png", f"{shot} {frame} {content}")

    def sidecar(self, relative: str = "hero/hero.dropkey.json", **content: Any) -> Path:
        return self.put(relative, json.dumps(content))

    def wait(self, seconds: float = 0.0, step: float = 1.0) -> list[Job]:
        """Let time pass, scanning every ``step`` seconds as the service does; return all jobs, oldest first."""
        self.folder.scan()
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self.folder.scan()
        return self.jobs()

    def jobs(self) -> list[Job]:
        return list(reversed(self.queue.list(limit=200).jobs))

    def states(self) -> list[JobState]:
        return [job.state for job in self.jobs()]
