"""Takes the picture of the page's first steps: `python -m tests.service.web.welcome_picture docs/images`.

The folders and the machine in it are made up.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.service.web.browser import chromium, signed_in
from tests.service.web.pictures import lighten
from tests.service.web.played import playing

STATE = {
    "command": "dropkey",
    "here": True,
    "panels": [{"after_effects": "25.6", "panel": "none"}, {"after_effects": "26.0", "panel": "none"}],
    "drop": r"C:\Users\anna\AppData\Local\DropKey\drop",
    "output": r"C:\Users\anna\AppData\Local\DropKey\output",
    "sample": "none",
    "sample_problem": "",
    "health": {"verdict": "fine", "device": "torch 2.13.0 for CUDA 13.0, keys on NVIDIA RTX A4000", "troubles": []},
}


def main(folder: Path) -> None:
    """Take it."""

    def told(route: Route) -> None:
        route.fulfill(json=STATE)

    with tempfile.TemporaryDirectory() as place, chromium() as browser, playing(Path(place)) as service:
        with signed_in(browser, service) as page:  # type: ignore[arg-type]  # it has an address and a door, too
            page.route("**/welcome", told)
            page.reload()
            steps = page.get_by_role("region", name="Key your first shot")
            expect(steps).to_contain_text("NVIDIA")
            steps.screenshot(path=folder / "welcome.png")
    lighten(folder / "welcome.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
