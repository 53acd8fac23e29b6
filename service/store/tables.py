"""The tables as they are now; how they came to be is in `migrations`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

UNREADABLE = object()
"""Stands for a value of the database that is not what its column holds; no model takes it."""


class Json(sa.types.TypeDecorator[Any]):
    """JSON of which one damaged text spoils its own row only, not the whole answer."""

    impl = sa.JSON
    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any]:
        """Read a text; what is none becomes UNREADABLE."""
        read = super().result_processor(dialect, coltype)
        assert read is not None

        def read_safely(value: Any) -> Any:
            try:
                return read(value)
            except (ValueError, RecursionError):
                return UNREADABLE

        return read_safely


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, kept as text of fixed width so that SQLite compares it as time."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Write ISO 8601 with microseconds, always."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Read it back, aware of its zone."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (ValueError, TypeError):
            return UNREADABLE  # type: ignore[return-value]  # no model takes it


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),  # order of arrival
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("identity", sa.String(64), nullable=False),
    sa.Column("shot_key", sa.String, nullable=False),  # where the plate lies: the same shot, whatever its content
    sa.Column("recipe", sa.String(64), nullable=False),  # hash of everything but plate and frames
    sa.Column("content", sa.String(64), nullable=False, server_default=""),  # hash of the plates alone
    sa.Column("place", sa.String, nullable=False),  # folder that holds the versions of the shot
    sa.Column("settled", sa.Boolean, nullable=False),  # whether all files of the plate have arrived
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("client", sa.String(200)),
    sa.Column("words", sa.String, nullable=False, server_default=""),  # what a search looks at
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("output", sa.String, nullable=False),
    sa.Column("reuse", sa.String),
    sa.Column("request", Json, nullable=False),
    sa.Column("shot", Json, nullable=False),
    sa.Column("mattes", Json, nullable=False),
    sa.Column("frames", Json, nullable=False),
    sa.Column("frames_done", sa.Integer, nullable=False),
    sa.Column("frames_failed", sa.Integer, nullable=False),
    sa.Column("frames_per_second", sa.Float),
    sa.Column("eta_seconds", sa.Float),
    sa.Column("screen", Json(none_as_null=True)),
    sa.Column("problem", Json(none_as_null=True)),
    sa.Column("warnings", Json, nullable=False, server_default="[]"),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("faults", sa.Integer, nullable=False),  # transient faults since the last finished frame
    sa.Column("manifest", sa.String),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Index(None, "state", "number"),
    sa.Index(None, "client", "number"),
    sa.Index(None, "client", "state", "number"),
    sa.Index(None, "identity", "number"),
    sa.Index(None, "shot_key", "number"),
    sa.Index(None, "place", "version"),
    sqlite_autoincrement=True,
)

# A search, or one for several states, reads this from its newest end and no job that does not fit.
sa.Index("ix_job_listing", job.c.number, job.c.state, job.c.client, job.c.words)
sa.Index("ix_job_queue", job.c.state, job.c.priority.desc(), job.c.number)  # the next one is its first entry

frame = sa.Table(
    "frame",
    metadata,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("frame", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),  # workers that died while keying it
    sa.Column("result", Json, nullable=False),  # the whole FrameResult
    sqlite_with_rowid=False,
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index(None, "job_id", "id"),
    sqlite_autoincrement=True,
)

output_mount = sa.Table(
    "output_mount",
    metadata,
    sa.Column("path", sa.String, primary_key=True),  # of a disk that plates or results lay on, while it was mounted
)

dismissed = sa.Table(
    "dismissed",
    metadata,
    sa.Column("identity", sa.String, primary_key=True),  # of a job that was taken off the list
)

idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),  # hash of the request body
    sa.Column("job_id", sa.String(32), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)
