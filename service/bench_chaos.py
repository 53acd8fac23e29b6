"""Disturbs a real service by a seed, then compares what came out with a calm run: `dropkey bench --chaos MINUTES`.

Shots of tiny plates are dropped all the while. In the end no frame may be lost, doubled, stale or mixed, no temporary
file may be left and no process.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from service.api.schemas import JobSummary
from service.chaos_home import ChaosHome
from service.chaos_shots import FRAMES, Frames, Rewritten, calm_frames, frames_of, write_plates
from service.errors import DropKeyError
from service.fingerprints import file_fingerprint
from service.jobs import JobState
from service.manifest import read_manifest

_AT_ONCE = 3  # shots under way
_RECOVERY_SECONDS = 600.0  # all shots must be done so long after the last disturbance
_RETRY_SECONDS = 5.0
_HELD = {JobState.NEEDS_ATTENTION, JobState.FAILED}


class ChaosReport(BaseModel):
    """What was done to the service, and what came of it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    seed: int
    """Decides what is done when."""

    seconds: float
    """From the first disturbance to the last."""

    disturbances: dict[str, int]
    """How often each was done."""

    left_out: tuple[str, ...]
    """What could not be done on this machine, and why."""

    shots: int
    """Shots dropped."""

    frames: int
    """Frames that the newest versions hold."""

    versions: int
    """Versions that are done."""

    retried: int
    """Times a held job was retried, as a person would."""

    findings: tuple[str, ...]
    """What went wrong; empty when nothing did."""


def bench_chaos(minutes: float, *, seed: int = 1, folder: Path | None = None) -> ChaosReport:
    """Disturb a service in a folder of its own for so many minutes, and report."""
    with tempfile.TemporaryDirectory(prefix="dropkey-chaos-", dir=folder) as place, ChaosHome(Path(place)) as home:
        return _Chaos(home, seed).run(60.0 * minutes)


