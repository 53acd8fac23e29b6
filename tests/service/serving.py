"""Starts the real service as a process, as a user would, and asks it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from service.discovery import Discovery, read_discovery
from service.settings import Settings
from tests.service.running import until

PATIENCE = 120.0
POLL_SECONDS = 0.3  # asking over HTTP takes time from the worker, which runs at low priority
CHOICES = {
    "DROPKEY_SETTLE_STABLE_SECONDS": "0.2",
    "DROPKEY_SETTLE_QUIET_SECONDS": "1.0",
    "DROPKEY_SCAN_SECONDS": "0.2",
    "DROPKEY_RESTART_DELAY_SECONDS": "0.1",
    "DROPKEY_DEVICE": "cpu",
    "DROPKEY_PORT": "0",
}


@dataclass
class Service:
    """A running `dropkey serve`."""

    process: subprocess.Popen[bytes]
    found: Discovery

    def jobs(self) -> list[dict[str, Any]]:
        return list(self._get("/jobs")["jobs"])

    def job(self, job_id: str) -> dict[str, Any]:
        return self._get(f"/jobs/{job_id}")

    def frames(self, job_id: str) -> list[dict[str, Any]]:
        return list(self._get(f"/jobs/{job_id}/frames")["frames"])

    def worker(self) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next((child for child in children if "service.worker" in child.cmdline()), None)

    def post(self, path: str, body: object = None) -> httpx.Response:
        """Post ``body`` as JSON."""
        token = self.found.token_file.read_text(encoding="utf-8").strip()
        return httpx.post(self.found.url + path, json=body, headers={"authorization": f"Bearer {token}"}, timeout=30)

    def _get(self, path: str) -> dict[str, Any]:
        token = self.found.token_file.read_text(encoding="utf-8").strip()
        reply = httpx.get(self.found.url + path, headers={"authorization": f"Bearer {token}"}, timeout=30)
        reply.raise_for_status()
        content: dict[str, Any] = reply.json()
        return content


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Service]:
    """Run `dropkey serve` in ``home``; ``settings`` are DROPKEY_* variables, in lower case without the prefix."""
    log = (home.parent / f"{home.name}.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve"],
        env={k: v for k, v in os.environ.items() if not k.startswith("DROPKEY_")}
        | CHOICES
        | {f"DROPKEY_{name.upper()}": value for name, value in settings.items()}
        | {"DROPKEY_HOME": str(home)},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )

    def answers() -> Discovery | None:
        assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
        found = read_discovery(Settings(home=home))
        return found if found is not None and found.pid == process.pid else None

    try:
        yield Service(process, until(answers, "the service answers", PATIENCE))
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        log.close()
