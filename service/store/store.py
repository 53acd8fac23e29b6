"""Keeps jobs, frames, events, idempotency keys and disks. One process owns it; any of its threads may call."""

from __future__ import annotations

import base64
import binascii
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, Unpack

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from service.errors import BadInput, JobUnreadable, NotFound
from service.jobs import FrameResult, FrameState, Job, JobState, check_transition
from service.store import tables
from service.store.database import cannot_be_used, open_engine
from service.store.remembered import Remembered
from service.store.rows import (
    Event,
    JobChanges,
    JobKeys,
    JobPage,
    StoredReply,
    column_value,
    folded,
    frame_from,
    frame_row,
    job_from,
    job_row,
    keys_from,
    progress_of,
    words_of,
)

MAX_PAGE = 200
KEPT_EVENTS = 10_000
KEPT_KEYS = timedelta(days=7)
_LARGEST_NUMBER = 2**63 - 1  # that SQLite takes
PROGRESS = frozenset({"frames_per_second", "eta_seconds"})

Kind = TypeVar("Kind")

log = logging.getLogger(__name__)

_job = tables.job
_frame = tables.frame
_event = tables.event
_key = tables.idempotency_key
_listing = SimpleNamespace(
    **{name: sa.column(name, _job.c[name].type) for name in ("number", "state", "client", "words")}
)


def utc_now() -> datetime:
    """Return the time, aware of its zone."""
    return datetime.now(UTC)


