"""The description of the API as a file: `python -m service.openapi docs/openapi.json`; a test keeps it equal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from service.api import create_app
from service.executor import LocalExecutor
from service.queue import JobQueue
from service.settings import Settings
from service.store import JobStore


def description_text() -> str:
    """Return the description as its file holds it; starts nothing."""
    store, settings = JobStore(), Settings.model_construct(home=Path("home"), drop_folders=(Path("drop"),))
    try:
        app = create_app(JobQueue(settings, store, LocalExecutor(settings)), store, settings, "")
        return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
    finally:
        store.close()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(description_text(), encoding="utf-8", newline="\n")