class _Chaos:
    """One run: a service, shots that are dropped all the while, and what is done to both."""

    def __init__(self, home: ChaosHome, seed: int) -> None:
        self._home = home
        self._seed = seed
        self._draw = random.Random(seed)
        self._done: Counter[str] = Counter()
        self._content: dict[str, int] = {}  # of each shot, as its plates are now
        self._written = -1  # frames when a worker last ended: on a slow machine one must get somewhere between two ends
        self._retried = 0
        self._retry_at = 0.0
        self._disturbances: dict[str, tuple[int, Callable[[], bool]]] = {
            "worker killed": (2, self._kill_worker),
            "worker stopped for a while": (4, self._stop_worker),
            "service killed": (1, self._kill_service),
            "service ended and started": (1, self._restart_service),
            "service stopped for a while": (4, self._stop_service),
            "plates rewritten": (3, self._rewrite),
        }
        if home.mounts:
            self._disturbances |= {
                "output disk full for a while": (2, lambda: self._fill(home.output)),
                "home disk full for a while": (2, lambda: self._fill(home.home)),
                "output away for a while": (3, lambda: self._unmount(home.output)),
                "drop folder away for a while": (3, lambda: self._unmount(home.drop)),
            }

    def run(self, seconds: float) -> ChaosReport:
        self._home.start_service()
        self._drop()
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            self._feed()
            names = sorted(self._disturbances)
            (name,) = self._draw.choices(names, [self._disturbances[name][0] for name in names])
            if self._disturbances[name][1]():
                self._done[name] += 1
            time.sleep(self._draw.uniform(0.0, 1.0))
        disturbed = time.monotonic() - began
        late = self._settle()
        jobs = self._home.jobs()
        self._home.end_service()
        findings = [*late, *self._compare(jobs), *self._home.left_behind()]
        return ChaosReport(
            seed=self._seed,
            seconds=round(disturbed, 1),
            disturbances=dict(sorted(self._done.items())),
            left_out=self._home.left_out,
            shots=len(self._content),
            frames=FRAMES * len(self._content),
            versions=sum(job.state is JobState.DONE for job in jobs),
            retried=self._retried,
            findings=tuple(findings),
        )

    # ---- shots

    def _feed(self) -> None:
        """Keep shots under way, whatever else happens."""
        with contextlib.suppress(DropKeyError, OSError):  # the service, or a disk, may be away at the moment
            jobs = self._home.jobs()
            if len(self._unfinished(jobs)) < _AT_ONCE:
                self._drop()
            self._retry(jobs)

    def _drop(self) -> None:
        name = f"shot{''.join(chr(97 + int(digit)) for digit in str(len(self._content)))}"
        write_plates(self._home.drop_store / name, name, 0)
        self._content[name] = 0
        (self._home.drop_store / name / f"{name}.ready").touch()

    def _unfinished(self, jobs: list[JobSummary]) -> list[str]:
        newest = _newest(jobs)
        return [name for name in self._content if name not in newest or newest[name].state is not JobState.DONE]

    def _retry(self, jobs: list[JobSummary]) -> None:
        """Retry what waits for a person; a job that finds no room goes on by itself."""
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        for job in _newest(jobs).values():
            if job.state in _HELD and not (job.problem and job.problem.kind == "output_full"):
                self._home.retry(job)
                self._retried += 1

    def _settle(self) -> list[str]:
        """Wait until every shot is done with the plates that it has now; return what does not come."""
        end = time.monotonic() + _RECOVERY_SECONDS
        while time.monotonic() < end:
            time.sleep(1.0)
            with contextlib.suppress(DropKeyError):
                jobs = self._home.jobs()
                if not self._unfinished(jobs) and not self._stale(jobs):
                    return []
                self._retry(jobs)
        jobs = self._home.jobs()
        states = {name: job.state.value for name, job in _newest(jobs).items()}
        return [f"lost: {name} is {states.get(name, 'unknown')}" for name in self._unfinished(jobs)]

    def _stale(self, jobs: list[JobSummary]) -> bool:
        """Tell whether a newest version was made of other plates than lie there now."""
        for name, job in _newest(jobs).items():
            for result in read_manifest(Path(job.output) / "manifest.json").frames:
                plate = self._home.drop_store / name / f"{name}.{result.frame:04d}.png"
                if result.plate_fingerprint != file_fingerprint(plate):
                    return True
        return False

    # ---- disturbances; each tells whether it was done

    def _may_end_worker(self) -> bool:
        written = sum(1 for _ in self._home.output.rglob("*.exr"))
        moved, self._written = written != self._written, written
        return moved

    def _kill_worker(self) -> bool:
        worker = self._home.worker()
        if worker is None or not self._may_end_worker():
            return False
        with contextlib.suppress(psutil.Error):
            worker.kill()
        return True

    def _stop_worker(self) -> bool:
        return self._stop_for_a_while(self._home.worker())

    def _stop_service(self) -> bool:
        return self._stop_for_a_while(self._home.process())

    def _stop_for_a_while(self, process: psutil.Process | None) -> bool:
        try:
            if process is None:
                return False
            process.suspend()
            time.sleep(self._draw.uniform(0.1, 1.5))
            process.resume()
        except psutil.Error:
            return False
        return True

    def _kill_service(self) -> bool:
        if not self._may_end_worker():
            return False
        self._home.kill_service()
        self._home.start_service()
        return True

    def _restart_service(self) -> bool:
        if not self._may_end_worker():
            return False
        self._home.end_service()
        self._home.start_service()
        return True

    def _fill(self, place: Path) -> bool:
        with self._home.filled(place):
            time.sleep(self._draw.uniform(0.1, 1.5))
        return True

    def _unmount(self, place: Path) -> bool:
        with self._home.away(place):
            time.sleep(self._draw.uniform(0.1, 2.0))
        return True

    def _rewrite(self) -> bool:
        """Write one of the latest shots anew, while it is keyed or after."""
        name = self._draw.choice(list(self._content)[-_AT_ONCE:])
        self._content[name] += 1
        write_plates(self._home.drop_store / name, name, self._content[name], pause=self._draw.choice((0.0, 0.02, 0.1)))
        return True

    # ---- the verdict

    def _compare(self, jobs: list[JobSummary]) -> list[str]:
        calm = self._calm()
        newest, found = _newest(jobs), list[str]()
        for name, content in self._content.items():
            made: Counter[int] = Counter()
            for job in (job for job in jobs if job.shot == name and job.state is JobState.DONE):
                which = f"{name} v{job.version:03d}"
                numbers = [result.frame for result in read_manifest(Path(job.output) / "manifest.json").frames]
                fits = plates_of(numbers, frames_of(Path(job.output), name), calm[name])
                if isinstance(fits, str):
                    found.append(f"{which}: {fits}")
                    continue
                made[fits] += 1
                if name in newest and job.id == newest[name].id and fits != content:
                    found.append(f"{which} is stale: made of the plates {fits}, they are {content} now")
            found += [f"{name} was keyed {times} times from the same plates" for times in made.values() if times > 1]
        return found

    def _calm(self) -> dict[str, dict[int, Frames]]:
        wanted = [Rewritten(name, content) for name, last in self._content.items() for content in range(last + 1)]
        return calm_frames(self._home.place / "calm", wanted)


def plates_of(numbers: list[int], frames: Frames, calm: Mapping[int, Frames]) -> int | str:
    """Return which plates of ``calm`` a version was made of, or what is wrong with it.

    ``numbers`` are the frames of its manifest, ``frames`` those that lie there.
    """
    whole = list(range(1, FRAMES + 1))
    if numbers != whole or sorted(frames) != whole:
        return f"lost or doubled: its manifest has the frames {numbers}, its folders have {sorted(frames)}"
    for content, expected in calm.items():
        if frames == expected:
            return content
    alike = {number: [c for c, expected in calm.items() if expected[number] == frames[number]] for number in whole}
    return f"mixed or wrong: its frames are those of the plates {alike}"


def _newest(jobs: list[JobSummary]) -> dict[str, JobSummary]:
    """Return the newest job of each shot."""
    found: dict[str, JobSummary] = {}
    for job in sorted(jobs, key=lambda job: job.version):
        found[job.shot] = job
    return found


def text_of(report: ChaosReport) -> str:
    """Lay the report out for a terminal."""
    total = sum(report.disturbances.values())
    lines = [f"{total} disturbances in {report.seconds:.0f} s, seed {report.seed}:"]
    lines += [f"  {count:5d}  {name}" for name, count in report.disturbances.items()]
    lines += [f"  left out: {reason}" for reason in report.left_out]
    lines.append(
        f"{report.shots} shots, {report.frames} frames, {report.versions} versions done; "
        f"held jobs were retried {report.retried} times."
    )
    lines += report.findings or [
        "Every frame is there once, as in a calm run; no temporary file and no process is left."
    ]
    return "\n".join(lines)
