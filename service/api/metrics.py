"""Figures for Prometheus, without a label per shot: a number of series that does not grow with the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.api.roots import Roots
from service.drop_folder import DropFolders
from service.executor import RestartReason, WorkerState, WorkerStatus
from service.executor.memory import Cards
from service.jobs import JobState
from service.messages import FrameFinished
from service.paths import Paths
from service.queue import JobQueue
from service.store import JobStore

if TYPE_CHECKING:
    from service.api.events import Events

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counts what passes, and asks the rest when somebody looks."""

    def __init__(
        self,
        queue: JobQueue,
        store: JobStore,
        paths: Paths,
        events: Events,
        roots: Roots,
        folders: DropFolders | None = None,
    ) -> None:
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
        self._scans = Histogram(
            "dropkey_watch_scan_seconds",
            "Seconds that a look at a drop folder took.",
            ["root"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._names = {root.path: root.id for root in paths.roots}
        self._now = _Now(queue, store, self._names, events, roots, folders)
        self._registry.register(self._now)
        queue.watch_frames(self._count)
        if folders is not None:
            folders.watch_scans(self._scanned)

    def text(self, cards: Cards) -> bytes:
        """Return all figures in Prometheus' text format."""
        self._now.cards = cards
        return generate_latest(self._registry)

    def _count(self, finished: FrameFinished) -> None:
        self._frames.labels(str(finished.result.state)).inc()
        for stage in ("read", "key", "write"):
            self._seconds.labels(stage).observe(getattr(finished, f"{stage}_seconds"))

    def _scanned(self, root: Path, seconds: float) -> None:
        self._scans.labels(self._names[root]).observe(seconds)


class _Now(Collector):
    """What is read off at the moment of asking."""

    def __init__(
        self,
        queue: JobQueue,
        store: JobStore,
        names: Mapping[Path, str],
        events: Events,
        roots: Roots,
        folders: DropFolders | None,
    ) -> None:
        self._queue = queue
        self._store = store
        self._names = names
        self._events = events
        self._roots = roots
        self._folders = folders
        self.cards: Cards | None = None

    def describe(self) -> Iterator[Metric]:
        """Tell nothing before somebody asks: the queue may not have started."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield all gauges, and what others count."""
        yield from self._of_jobs()
        yield from self._of_workers(self._queue.workers())
        yield from self._of_roots()
        yield GaugeMetricFamily("dropkey_sse_clients", "Open event streams.", value=self._events.listeners)

    def _of_jobs(self) -> Iterator[Metric]:
        counts = self._store.counts()
        yield _gauge("jobs", "Jobs by state.", "state", {str(state): counts.get(state, 0) for state in JobState})
        oldest = self._store.oldest(JobState.QUEUED)
        waited = 0.0 if oldest is None else (datetime.now(UTC) - oldest.created_at).total_seconds()
        yield GaugeMetricFamily("dropkey_queue_oldest_seconds", "Age of the oldest queued job.", value=waited)

    def _of_workers(self, workers: Sequence[WorkerStatus]) -> Iterator[Metric]:
        states = {state: sum(worker.state == state for worker in workers) for state in get_args(WorkerState)}
        yield _gauge("workers", "Workers by state.", "state", states)
        deaths = {worker.name: worker.deaths_in_a_row for worker in workers}
        yield _gauge("worker_deaths_in_a_row", "Deaths since the last finished frame.", "worker", deaths)
        restarts = CounterMetricFamily(
            "dropkey_worker_restarts", "Workers started again, by why the one before ended.", labels=["reason"]
        )
        for reason in get_args(RestartReason):
            restarts.add_metric([reason], sum(worker.restarts.get(reason, 0) for worker in workers))
        yield restarts
        known = self.cards.measured(workers) if self.cards is not None else workers
        used = {w.name: w.memory.gpu_used_bytes for w in known if w.memory is not None and w.memory.gpu_used_bytes}
        yield _gauge("gpu_mem_bytes", "Memory of its card that a worker uses.", "worker", used)

    def _of_roots(self) -> Iterator[Metric]:
        health = self._roots.health()
        online = {name: int(root.online) for name, root in health.items()}
        yield _gauge("root_up", "Whether the folder is there.", "root", online)
        free = {name: root.free_bytes for name, root in health.items() if root.free_bytes is not None}
        yield _gauge("disk_free_bytes", "Free bytes on the folder's disk.", "root", free)
        if self._folders is not None:
            known = {self._names[path]: lag for path, lag in self._folders.lags().items()}
            yield _gauge("watch_lag_seconds", "Age of what is known of a drop folder.", "root", known)


def _gauge(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"dropkey_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
