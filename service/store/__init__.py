"""The only SQL of the service: jobs, their frames, events and idempotency keys, in one SQLite file with one owner."""

from service.store.rows import Event, JobKeys, JobPage, StoredReply
from service.store.store import JobStore

__all__ = ["Event", "JobKeys", "JobPage", "JobStore", "StoredReply"]
