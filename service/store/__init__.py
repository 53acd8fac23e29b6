"""The only SQL of the service: jobs, their frames, events and idempotency keys, in one SQLite file with one owner."""

from service.store.rows import Event, JobChanges, JobKeys, JobPage, StoredReply
from service.store.store import JobStore

__all__ = ["Event", "JobChanges", "JobKeys", "JobPage", "JobStore", "StoredReply"]
