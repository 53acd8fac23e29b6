"""Takes the picture of docs/farm.md: `python -m tests.service.web.farm_picture docs/images /shots`.

The workers key painted shots in earnest. The second folder is made, seen in the picture, and removed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import expect

from service.bench import write_shot
from tests.service.farming import farming
from tests.service.web.browser import chromium, signed_in

NAMES = ("render01", "render02", "render03", "render04")
SHOTS = ("wave", "turn")
READY_MS = 120_000


def main(images: Path, place: Path) -> None:
    """Key a shot on four workers, one of them drained, and take the picture."""
    place.mkdir()
    try:
        for name in SHOTS:
            write_shot(place / "painted" / name, 640, 360, 96)
        with farming(place) as farm:
            folders = {"drop_folders": f'["{place / "drop"}"]', "output_root": str(place / "output")}
            (place / "output").mkdir()
            (place / "drop").mkdir()
            for name in NAMES:
                farm.start_worker(name, key_defaults__keyer="neural", **folders)
            service = farm.serve(**folders, key_defaults__keyer="neural", farm__part_frames="8")
            with chromium() as browser, signed_in(browser, service) as page:
                workers = page.locator(".machine section", has_text="Workers")
                expect(workers.locator("li.well")).to_have_count(len(NAMES), timeout=READY_MS)
                workers.locator("li", has_text="render04").get_by_role("button", name="Drain").click()
                for name in SHOTS:
                    (place / "painted" / name).rename(place / "drop" / name)
                    (place / "drop" / f"{name}.ready").touch()
                expect(workers.locator("li", has_text="wave")).to_have_count(3, timeout=READY_MS)
                page.wait_for_timeout(10_000)
                page.screenshot(path=images / "dashboard_farm.png")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
