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


def shoot(page: Page, folder: Path, name: str) -> None:
    """Take a picture of the page once it has come to rest."""
    page.wait_for_timeout(700)
    page.screenshot(path=folder / f"dashboard_{name}.png")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def act(page: Page, name: str, verb: str) -> None:
    page.locator("li.job", has_text=name).get_by_role("button", name=re.compile(f"^{verb}")).click()


def take(page: Page, folder: Path) -> None:
    """Walk through queue and shots and take a picture of each state."""
    take_queue(page, folder)
    go(page, "sc010_sh020")
    take_looks(page, folder)
    take_trial(page, folder)
    press(page, "Escape")
    go(page, "sc020_sh010")
    press(page, "n")
    shoot(page, folder, "attention")


def take_queue(page: Page, folder: Path) -> None:
    """Take the queue, the way in for a shot, and what a paused and a cancelled job look like."""
    shoot(page, folder, "queue")
    press(page, "s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name="sc010_sh020").click()
    dialog.get_by_role("button", name="sc010_sh020").last.click()
    shoot(page, folder, "submit")
    press(page, "Escape")
    act(page, "sc010_sh030", "Pause")
    state_of(page, "sc010_sh030", "Paused")
    act(page, "sc010_sh040", "Cancel")
    state_of(page, "sc010_sh040", "Cancelled")
    shoot(page, folder, "stopped")


def take_looks(page: Page, folder: Path) -> None:
    """Take one frame in the ways that it is looked at."""
    shoot(page, folder, "shot")
    press(page, "w", "p")
    shoot(page, folder, "wipe")
    press(page, "w", "d")
    shoot(page, folder, "difference")
    press(page, "d", "p", "o")
    shoot(page, folder, "checker")
    with tempfile.TemporaryDirectory() as own:
        page.locator("#own").set_input_files(sunset(Path(own) / "sunset.png"))
        shoot(page, folder, "own")
    press(page, "3", "e", "e")
    for _ in range(2):
        page.locator(".zoom button", has_text="+").click()
    press(page, "n")
    shoot(page, folder, "alpha")
    press(page, "0", "4", "f")
    page.get_by_role("button", name="Black").click()


def take_trial(page: Page, folder: Path) -> None:
    """Take settings on trial, darker too, then the version that was keyed with them."""
    page.get_by_label("Despill").focus()
    press(page, "Home")
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see"), timeout=60_000)
    shoot(page, folder, "settings")
    page.locator("canvas").focus()
    press(page, "?")
    shoot(page, folder, "keys")
    press(page, "Escape", *["Shift+E"] * 4)
    shoot(page, folder, "settings_darker")
    press(page, "0")
    page.get_by_role("button", name="Key again as v002").click()
    expect(page.locator(".title h1")).to_have_text(re.compile("v002$"))
    expect(page.locator(".title .state")).to_have_text("Done", timeout=DONE_MS)
    page.wait_for_timeout(2500)  # until the last thumbnails are there
    shoot(page, folder, "again")


def sunset(file: Path) -> Path:
    """Paint a picture of the artist's own: a sky from blue to orange."""
    up = np.linspace(0.0, 1.0, HEIGHT, dtype=np.float32).reshape(-1, 1, 1)
    sky = (1 - up) * np.array([0.10, 0.16, 0.42], np.float32) + up**2 * np.array([1.0, 0.55, 0.2], np.float32)
    assert oiio.ImageBuf(np.ascontiguousarray(np.repeat(sky, WIDTH, axis=1))).write(str(file), "uint8")
    return file


def main(folder: Path, place: Path) -> None:
    """Run a service on painted shots and take all pictures; fewer shades make them light."""
    (place / "drop").mkdir(parents=True)
    try:
        paint_shot(place / "new", range(1001, 1013), "sc010_sh020")
        paint_shot(place / "new", range(1001, 1009), "sc020_sh010")
        paint_shot(place / "new", range(1001, 1025), "sc010_sh030")
        paint_shot(place / "new", range(1001, 1007), "sc010_sh040")
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
                stranger = browser.new_page(viewport=page.viewport_size)
                stranger.goto(service.found.url)
                shoot(stranger, folder, "signed_out")
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
    """Drop one shot after the other, until one is on its way and the last one waits."""
    arriving = {
        "sc010_sh020": "Done",
        "sc020_sh010": "Needs attention",
        "sc010_sh030": "Keying",
        "sc010_sh040": "Queued",
    }
    for name, state in arriving.items():
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
