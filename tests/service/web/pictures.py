"""Takes the pictures of docs/dashboard.md: `python -m tests.service.web.pictures docs/images /shots`.

The shots are painted. The second folder is made, seen in the pictures as the drop folder's place, and removed.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from playwright.sync_api import Page, expect

from service.demo.shot import paint_frame
from tests.service.serving import serving
from tests.service.shots_on_disk import write_plate
from tests.service.web.browser import chromium, signed_in

WIDTH, HEIGHT = 960, 540
DONE_MS = 240_000
MOST_BYTES = 250_000


def paint_shot(folder: Path, frames: range, name: str) -> None:
    """Paint a shot; its sixth frame has pixels that are no numbers."""
    for index, frame in enumerate(frames):
        plate = paint_frame(index, 24, WIDTH, HEIGHT).plate
        if index == 5:
            plate[40:52, 60:80] = np.nan
        write_plate(folder / name / f"{name}.{frame}.exr", plate)


def damage(file: Path) -> None:
    """Cut a file in half, as a copy that broke off leaves it."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def state_of(page: Page, name: str, state: str) -> None:
    expect(page.locator("li.job", has_text=name).locator(".state").first).to_have_text(state, timeout=DONE_MS)


def go(page: Page, name: str) -> None:
    page.locator("a.open", has_text=name).first.click()
    expect(page.locator(".near")).to_contain_text("Fit")
    page.wait_for_timeout(1500)


def take(page: Page, folder: Path) -> None:
    """Walk through the states of the page and take a picture of each."""

    def shoot(name: str) -> None:
        page.wait_for_timeout(700)
        page.screenshot(path=folder / f"dashboard_{name}.png")

    shoot("queue")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name="sc010_sh020").click()
    dialog.get_by_role("button", name="sc010_sh020").last.click()
    shoot("submit")
    page.keyboard.press("Escape")
    page.locator("li.job", has_text="sc010_sh030").get_by_role("button", name=re.compile("^Pause")).click()
    go(page, "sc010_sh020")
    shoot("shot")
    page.keyboard.press("w")
    page.keyboard.press("p")
    shoot("wipe")
    page.keyboard.press("w")
    page.keyboard.press("3")
    page.keyboard.press("e")
    page.keyboard.press("e")
    for _ in range(2):
        page.locator(".zoom button", has_text="+").click()
    page.keyboard.press("n")
    shoot("alpha")
    page.keyboard.press("0")
    page.keyboard.press("4")
    page.keyboard.press("f")
    page.keyboard.press("p")
    page.keyboard.press("o")
    page.get_by_label("Despill").focus()
    page.keyboard.press("Home")
    expect(page.locator(".tuning [role=status]")).to_have_text(re.compile("^You see"), timeout=60_000)
    shoot("settings")
    page.locator("canvas").focus()
    page.keyboard.press("?")
    shoot("keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    go(page, "sc020_sh010")
    page.keyboard.press("n")
    shoot("attention")


def main(folder: Path, place: Path) -> None:
    """Run a service on painted shots and take all pictures; fewer shades make them light."""
    (place / "drop").mkdir(parents=True)
    try:
        paint_shot(place / "new", range(1001, 1013), "sc010_sh020")
        paint_shot(place / "new", range(1001, 1009), "sc020_sh010")
        paint_shot(place / "new", range(1001, 1025), "sc010_sh030")
        damage(place / "new" / "sc020_sh010" / "sc020_sh010.1004.exr")
        settings = {
            "settle_grace_seconds": "0",
            "drop_folders": json.dumps([str(place / "drop")]),
            "output_root": str(place / "keyed"),
        }
        with tempfile.TemporaryDirectory() as home, chromium() as browser:
            with serving(Path(home) / "home", **settings) as service, signed_in(browser, service) as page:
                watch(page, place)
                take(page, folder)
                service.process.terminate()
                service.process.wait(60)
                page.keyboard.press("Escape")
                page.wait_for_timeout(1500)
                page.screenshot(path=folder / "dashboard_away.png")
    finally:
        shutil.rmtree(place)
    for picture in folder.glob("dashboard_*.png"):
        lighten(picture)


def watch(page: Page, place: Path) -> None:
    """Drop one shot after the other, until the last one is on its way."""
    for name, state in (("sc010_sh020", "Done"), ("sc020_sh010", "Needs attention"), ("sc010_sh030", "Keying")):
        (place / "new" / name).rename(place / "drop" / name)
        state_of(page, name, state)
    figures = page.locator("li.job", has_text="sc010_sh030").locator(".figures")
    expect(figures).to_contain_text("left", timeout=DONE_MS)


def lighten(file: Path) -> None:
    """Round the shades of a picture until it is light: noise then packs well."""
    pixels = oiio.ImageBuf(str(file)).get_pixels(oiio.UINT8)[..., :3].astype(np.int16)
    for step in (4, 6, 8, 12, 16):
        rounded = oiio.ImageBuf(np.minimum((pixels + step // 2) // step * step, 255).astype(np.uint8))
        rounded.specmod()["png:compressionLevel"] = 9
        assert rounded.write(str(file), "uint8"), rounded.geterror()
        if file.stat().st_size < MOST_BYTES:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
