"""The page in a real browser, over the real service and its real worker: what an artist does, seen on the screen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from service.exr import read_exr
from tests.service.serving import Service, serving
from tests.service.shots_on_disk import plate_pixels, write_plate, write_shot
from tests.service.web.browser import chromium, signed_in

WIDTH, HEIGHT = 96, 64
DONE_MS = 90_000
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "home"


@pytest.fixture(scope="module")
def service(browser: Browser, home: Path) -> Iterator[Service]:
    with serving(home) as running:
        yield running


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with signed_in(browser, service) as opened:
        yield opened


@pytest.fixture(scope="module")
def hero(browser: Browser, service: Service, home: Path) -> str:
    """A shot of six frames that is dropped and watched until it is done; returns its job's id."""
    with signed_in(browser, service) as page:
        expect(page.locator("#link")).to_have_text("Live")
        page.evaluate("() => { window.sameDocument = true; }")
        write_spilled_shot(home / "drop" / "hero")
        row = page.locator("li.job", has_text="hero/green")
        expect(row.locator(".state")).to_have_text("Done", timeout=DONE_MS)
        expect(row.locator(".figures")).to_contain_text("6 / 6")
        expect(row.locator("img")).to_have_class("loaded")
        assert page.evaluate("() => window.sameDocument") is True
        return str(row.get_attribute("data-id"))


def write_spilled_shot(folder: Path) -> None:
    """Write six frames; left in the subject the screen's green light falls on it, and pixels of 1004 are no numbers."""
    for frame in range(1001, 1007):
        pixels = plate_pixels(frame, WIDTH, HEIGHT)
        pixels[26:38, 36:44] = (0.45, 0.5, 0.3)
        if frame == 1004:
            pixels[4:7, 4:7] = np.nan
        write_plate(folder / f"green.{frame}.exr", pixels)


def opened(page: Page, job_id: str) -> Page:
    """Go to a shot and wait for its picture."""
    page.goto(f"{page.url.partition('#')[0]}#/shot/{job_id}")
    expect(page.locator("#frame")).to_contain_text("1001")
    expect(page.locator(".near")).to_contain_text("Fit")
    return page


def shown(page: Page, x: float, y: float) -> tuple[int, ...]:
    """Return the color of the viewer at a share of its width and height."""
    read = """([x, y]) => { const c = document.querySelector('.viewer canvas');
        return [...c.getContext('2d').getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data]; }"""
    return tuple(page.evaluate(read, [x, y]))


def until_shown(page: Page, x: float, y: float, fits: Callable[[int, int, int], bool]) -> tuple[int, ...]:
    """Wait until red, green and blue there fit, and return them."""
    for _ in range(200):
        color = shown(page, x, y)[:3]
        if fits(*color):
            return color
        page.wait_for_timeout(50)
    raise AssertionError(f"the color there stays {color}")


def is_screen(red: int, green: int, blue: int) -> bool:
    return green > 2 * red and green > 2 * blue


def is_middle_grey(red: int, green: int, blue: int) -> bool:
    return abs(red - green) < 3 and abs(red - blue) < 3 and red > 90


def value(page: Page, channel: str) -> Locator:
    return page.locator(f'.readout [data-channel="{channel}"]')


def test_a_dropped_shot_is_watched_until_it_is_done_without_a_reload(hero: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", hero)


def test_scrubbing_shows_the_frame_that_was_gone_to(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#frame")).to_contain_text("1002")
    page.keyboard.press("End")
    expect(page.locator("#frame")).to_contain_text("1006")
    track = page.locator(".track")
    track.click(position={"x": 4, "y": 20})
    expect(page.locator("#frame")).to_contain_text("1001")


def test_a_pixel_reads_as_the_float_that_is_in_the_file(page: Page, hero: str, service: Service) -> None:
    opened(page, hero)
    page.keyboard.press("2")
    page.keyboard.press("p")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".readout .where")).to_contain_text(f"foreground  x {WIDTH // 2 + 3}  y {HEIGHT // 2}")
    file = next((Path(service.job(hero)["output"]) / "foreground").glob("*.1001.exr"))
    planes, _ = read_exr(file)
    for channel in "RGBA":
        expect(value(page, channel)).to_have_text(f"{planes[channel][HEIGHT // 2, WIDTH // 2 + 3]:.5f}")


