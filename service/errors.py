"""Everything that can go wrong, as one tree; each error says what failed, on which shot and frame, and the fix.

DropKeyError
├── BadInput            the plate, sidecar or request is wrong; trying again will not help      exit 10
│   ├── PlateUnreadable     a file cannot be decoded (truncated, unknown codec, hostile size)
│   ├── PlateMismatch       a frame differs from its shot in size
│   ├── PlateMissing        a frame or the whole shot is not there
│   │   └── ShotGone            a shot went away before all of it had arrived
│   ├── PlateChanged        a plate or matte was changed while its shot was keyed
│   └── NoScreen            nothing in the shot looks like a screen
├── PathRefused         the caller may not name that path                                        exit 10
├── Transient           worth trying again                                                       exit 11
│   ├── OutputFull          the output disk has no room
│   ├── OutputReadOnly      the output folder cannot be written
│   ├── OutputAway          the disk of the output folder is not there
│   ├── PlateAway           the disk of the plate or of a matte is not there
│   ├── WorkerLost          the worker died or hung
│   └── FarmAway            the farm's scheduler cannot be reached
├── OutOfMemory         the card or the machine has too little memory                            exit 12
├── Cancelled           somebody asked to stop                                                   exit 130
├── WrongState          the job's state does not allow that                                      exit 1
├── NotFound            no such job, shot or folder                                              exit 1
│   └── JobUnreadable       the job's record is damaged, or of another version
└── Misconfigured       settings, home folder or installation                                    exit 2
"""

from __future__ import annotations

from typing import ClassVar


class DropKeyError(Exception):
    """Base of all errors; ``str()`` reads: shot, frame, what failed, what to do."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str = "", shot: str | None = None, frame: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.shot = shot
        self.frame = frame

    def __str__(self) -> str:
        where = " ".join(
            part for part in (self.shot, f"frame {self.frame}" if self.frame is not None else None) if part
        )
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.fix}".rstrip()

    def located(self, *, shot: str | None = None, frame: int | None = None) -> DropKeyError:
        """Add where it happened, unless it is known already; returns itself."""
        self.shot = self.shot or shot
        self.frame = frame if self.frame is None else self.frame
        return self


class BadInput(DropKeyError):
    """The plate, sidecar or request is wrong; trying again will not help."""

    kind = "bad_input"
    exit_code = 10


class PlateUnreadable(BadInput):
    """A file cannot be decoded."""

    kind = "plate_unreadable"


class PlateMismatch(BadInput):
    """A frame differs from its shot in size."""

    kind = "plate_mismatch"


class PlateMissing(BadInput):
    """A frame or the whole shot is not there."""

    kind = "plate_missing"


class ShotGone(PlateMissing):
    """A shot went away before all of it had arrived."""

    kind = "shot_gone"


class PlateChanged(BadInput):
    """A plate or matte was changed while its shot was keyed."""

    kind = "plate_changed"


class NoScreen(BadInput):
    """Nothing in the shot looks like a screen."""

    kind = "no_screen"


class PathRefused(DropKeyError):
    """The caller may not name that path."""

    kind = "path_refused"
    exit_code = 10


class Transient(DropKeyError):
    """Worth trying again."""

    kind = "transient"
    exit_code = 11


class OutputFull(Transient):
    """The output disk has no room."""

    kind = "output_full"


class OutputReadOnly(Transient):
    """The output folder cannot be written."""

    kind = "output_read_only"


class OutputAway(Transient):
    """The disk of the output folder is not there."""

    kind = "output_away"


class PlateAway(Transient):
    """The disk of the plate or of a matte is not there."""

    kind = "plate_away"


class WorkerLost(Transient):
    """The worker died or hung."""

    kind = "worker_lost"


class FarmAway(Transient):
    """The farm's scheduler cannot be reached, or no worker that it has can be used."""

    kind = "farm_away"


class OutOfMemory(DropKeyError):
    """The card or the machine has too little memory."""

    kind = "out_of_memory"
    exit_code = 12


class Cancelled(DropKeyError):
    """Somebody asked to stop."""

    kind = "cancelled"
    exit_code = 130


class WrongState(DropKeyError):
    """The job's state does not allow that."""

    kind = "wrong_state"


class NotFound(DropKeyError):
    """No such job, shot or folder."""

    kind = "not_found"


class JobUnreadable(NotFound):
    """The record of a job is damaged, or was written by another version of DropKey."""

    kind = "job_unreadable"


class Misconfigured(DropKeyError):
    """Settings, home folder or installation are wrong."""

    kind = "misconfigured"
    exit_code = 2
