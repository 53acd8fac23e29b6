"""Figures for Prometheus, without a label per shot: a number of series that does not grow with the work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.executor import WorkerStatus
from service.jobs import JobState
from service.messages import FrameFinished
from service.paths import Paths
from service.queue import JobQueue
from service.store import JobStore

if TYPE_CHECKING:
    from service.api.events import Events

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WORKER_STATES = ("starting", "ready", "busy", "waiting", "stopped")


class Memories(Protocol):
    """Says how much memory of the cards is in use."""

    def memory(self, workers: Sequence[WorkerStatus]) -> dict[int, tuple[int, int]]:
        """Return (used, total) bytes by process id."""


class Metrics:
    """Counts what passes, and asks the rest when somebody looks."""

    def __init__(self, queue: JobQueue, store: JobStore, paths: Paths, events: Events) -> None:
        self._registry = CollectorRegistry()
        self._frames = Counter(
            "dropkey_frames", "Frames that came out of the workers.", ["result"], registry=self._registry
        )
        self._seconds = Histogram(
            "dropkey_frame_seconds",
            "Seconds that a frame spent in a stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._now = _Now(queue, store, paths, events)
        self._registry.register(self._now)
        queue.watch_frames(self._count)

    def text(self, cards: Memories) -> bytes:
        """Return all figures in Prometheus' text format."""
        self._now.cards = cards
        return generate_latest(self._registry)

    def _count(self, finished: FrameFinished) -> None:
        self._frames.labels(str(finished.result.state)).inc()
        for stage in ("read", "key", "write"):
            self._seconds.labels(stage).observe(getattr(finished, f"{stage}_seconds"))


class _Now(Collector):
    """What is read off at the moment of asking."""

    def __init__(self, queue: JobQueue, store: JobStore, paths: Paths, events: Events) -> None:
        self._queue = queue
        self._store = store
        self._paths = paths
        self._events = events
        self.cards: Memories | None = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Tell nothing before somebody asks: the queue may not have started."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all gauges."""
        counts = self._store.counts()
        yield _gauge("jobs", "Jobs by state.", "state", {str(state): counts.get(state, 0) for state in JobState})
        oldest = self._store.oldest(JobState.QUEUED)
        waited = 0.0 if oldest is None else (datetime.now(UTC) - oldest.created_at).total_seconds()
        yield GaugeMetricFamily("dropkey_queue_oldest_seconds", "Age of the oldest queued job.", value=waited)
        workers = self._queue.workers()
        states = {state: sum(worker.state == state for worker in workers) for state in _WORKER_STATES}
        yield _gauge("workers", "Workers by state.", "state", states)
        deaths = {worker.name: worker.deaths_in_a_row for worker in workers}
        yield _gauge("worker_deaths_in_a_row", "Deaths since the last finished frame.", "worker", deaths)
        memory = self.cards.memory(workers) if self.cards is not None else {}
        used = {worker.name: memory[worker.pid][0] for worker in workers if worker.pid in memory}
        yield _gauge("gpu_mem_bytes", "Memory of its card that a worker uses.", "worker", used)
        roots = {root.id: root.path for root in self._paths.roots}
        online = {name: int(path.is_dir()) for name, path in roots.items()}
        yield _gauge("root_up", "Whether the folder is there.", "root", online)
        free = {name: shutil.disk_usage(path).free for name, path in roots.items() if online[name]}
        yield _gauge("disk_free_bytes", "Free bytes on the folder's disk.", "root", free)
        yield GaugeMetricFamily("dropkey_sse_clients", "Open event streams.", value=self._events.listeners)


def _gauge(name: str, words: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"dropkey_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
