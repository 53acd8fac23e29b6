"""Gets shots keyed: the port that the queue knows, and the adapter with worker processes on this machine."""

from service.executor.local import LocalExecutor
from service.executor.port import CapacityChanged, Executor, ExecutorEvent, RestartReason, ShotLost, WorkerStatus

__all__ = ["CapacityChanged", "Executor", "ExecutorEvent", "LocalExecutor", "RestartReason", "ShotLost", "WorkerStatus"]
