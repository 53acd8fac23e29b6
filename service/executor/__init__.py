"""Gets shots keyed: the port that the queue knows, and its two adapters: processes here, and a farm."""

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
