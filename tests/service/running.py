"""Sets up a queue with real worker processes for tests: shots on disk, settings with short deadlines."""

import sys
import time
from contextlib import contextmanager
from pathlib import Path

from service.executor import LocalExecutor
from service.jobs import JobRequest
from service.messages import ShotFinished
from service.queue import JobQueue
from service.settings import Settings
from service.shots import Shot, shot_from_plate
from service.store import JobStore

WORKERS = Path(__file__).parent / "fixtures"
PATIENCE = 30.0  # seconds; only a failing test waits that long


def make_shot(folder: Path, frames=range(1, 11), name: str = "hero") -> Shot:
    """Write a sequence of tiny files, as many as the frames."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        (folder / f"{name}.{frame:04d}.png").write_bytes(f"{name} {frame}".encode())
    return shot_from_plate(folder / f"{name}.####.png")


def make_request(shot: Shot, **more) -> JobRequest:
    return JobRequest(plate=str(shot.folder / shot.pattern), **more)


def make_settings(home: Path, **more) -> Settings:
    return Settings(**{"home": home, "restart_delay_seconds": 0.05, "stop_deadline_seconds": 5.0} | more)


@contextmanager
def running_queue(home: Path, worker: str, *, cards=("",), **settings):
    """Run a queue whose workers are ``fixtures/<worker>.py``; one per entry of ``cards``."""
    chosen = make_settings(home, **settings)
    store = JobStore(chosen.database)
    executor = LocalExecutor(chosen, command=[sys.executable, str(WORKERS / f"{worker}.py")], cards=cards)
    queue = JobQueue(chosen, store, executor)
    queue.start()
    try:
        yield queue
    finally:
        queue.stop()
        store.close()


def until(condition, what: str, patience: float = PATIENCE, every: float = 0.01):
    """Poll until ``condition`` returns something true, and return that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(every)
    raise AssertionError(f"never: {what}")


def written_frames(job) -> list[int]:
    """Return the frames in the order in which workers wrote them."""
    return [int(line) for line in (job.output / "written.txt").read_text(encoding="utf-8").split()]


class OneWorker:
    """An executor in memory that the test plays: it accepts a shot and says what it is told to say."""

    def __init__(self):
        self.current = None
        self.asked_to_stop = False
        self.priorities = []

    def start(self, listener):
        self.tell = listener

    def capacity(self, priority):
        return 0 if self.current else 1

    def submit(self, job_id, attempt, order, priority):
        self.current, self.asked_to_stop = (job_id, attempt, order), False
        return True

    def stop(self, job_id):
        if self.current and self.current[0] == job_id:
            self.asked_to_stop = True

    def set_priority(self, job_id, priority):
        self.priorities.append((job_id, priority))

    def workers(self):
        return ()

    def close(self):
        if self.current:
            job_id, attempt, _ = self.current
            self.current = None
            self.tell(ShotFinished(job_id=job_id, attempt=attempt, outcome="stopped", manifest=Path("m")))


class NobodyWorks:
    """An executor without workers: jobs stay queued."""

    def start(self, listener):
        self.listener = listener

    def capacity(self, priority):
        return 0

    def submit(self, job_id, attempt, order, priority):
        return False

    def stop(self, job_id):
        pass

    def set_priority(self, job_id, priority):
        pass

    def workers(self):
        return ()

    def close(self):
        pass
