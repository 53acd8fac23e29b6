"""The job queue: what anybody may ask of it, and the one dispatcher that runs jobs."""

from service.queue.queue import JobQueue

__all__ = ["JobQueue"]
