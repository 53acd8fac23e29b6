"""Opens the database file safely: local disk, checked, backed up before an upgrade, one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import psutil
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.errors import Misconfigured, Transient

NETWORK_FILE_SYSTEMS = frozenset({"cifs", "smb3", "smbfs", "nfs", "nfs4", "afpfs", "9p", "ncpfs", "fuse.sshfs"})
BUSY_TIMEOUT_MS = 10_000


def open_engine(database: Path | None) -> sa.Engine:
    """Return an engine on ``database`` (None: in memory) whose schema is this version's.

    Raises Misconfigured when the file lies on a network share, is damaged, or was made by a newer DropKey; Transient
    when the system does not let it be used: its disk is full, say.
    """
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        _refuse_network(database.parent)
    engine = sa.create_engine(
        "sqlite://" if database is None else sa.URL.create("sqlite", database=str(database)),
        # One connection for the whole process: the store's lock orders its users, and no reader lets a WAL grow.
        poolclass=sa.pool.StaticPool,
        connect_args={"check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _configure)
    # Python's sqlite3 opens transactions late and never around DDL; say it ourselves, and take the write lock at once.
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        _check(engine, database)
        _upgrade(engine, database)
    except sa.exc.OperationalError as error:
        engine.dispose()
        raise cannot_be_used(error) from error
    except sa.exc.DatabaseError as error:
        engine.dispose()
        raise _damaged(database, str(error.orig)) from error
    except Misconfigured:
        engine.dispose()
        raise
    return engine


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return WAL where it is safe: 3.7.0–3.51.2 can corrupt on a WAL reset, but for two patched lines.

    Source: https://sqlite.org/wal.html#walresetbug.
    """
    patched = (3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51)
    return "WAL" if patched or version >= (3, 51, 3) else "TRUNCATE"


class Mount(Protocol):
    """Where a file system is mounted, as psutil says it."""

    @property
    def mountpoint(self) -> str:
        """Folder, or drive."""

    @property
    def fstype(self) -> str:
        """Kind of file system."""

    @property
    def opts(self) -> str:
        """Options, separated by commas; on Windows also the kind of drive."""


def is_network_path(path: Path, mounts: Iterable[Mount] | None = None) -> bool:
    """Tell whether ``path`` lies on a share, as far as the system says."""
    text = str(path)
    if text.startswith(("\\\\", "//")):
        return True
    known: Iterable[Mount] = psutil.disk_partitions(all=True) if mounts is None else mounts
    holding = [mount for mount in known if path.is_relative_to(mount.mountpoint)]
    if not holding:
        return False
    mount = max(holding, key=lambda mount: len(mount.mountpoint))
    return mount.fstype.lower() in NETWORK_FILE_SYSTEMS or "remote" in mount.opts.split(",")


def _refuse_network(folder: Path) -> None:
    if is_network_path(folder.resolve()):
        raise Misconfigured(
            f"The home folder {folder} lies on a network share; SQLite cannot keep a database safe there.",
            fix="Set DROPKEY_HOME to a folder on a local disk. Drop and output folders may stay on the share.",
        )


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        f"journal_mode={journal_mode()}",
        "synchronous=FULL",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def cannot_be_used(error: sa.exc.OperationalError) -> Transient:
    """Say what the system did not let SQLite do; the database itself is sound."""
    return Transient(
        f"The job database cannot be used: {error.orig}.",
        fix="Make room on the disk of the home folder, and within its quota; see that it can be written.",
    )


def _damaged(database: Path | None, why: str) -> Misconfigured:
    return Misconfigured(
        f"The job database {database} cannot be used: {why}.",
        fix="Move it away, or put back a backup that lies beside it. Results on disk are not touched, and finished "
        "frames of a shot that is dropped again are kept.",
    )


def _check(engine: sa.Engine, database: Path | None) -> None:
    with engine.begin() as connection:
        answers = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    if answers != ["ok"]:
        raise _damaged(database, "; ".join(answers))


def _upgrade(engine: sa.Engine, database: Path | None) -> None:
    config = Config()
    # Alembic reads `%` in options as interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise Misconfigured(
            f"The job database {database} was made by a newer DropKey (schema {current}).",
            fix="Update DropKey, or move the database away to start with an empty queue.",
        )
    head = scripts.get_current_head()
    if current == head:
        return
    if current is not None and database is not None:
        _back_up(engine, database.with_name(f"{database.stem}.schema-{current}{database.suffix}"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _back_up(engine: sa.Engine, target: Path) -> None:
    """Write a complete copy of the database to ``target``, never a half one."""
    half = target.with_name(f".{target.name}.tmp")
    half.unlink(missing_ok=True)
    copy = sqlite3.connect(half)
    try:
        with engine.connect() as connection:
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]  # sqlite3's own connection
    finally:
        copy.close()
    half.replace(target)