def test_the_wipe_has_the_composite_left_and_the_plate_right(page: Page, hero: str) -> None:
    opened(page, hero)
    until_shown(page, 0.9, 0.1, is_middle_grey)
    page.keyboard.press("w")
    until_shown(page, 0.9, 0.1, is_screen)
    until_shown(page, 0.1, 0.1, is_middle_grey)
    for _ in range(11):
        page.keyboard.press("[")
    until_shown(page, 0.1, 0.1, is_screen)
    page.keyboard.press("d")
    until_shown(page, 0.5, 0.5, lambda red, green, _: red < 60 and green < 60)


def test_channels_backgrounds_and_exposure_change_the_picture(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("1")
    dark = until_shown(page, 0.5, 0.5, lambda red, green, blue: red > green > blue)
    page.keyboard.press("r")
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red == green == blue and abs(red - dark[0]) < 3)
    page.keyboard.press("r")
    page.keyboard.press("Shift+E")
    until_shown(page, 0.5, 0.5, lambda red, *_: red < dark[0] - 15)
    page.keyboard.press("0")
    page.keyboard.press("a")
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red == green == blue and red > 250)
    page.keyboard.press("a")
    page.get_by_role("button", name="Black").click()
    until_shown(page, 0.9, 0.1, lambda *color: sum(color) < 6)


def test_a_picture_of_the_artists_own_lies_behind(page: Page, hero: str, tmp_path: Path) -> None:
    own = oiio.ImageBuf(np.broadcast_to(np.float32([0.0, 0.0, 1.0]), (20, 30, 3)).copy())
    assert own.write(str(tmp_path / "own.png"), "uint8"), own.geterror()
    opened(page, hero)
    page.locator("#own").set_input_files(tmp_path / "own.png")
    until_shown(page, 0.9, 0.1, lambda red, green, blue: blue > 240 and red < 10 and green < 10)
    until_shown(page, 0.5, 0.5, lambda red, green, blue: red > green > blue)


def test_the_frame_that_stands_out_is_one_click_away(page: Page, hero: str) -> None:
    opened(page, hero)
    worst = page.get_by_role("list", name="Frames that stand out").get_by_role("button", name="1004")
    expect(worst).to_contain_text("NaN repaired 9")
    worst.click()
    expect(page.locator("#frame")).to_contain_text("1004")
    expect(page.locator("figure", has_text="NaN repaired").locator("output")).to_have_text("9")


def test_a_setting_shows_on_the_frame_and_the_shot_is_keyed_again_with_it(page: Page, hero: str) -> None:
    opened(page, hero)
    before = page.locator(".viewer canvas").screenshot()
    page.get_by_label("Despill").focus()
    page.keyboard.press("Home")
    expect(page.locator(".tuning [role=status]")).to_have_text(re.compile("^You see these settings"))
    changed = False
    for _ in range(100):
        changed = page.locator(".viewer canvas").screenshot() != before
        if changed:
            break
        page.wait_for_timeout(50)
    assert changed
    page.get_by_role("button", name="Key again as v002").click()
    expect(page.locator(".title h1")).to_have_text("green v002")
    expect(page.locator(".title .state")).to_have_text("Done", timeout=DONE_MS)
    expect(page.get_by_label("Despill")).to_have_value("0")
    page.get_by_role("navigation", name="Versions").get_by_text("v001").click()
    expect(page.locator(".title h1")).to_have_text("green v001")


