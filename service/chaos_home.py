"""The place of `dropkey bench --chaos`: a real service with small disks of its own that may fill up and go away."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import psutil

from service.api.schemas import JobSummary
from service.client import Client
from service.discovery import read_discovery
from service.errors import DropKeyError, Transient
from service.settings import Settings

_START_SECONDS = 180.0
_END_SECONDS = 60.0
_DISK_MIB = 256
_CHOICES = {
    "DROPKEY_SETTLE_STABLE_SECONDS": "0.2",
    "DROPKEY_SETTLE_QUIET_SECONDS": "1.0",
    "DROPKEY_SCAN_SECONDS": "0.2",
    "DROPKEY_IDLE_SCAN_SECONDS": "1.0",
    "DROPKEY_RESTART_DELAY_SECONDS": "0.1",
    "DROPKEY_MINIMUM_FREE_GIB": "0",
    "DROPKEY_KEY_DEFAULTS": '{"keyer": "difference"}',
    "DROPKEY_DEVICE": "cpu",
    "DROPKEY_PORT": "0",
}
_CLOCK = "clock jumps: the clock cannot be set for one program alone; tests/service/test_wall_clock.py does them"


class ChaosHome:
    """Home, drop folder and output of one service. Used as a context: nothing of it runs or is mounted afterwards."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home, self.drop, self.output = place / "home", place / "drop", place / "output"
        self.drop_store = self.drop
        self.mounts = False
        self.left_out: tuple[str, ...] = (_CLOCK,)
        self._disks: dict[Path, Path] = {}  # where each folder really lies
        self._service: subprocess.Popen[bytes] | None = None
        self._log = (place / "service.log").open("ab")

    def __enter__(self) -> ChaosHome:
        for folder in (self.home, self.drop, self.output):
            folder.mkdir()
        try:
            for folder in (self.home, self.drop, self.output):
                self._give_disk(folder)
            self.mounts, self.drop_store = True, self._disks[self.drop]
        except (OSError, subprocess.SubprocessError):
            self._unmount_all()
            self.left_out += ("full disks and lost mounts: this user may not mount disks of its own",)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._service is not None:
            self.kill_service()
        self._unmount_all()
        self._log.close()

    # ---- disks

    def _give_disk(self, folder: Path) -> None:
        disk = self.place / f"{folder.name}-disk"
        disk.mkdir()
        _mount("-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "none", str(disk))
        self._disks[folder] = disk
        _mount("--bind", str(disk), str(folder))

    def _unmount_all(self) -> None:
        for folder, disk in self._disks.items():
            for place in (folder, disk):
                subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)
        self._disks.clear()

    @contextlib.contextmanager
    def filled(self, folder: Path) -> Iterator[None]:
        """Leave no room on the disk of ``folder`` meanwhile."""
        ballast = self._disks[folder] / ".ballast"
        try:
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                for size in (2**20, 2**12):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(size)):
                            pass
            yield
        finally:
            ballast.unlink(missing_ok=True)

    @contextlib.contextmanager
    def away(self, folder: Path) -> Iterator[None]:
        """Take the disk of ``folder`` away meanwhile; its empty mount point stays."""
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=True)
        try:
            yield
        finally:
            _mount("--bind", str(self._disks[folder]), str(folder))

    # ---- the service

    def start_service(self) -> None:
        """Start it and wait until it answers."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DROPKEY_")}
        ours = {"DROPKEY_HOME": str(self.home), "DROPKEY_DROP_FOLDERS": f'["{self.drop}"]'}
        self._service = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", "--no-open"],
            env=inherited | _CHOICES | ours | {"DROPKEY_OUTPUT_ROOT": str(self.output)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._service.poll() is None:
            found = read_discovery(Settings(home=self.home))
            if found is not None and found.pid == self._service.pid:
                return
            time.sleep(0.05)
        words = (self.place / "service.log").read_text(encoding="utf-8", errors="replace")[-1000:]
        raise Transient(f"The service does not start: {words}", fix="See whether `dropkey serve` does.")

    def end_service(self) -> None:
        """Ask it to end; kill it when it does not."""
        assert self._service is not None
        self._service.terminate()
        try:
            self._service.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise DropKeyError("The service did not end when it was asked to.", fix="Please report it.") from None

    def kill_service(self) -> None:
        """Kill it, as a crash would end it."""
        assert self._service is not None
        self._service.kill()
        self._service.wait()

    def process(self) -> psutil.Process | None:
        """Return its process."""
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._service.pid) if self._service is not None else None
        return None

    def worker(self) -> psutil.Process | None:
        """Return the process of its worker, if one runs now."""
        with contextlib.suppress(psutil.Error):
            process = self.process()
            for child in process.children() if process is not None else ():
                if "service.worker" in child.cmdline():
                    return child
        return None

    def jobs(self) -> list[JobSummary]:
        """Ask it for all jobs. Raises DropKeyError while it does not answer."""
        with Client.of_running(Settings(home=self.home)) as client:
            return list(client.jobs())

    def retry(self, job: JobSummary) -> None:
        """Retry a job, as a person would."""
        with contextlib.suppress(DropKeyError), Client.of_running(Settings(home=self.home)) as client:
            client.act(job.id, "retry")

    def left_behind(self) -> list[str]:
        """Return what is left of a service that has ended: half files, processes."""
        folders = (self.home, self.drop, self.output)
        found = [f"temporary file: {file}" for folder in folders for file in folder.rglob("*.tmp")]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("DROPKEY_HOME") == str(self.home):
                    found.append(f"process {process.pid} still runs: {' '.join(process.cmdline())}")
        return found


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], capture_output=True, check=True)
