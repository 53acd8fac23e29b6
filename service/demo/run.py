"""The whole road on one machine: paints a shot, drops it frame by frame, waits for the service, measures the result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from service.client import Client
from service.demo import pictures
from service.demo.shot import FRAMES, HEIGHT, WIDTH, DemoFrame, paint_frame
from service.discovery import read_discovery
from service.errors import BadInput, DropKeyError, Transient
from service.manifest import Manifest, ManifestState
from service.private import read_token
from service.settings import Settings, load_settings

SHOT = "demo"
FIRST_FRAME = 1001
MARK = ".dropkey-demo"  # says that a folder was made here and may be cleared
START_SECONDS = 60.0
KEY_SECONDS = 600.0
SHEET_FRAMES = (3, 9, 15, 21)
FINAL = {"done", "failed", "cancelled", "needs_attention"}


@dataclass(frozen=True)
class Errors:
    """Distance of the keyed alpha from the truth, 0–1."""

    whole: float
    """Mean absolute difference over all pixels."""

    edge: float
    """The same in the edge band: partial alpha and its 5 × 5 neighbourhood."""


def run_demo(output: Path, frames: int = FRAMES) -> int:
    """Run the demo in the folder ``output``; returns the exit code.

    Raises BadInput when the folder holds something else, Transient when service or key do not come to an end.
    """
    console = Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    prepare(output)
    with running_service(output) as service:
        console.print(f"Service: {service.url} (home {output / 'home'})")
        folder = output / "drop" / SHOT
        with console.status("Painting the shot into the drop folder …"):
            painted = write_shot(folder, frames)
        console.print(f"Plate: {folder / SHOT}.####.png, {WIDTH}×{HEIGHT}, 16 bits, {frames} frames")
        with console.status("Waiting for the worker …") as status:
            job = service.wait(lambda job: status.update(f"{job['state']}: {job['frames_done']} of {frames} frames"))
    manifest_path = Path(job["manifest"])
    manifest = Manifest.model_validate_json(manifest_path.read_text(encoding="utf-8"))
    if manifest.state is not ManifestState.DONE:
        raise DropKeyError(f"The demo's shot is {manifest.state}.", fix=f"See {manifest_path}.", shot=SHOT)
    errors = measure(manifest_path, manifest, painted)
    sheet = make_sheet(manifest_path, manifest, painted, output / "contact_sheet.png")
    for entry in manifest.passes:
        console.print(f"{entry.name.capitalize()}: {manifest_path.parent / entry.folder / entry.pattern}")
    console.print(f"Manifest: {manifest_path}")
    console.print(f"Alpha error: {errors.whole:.5f} (edge {errors.edge:.4f}) against the true alpha")
    console.print(f"Speed: {speed(job):.2f} frames per second on {manifest.keyer.device}")
    console.print(f"Look at: {sheet}")
    console.print(f"Took {time.monotonic() - started:.0f} s.")
    return 0


def prepare(output: Path) -> None:
    """Make an empty folder; what an earlier demo left in it goes, what somebody else put there stops us."""
    if output.exists() and any(output.iterdir()):
        if not (output / MARK).exists():
            raise BadInput(f"{output} is not empty.", fix="Name another folder with --output.")
        shutil.rmtree(output)
    for name in ("home", "drop", "output"):
        (output / name).mkdir(parents=True, exist_ok=True)
    (output / MARK).touch()


# ---- the shot


def write_shot(folder: Path, frames: int = FRAMES) -> dict[int, DemoFrame]:
    """Write the frames one by one under their final names, as After Effects does, then say that they are complete.

    Returns what was painted, by frame number.
    """
    folder.mkdir(parents=True)
    painted = {}
    for index in range(frames):
        frame = paint_frame(index, frames)
        encoded = pictures.srgb_from_linear(frame.plate)
        pictures.write_png(folder / f"{SHOT}.{FIRST_FRAME + index}.png", encoded, bits=16)
        painted[FIRST_FRAME + index] = frame
    (folder / f"{SHOT}.ready").touch()
    return painted


# ---- the service


class RunningService:
    """A service of our own, spoken to as the panel does: by the discovery file and HTTP."""

    def __init__(self, url: str, token: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url = url
        self._process = process
        self._log = log
        self._client = Client(url, token)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def wait(self, tell: Callable[[dict[str, Any]], None] = lambda _job: None) -> dict[str, Any]:
        """Return the shot's job once it has ended; ``tell`` is called with it meanwhile."""
        deadline = time.monotonic() + KEY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Transient("The demo's service ended by itself.", fix=f"Its words are in {self._log}.")
            newest = next(self._client.jobs(), None)
            if newest is not None:
                job = self._client.job(newest.id).model_dump(mode="json")
                if job["state"] in FINAL:
                    return self._checked(job)
                tell(job)
            time.sleep(0.25)
        raise Transient("The demo's shot was not keyed in time.", fix=f"Look into {self._log}.")

    def _checked(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["state"] != "done":
            problem = job["problem"] or {"message": f"The job is {job['state']}.", "fix": ""}
            raise DropKeyError(problem["message"], fix=f"{problem['fix']} Logs: {self._log.parent}", shot=SHOT)
        return job


@contextmanager
def running_service(output: Path, device: str = "auto") -> Iterator[RunningService]:
    """Start `dropkey serve` as a process with home, drop and output folder in ``output``; end it afterwards."""
    home = output / "home"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DROPKEY_")}
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--stop-with-stdin"]
    command += ["--drop", str(output / "drop"), "--output", str(output / "output"), "--device", device]
    log = home / "demo-service.log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, env={**inherited, "DROPKEY_HOME": str(home)}, stdin=subprocess.PIPE, stdout=words, stderr=words
        )
        try:
            url, token = _address(process, load_settings(home=home), log)
            with closing(RunningService(url, token, process, log)) as service:
                yield service
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], settings: Settings, log: Path) -> tuple[str, str]:
    """Wait until the service has said where it listens; return URL and token."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = read_discovery(settings)
        if found is not None:
            return found.url, read_token(found.token_file)
        time.sleep(0.05)
    raise Transient("The demo's service did not start.", fix=f"Its words are in {log}.")


# ---- the result


def keyed_alpha(manifest_path: Path, manifest: Manifest, frame: int) -> pictures.Picture:
    """Return the alpha (H, W) that was written for ``frame``."""
    return _read_pass(manifest_path, manifest, "alpha", frame)["A"]


def _read_pass(manifest_path: Path, manifest: Manifest, name: str, frame: int) -> dict[str, pictures.Picture]:
    from service.exr import read_exr

    entry = next(entry for entry in manifest.passes if entry.name == name)
    file = entry.pattern.replace("#" * manifest.padding, f"{frame:0{manifest.padding}d}")
    planes, _ = read_exr(manifest_path.parent / entry.folder / file)
    return planes


def measure(manifest_path: Path, manifest: Manifest, painted: dict[int, DemoFrame]) -> Errors:
    """Compare every keyed alpha with the truth it was painted with."""
    whole, edge = [], []
    for number, frame in painted.items():
        difference = np.abs(keyed_alpha(manifest_path, manifest, number) - frame.alpha)
        whole.append(float(difference.mean()))
        edge.append(float(difference[pictures.edge_band(frame.alpha)].mean()))
    return Errors(whole=float(np.mean(whole)), edge=float(np.mean(edge)))


def make_sheet(manifest_path: Path, manifest: Manifest, painted: dict[int, DemoFrame], path: Path) -> Path:
    """Write the contact sheet: a few frames as plate, alpha, foreground on grey, and on a new background."""
    rows = []
    for number in sorted({FIRST_FRAME + min(index, len(painted) - 1) for index in SHEET_FRAMES}):
        alpha = keyed_alpha(manifest_path, manifest, number)
        planes = _read_pass(manifest_path, manifest, "foreground", number)
        foreground = np.stack([planes[name] for name in "RGB"], axis=-1)
        rows.append(pictures.sheet_row(painted[number].plate, alpha, foreground))
    titles = ("plate", "alpha", "foreground on grey", "foreground on a new background")
    pictures.write_png(path, pictures.contact_sheet(rows, titles), bits=8)
    return path


def speed(job: dict[str, Any]) -> float:
    """Return the job's frames per second."""
    return float(job["frames_per_second"] or 0.0)