def test_a_running_job_is_cancelled_and_taken_up_again(page: Page, hero: str, home: Path) -> None:
    write_shot(home / "drop" / "long", range(1, 300), WIDTH, HEIGHT)
    row = page.locator("li.job", has_text="long/green")
    expect(row.locator(".state")).to_have_text("Keying", timeout=DONE_MS)
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(row.locator(".state")).to_have_text("Cancelled")
    row.get_by_role("button", name=re.compile("^Retry")).click()
    expect(row.locator(".state")).to_have_text(re.compile("Queued|Keying"))
    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row.locator(".state")).to_have_text("Paused")
    row.get_by_role("button", name=re.compile("^Sooner")).click()
    expect(row.locator(".priority")).to_have_text("60")
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(row.locator(".state")).to_have_text("Cancelled")
    page.get_by_role("button", name=re.compile("^Done")).click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name=re.compile("^All")).click()
    page.get_by_label("Search shots").fill("long")
    expect(page.locator("li.job")).to_have_count(1)


def test_the_keyboard_is_enough(page: Page, hero: str, home: Path) -> None:
    write_shot(home / "plain" / "typed", range(1, 3), WIDTH, HEIGHT)
    expect(page.locator(f'li[data-id="{hero}"]')).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    for _ in range(10):
        page.keyboard.press("j")
        if page.evaluate("() => document.activeElement.closest('li')?.dataset.id") == hero:
            break
    page.keyboard.press("Enter")
    expect(page.locator("#frame")).to_contain_text("1001")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    expect(dialog.get_by_label("Plate")).to_be_focused()
    page.keyboard.type(str(home / "plain" / "typed"))
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("root")  # a browser may name what lies in the roots only


def test_a_shot_is_found_in_the_roots_and_keyed(page: Page, hero: str, home: Path) -> None:
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name="hero").click()
    dialog.get_by_role("button", name="green").click()
    expect(dialog.get_by_label("Plate")).to_have_value("hero/green.####.exr")
    dialog.get_by_role("button", name="Key this shot").click()
    expect(page.get_by_text("is in the queue")).to_be_visible()
    expect(dialog).to_have_count(0)


def test_a_job_beyond_the_roots_is_listed_and_the_page_says_why_it_shows_no_more(
    page: Page, service: Service, tmp_path: Path
) -> None:
    shot = write_shot(tmp_path / "private", range(1001, 1003), WIDTH, HEIGHT)
    job = service.post("/jobs", {"plate": str(shot.folder / shot.pattern)}).json()["id"]
    row = page.locator(f'li[data-id="{job}"]')
    expect(row.locator(".state")).to_have_text("Done", timeout=DONE_MS)
    expect(row.locator("img.loaded")).to_have_count(0)
    row.locator("a.open").click()
    expect(page.locator(".viewer")).to_contain_text("outside the folders")
    expect(page.locator(".viewer")).to_contain_text("extra_roots")


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such file name")
def test_the_name_of_a_shot_stays_text(page: Page, hero: str, home: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    write_shot(home / "drop" / name, range(1, 3), WIDTH, HEIGHT)
    row = page.locator("li.job", has_text=name)
    expect(row).to_be_visible(timeout=DONE_MS)
    assert page.locator('img[src="x"]').count() == 0


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]


def test_queue_shot_and_dialogs_have_no_serious_accessibility_finding(page: Page, hero: str) -> None:
    expect(page.locator(f'li[data-id="{hero}"]')).to_be_visible()
    expect(page.locator(".machine")).to_contain_text("Worker")
    assert serious(page) == []
    page.keyboard.press("s")
    expect(page.get_by_role("dialog").get_by_role("button", name="drop").first).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    opened(page, hero)
    assert serious(page) == []
    page.keyboard.press("?")
    assert serious(page) == []


def test_who_is_not_let_in_is_told_how_to_get_in(browser: Browser, service: Service) -> None:
    page = browser.new_page()
    page.goto(service.found.url)
    expect(page.locator("#link")).to_have_text("Not signed in")
    expect(page.locator(".empty")).to_contain_text("dropkey serve")
    page.close()
