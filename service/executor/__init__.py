"""Gets shots keyed: the port that the queue knows, the adapter with worker processes on this machine, and the farm's."""

from service.executor.local import LocalExecutor
from service.executor.poison import POISON, poisonous
from service.executor.port import (
    CapacityChanged,
    Executor,
    ExecutorEvent,
    RestartReason,
    ShotLost,
    WorkerMemory,
    WorkerState,
    WorkerStatus,
)

__all__ = [
    "POISON",
    "CapacityChanged",
    "Executor",
    "ExecutorEvent",
    "LocalExecutor",
    "RestartReason",
    "ShotLost",
    "WorkerMemory",
    "WorkerState",
    "WorkerStatus",
    "poisonous",
]