class JobStore(Remembered):
    """The database behind methods; None as file keeps it in memory."""

    def __init__(self, database: Path | None = None, *, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = open_engine(database)
        self._lock = threading.Lock()
        self._now = now
        self._heard: list[Event] = []
        self.unreadable: dict[str, str] = {}
        """Jobs whose record could not be read, by id, and why."""
        self.listener: Callable[[Event], None] | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            with self._engine.connect() as connection:
                connection.rollback()
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            self._engine.dispose()

    # ---- jobs

    def add(self, job: Job, keys: JobKeys) -> Job:
        """Add a new job."""
        with self._transaction() as connection:
            connection.execute(sa.insert(_job), job_row(job, keys))
            self._tell(connection, job.id, "job", progress_of(job))
        return job

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        with self._transaction() as connection:
            return job_from(self._row(connection, job_id))

    def keys(self, job_id: str) -> JobKeys:
        """Return what the job is found by; raises NotFound."""
        with self._transaction() as connection:
            return keys_from(self._row(connection, job_id))

    def list(
        self,
        *,
        states: Collection[JobState] = (),
        client: str | None = None,
        search: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> JobPage:
        """Return jobs, newest first; ``cursor`` is the `next_cursor` of the page before, else BadInput.

        ``search`` is part of the shot's name, its plate as asked for, or the client, in any case of letters.
        """
        limit = min(max(limit, 1), MAX_PAGE)
        before = None if cursor is None else _read_cursor(cursor)
        query: sa.Select[Any] | sa.CompoundSelect[Any]
        if search:
            # No index finds parts of words: they are sought in a narrow one, as the table's rows are long.
            fits = _fits(_listing, client, before, sa.func.instr(_listing.words, folded(search)) > 0)
            if states:
                fits.append(_listing.state.in_(states))
            found = sa.select(_listing.number).select_from(sa.text("job INDEXED BY ix_job_listing")).where(*fits)
            found = found.order_by(_listing.number.desc()).limit(limit + 1)
            query = sa.select(_job).where(_job.c.number.in_(found)).order_by(_job.c.number.desc())
        else:
            # Each state has its jobs in order in an index; SQLite merges them, and reads no more than the page.
            one_state = [[_job.c.state == state] for state in dict.fromkeys(states)] or [[]]
            parts = [sa.select(_job).where(*_fits(_job.c, client, before, *state)) for state in one_state]
            query = parts[0] if len(parts) == 1 else sa.union_all(*parts)
            query = query.order_by(sa.desc("number")).limit(limit + 1)
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        page = rows[:limit]
        more = _write_cursor(page[-1]["number"]) if len(rows) > len(page) else None
        return JobPage(tuple(self._readable(page, job_from)), more)

    def update(self, job_id: str, **changes: Unpack[JobChanges]) -> Job:
        """Change a job and tell it; raises NotFound, and WrongState when its state forbids the new one."""
        with self._transaction() as connection:
            return self._update(connection, job_id, dict(changes))

    def remove(self, job_id: str) -> None:
        """Forget a job and its frames."""
        with self._transaction() as connection:
            connection.execute(sa.delete(_job).where(_job.c.id == job_id))
            self._tell(connection, job_id, "removed", {})

    def next_queued(self, exclude: Collection[str] = ()) -> Job | None:
        """Return the queued job that is next: highest priority, then oldest."""
        query = sa.select(_job).where(_job.c.state == JobState.QUEUED).order_by(_job.c.priority.desc(), _job.c.number)
        if exclude:
            query = query.where(_job.c.id.not_in(exclude))
        return self._first(query)

    def with_identity(self, identity: str, *, other_than: str | None = None) -> Job | None:
        """Return the newest job with that identity."""
        query = sa.select(_job).where(_job.c.identity == identity, _job.c.id.is_distinct_from(other_than))
        return self._first(query.order_by(_job.c.number.desc()))

    def with_shot(self, shot_key: str) -> Sequence[tuple[Job, JobKeys]]:
        """Return the jobs of one plate, newest first."""
        query = sa.select(_job).where(_job.c.shot_key == shot_key).order_by(_job.c.number.desc())
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return self._with_keys(rows)

    def at_place(self, place: Path) -> Sequence[tuple[Job, JobKeys]]:
        """Return the jobs whose versions lie in the folder ``place``, newest version first."""
        query = sa.select(_job).where(_job.c.place == str(place)).order_by(_job.c.version.desc(), _job.c.number.desc())
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return self._with_keys(rows)

    def newest_at(self, place: Path) -> Job | None:
        """Return the job with the newest version in the folder ``place``."""
        query = sa.select(_job).where(_job.c.place == str(place))
        return self._first(query.order_by(_job.c.version.desc(), _job.c.number.desc()))

    def in_state(self, state: JobState) -> Sequence[Job]:
        """Return all jobs in a state that few are in (running, needs_attention)."""
        query = sa.select(_job).where(_job.c.state == state).order_by(_job.c.number)
        with self._transaction() as connection:
            return list(self._readable(connection.execute(query).mappings(), job_from))

    def oldest(self, state: JobState) -> Job | None:
        """Return the job that came first of those in ``state``."""
        return self._first(sa.select(_job).where(_job.c.state == state).order_by(_job.c.number))

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs are in each state."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(_job.c.state, sa.func.count()).group_by(_job.c.state)).all()
        known = frozenset(JobState)
        return {JobState(state): number for state, number in rows if state in known}

    # ---- frames

    def frames(self, job_id: str) -> Sequence[FrameResult]:
        """Return what is known about a job's frames, by number."""
        query = sa.select(_frame).where(_frame.c.job_id == job_id).order_by(_frame.c.frame)
        with self._transaction() as connection:
            return list(self._readable(connection.execute(query).mappings(), frame_from))

    def record_frames(self, job_id: str, results: Sequence[FrameResult], **changes: Unpack[JobChanges]) -> Job:
        """Keep the results of frames, each frame once, and change the job along with them."""
        with self._transaction() as connection:
            if results:
                statement = insert(_frame)
                replaced = {
                    c.name: statement.excluded[c.name] for c in _frame.c if c.name not in ("job_id", "frame", "deaths")
                }
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["job_id", "frame"], set_=replaced),
                    [frame_row(job_id, result) for result in results],
                )
                for result in results:
                    self._tell(connection, job_id, "frame", {"frame": result.frame, "state": result.state})
            return self._update(connection, job_id, dict(changes) | self._count(connection, job_id))

    def forget_frames(self, job_id: str, *, only_failed: bool = False) -> Job:
        """Forget frames (and the deaths that they caused), so that they are keyed again."""
        query = sa.delete(_frame).where(_frame.c.job_id == job_id)
        if only_failed:
            query = query.where(_frame.c.state != FrameState.DONE)
        with self._transaction() as connection:
            connection.execute(query)
            return self._update(connection, job_id, self._count(connection, job_id))

    def count_deaths(self, job_id: str, frames: Collection[int]) -> dict[int, int]:
        """Note that a worker died while it had ``frames`` in hand; return how many each of them has seen."""
        with self._transaction() as connection:
            statement = insert(_frame).on_conflict_do_update(
                index_elements=["job_id", "frame"], set_={"deaths": _frame.c.deaths + 1}
            )
            for number in frames:
                waiting = FrameResult(frame=number, state=FrameState.WAITING)
                connection.execute(statement, frame_row(job_id, waiting) | {"deaths": 1})
            query = sa.select(_frame.c.frame, _frame.c.deaths).where(
                _frame.c.job_id == job_id, _frame.c.frame.in_(list(frames))
            )
            return {row.frame: row.deaths for row in connection.execute(query)}

    def suspects(self, job_id: str) -> Sequence[int]:
        """Return the frames that a worker died on and that are not finished."""
        query = sa.select(_frame.c.frame).where(
            _frame.c.job_id == job_id, _frame.c.deaths > 0, _frame.c.state == FrameState.WAITING
        )
        with self._transaction() as connection:
            return connection.execute(query).scalars().all()

    # ---- events, idempotency keys, disks

    def events_since(self, event_id: int, *, job_id: str | None = None, limit: int = 1000) -> Sequence[Event]:
        """Return what happened after the event ``event_id``, oldest first; only the last 10,000 are kept."""
        query = sa.select(_event).where(_event.c.id > event_id).order_by(_event.c.id).limit(limit)
        if job_id is not None:
            query = query.where(_event.c.job_id == job_id)
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return [Event(**row) for row in rows if tables.UNREADABLE not in row.values()]

    def last_event(self) -> int:
        """Return the number of the latest event, 0 when there was none."""
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_event.c.id))).scalar() or 0

    def first_event(self) -> int:
        """Return the number of the oldest event that is kept, 0 when there is none."""
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.min(_event.c.id))).scalar() or 0

    def reply_for(self, key: str) -> StoredReply | None:
        """Return what an idempotency key stands for."""
        with self._transaction() as connection:
            row = connection.execute(sa.select(_key).where(_key.c.key == key)).mappings().first()
        return None if row is None else StoredReply(row["fingerprint"], row["job_id"])

    def remember_key(self, key: str, fingerprint: str, job_id: str) -> None:
        """Let an idempotency key stand for a job, for a week."""
        with self._transaction() as connection:
            connection.execute(sa.delete(_key).where(_key.c.at < self._now() - KEPT_KEYS))
            row = {"key": key, "fingerprint": fingerprint, "job_id": job_id, "at": self._now()}
            connection.execute(insert(_key).on_conflict_do_nothing(), row)

    # ---- inside

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """Hold the database for one change; listeners hear of it after the commit."""
        with self._lock:
            self._heard.clear()
            try:
                with self._engine.begin() as connection:
                    yield connection
            except sa.exc.OperationalError as error:
                raise cannot_be_used(error) from error
            heard, self._heard = self._heard, []
            listener = self.listener
            # Told under the lock, so that everybody hears events in the order of their numbers.
            if listener:
                for event in heard:
                    listener(event)

    def _first(self, query: sa.Select[Any]) -> Job | None:
        """Return the first job that can be read; rows beyond it are not."""
        with self._transaction() as connection, connection.execute(query) as found:
            return next(self._readable(found.mappings(), job_from), None)

    def _readable(self, rows: Iterable[sa.RowMapping], read: Callable[[sa.RowMapping], Kind]) -> Iterator[Kind]:
        """Read rows; those that this version cannot are passed over, named in the log, and told by `unreadable`."""
        for row in rows:
            try:
                yield read(row)
            except JobUnreadable as error:
                job_id = row["id"] if "id" in row else row["job_id"]
                if job_id not in self.unreadable:
                    log.error("%s %s", error.message, error.fix)
                self.unreadable[job_id] = error.message

    def _with_keys(self, rows: Iterable[sa.RowMapping]) -> Sequence[tuple[Job, JobKeys]]:
        return list(self._readable(rows, lambda row: (job_from(row), keys_from(row))))

    def _row(self, connection: sa.Connection, job_id: str) -> sa.RowMapping:
        row = connection.execute(sa.select(_job).where(_job.c.id == job_id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no job {job_id}.", fix="GET /jobs lists them.")
        return row

    def _update(self, connection: sa.Connection, job_id: str, changes: dict[str, Any]) -> Job:
        before = self._row(connection, job_id)
        following = changes.get("state", before["state"])
        if following != before["state"]:
            check_transition(JobState(before["state"]), JobState(following))
        row = {name: column_value(value) for name, value in changes.items()}
        changed = {name for name in row if row[name] != column_value(before[name])}
        if not changed:
            return job_from(before)
        if changed & {"shot", "request"}:
            now = {**before, **row}
            row["words"] = words_of(now["shot"], now["request"])
        connection.execute(sa.update(_job).where(_job.c.id == job_id), row | {"updated_at": self._now()})
        job = job_from(self._row(connection, job_id))
        quiet = changed <= PROGRESS | {"frames_done", "frames_failed", "faults"}
        self._tell(connection, job_id, "progress" if quiet else "job", progress_of(job))
        return job

    def _count(self, connection: sa.Connection, job_id: str) -> dict[str, int]:
        query = sa.select(_frame.c.state, sa.func.count()).where(_frame.c.job_id == job_id).group_by(_frame.c.state)
        counts: dict[str, int] = {state: number for state, number in connection.execute(query)}  # noqa: C416  # rows are no pairs to mypy
        return {"frames_done": counts.get(FrameState.DONE, 0), "frames_failed": counts.get(FrameState.FAILED, 0)}

    def _tell(self, connection: sa.Connection, job_id: str, kind: str, data: dict[str, Any]) -> None:
        at = self._now()
        row = {"job_id": job_id, "kind": kind, "data": data, "at": at}
        number = connection.execute(sa.insert(_event).returning(_event.c.id), row).scalar_one()
        if number % 500 == 0:
            connection.execute(sa.delete(_event).where(_event.c.id <= number - KEPT_EVENTS))
        self._heard.append(Event(number, job_id, kind, data, at))


def _write_cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"j{number}".encode()).decode().rstrip("=")


def _fits(
    columns: Any, client: str | None, before: int | None, *more: sa.ColumnElement[bool]
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on a job of a list."""
    fits = list(more)
    if client is not None:
        fits.append(columns.client == client)
    if before is not None:
        fits.append(columns.number < before)
    return fits


def _read_cursor(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        number = int(text[1:])
        if not text.startswith("j") or not 0 <= number <= _LARGEST_NUMBER:
            raise ValueError(text)
        return number
    except (ValueError, binascii.Error, UnicodeError):
        raise BadInput(f"'{cursor[:80]}' is no cursor.", fix="Take next_cursor of the page before.") from None
