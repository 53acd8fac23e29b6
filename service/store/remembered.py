"""What is remembered beside jobs: disks that were used, and shots whose results somebody took off the list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from service.store import tables

_mount = tables.output_mount
_dismissed = tables.dismissed


class Remembered(ABC):
    """The part of the store that knows no jobs."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[sa.Connection]: ...

    def mounts(self) -> Sequence[Path]:
        """Return the mount points of all disks that plates were read from or results written to."""
        with self._transaction() as connection:
            return [Path(path) for path in connection.execute(sa.select(_mount.c.path)).scalars()]

    def remember_mount(self, mount: Path) -> None:
        """Keep the mount point of a disk that is used, for good."""
        with self._transaction() as connection:
            connection.execute(insert(_mount).on_conflict_do_nothing(), {"path": str(mount)})

    def dismiss(self, identities: Iterable[str]) -> None:
        """Remember that these shots, as they are, need not be keyed again by themselves."""
        with self._transaction() as connection:
            for identity in identities:
                connection.execute(insert(_dismissed).on_conflict_do_nothing(), {"identity": identity})

    def is_dismissed(self, identity: str) -> bool:
        """Tell whether somebody took this very shot off the list."""
        query = sa.select(_dismissed.c.identity).where(_dismissed.c.identity == identity)
        with self._transaction() as connection:
            return connection.execute(query).first() is not None
