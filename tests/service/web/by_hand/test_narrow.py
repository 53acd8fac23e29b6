"""The page on small screens, and with long names and lists: all is on the screen or below it, nothing is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from service.jobs import JobState
from tests.service.jobs_in_store import add_many, make_job
from tests.service.web.played import Played
from tests.service.web.screen import serious

WIDTHS = (320, 375, 450, 600, 768, 1440)  # of phones, and of a page of 1280 pixels enlarged four times
LONG = "sc010_sh020_undistorted_plate_ACEScg_retimed_v003_denoised"
VERSIONS = 120  # more than one page of a list
pytestmark = pytest.mark.timeout(300)

BEYOND = """() => [...document.querySelectorAll('body *')].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width && !node.matches('.skip') && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map((node) => `${node.tagName} ${node.className}`)"""
CUT = """() => [...document.querySelectorAll('h1, a, p, button, output, span, li, .figures, .plate')].filter((node) =>
    node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== 'visible')
    .map((node) => `${node.tagName} ${node.className}: ${node.textContent}`)"""


def has_room(page: Page) -> None:
    """Assert for every width that all is on the screen or below it."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 720})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
        assert page.evaluate(BEYOND) == [], width
        if width <= 768:  # where nobody points at a name to read all of it
            assert page.evaluate(CUT) == [], width


def test_queue_and_dialogs_fit_a_screen_of_320_pixels(page: Page, service: Played, tmp_path: Path) -> None:
    add_many(service.store, [make_job(number, state=JobState.PAUSED, output=tmp_path / "v001") for number in range(60)])
    page.reload()
    service.submit(LONG)
    service.submit("hero")
    service.start()
    service.finish(1001, problem="green.1001.exr cannot be decoded: the file ends after 1024 of 4096 bytes.")
    expect(page.locator("li.job")).to_have_count(62)  # rows too that are not on the screen, and keep the width they had
    page.locator("li.job").last.scroll_into_view_if_needed()
    page.locator("li.job").first.scroll_into_view_if_needed()
    expect(page.locator("li.job", has_text=LONG).locator(".figures")).to_contain_text("1 failed")
    expect(page.locator(".machine")).to_contain_text("drop")
    has_room(page)
    page.set_viewport_size({"width": 320, "height": 720})
    expect(page.get_by_role("link", name="DropKey")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_role("button", name="drop").first.click()
    expect(dialog.get_by_role("button", name=LONG)).to_be_visible()
    has_room(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    has_room(page)


def test_a_shot_fits_a_screen_of_320_pixels(page: Page, service: Played) -> None:
    job = service.submit(LONG)
    service.start()
    page.goto(f"{page.url.partition('#')[0]}#/shot/{job}")
    expect(page.locator(".title h1")).to_have_text(f"{LONG} v001")
    expect(page.locator(".actions").get_by_role("button", name="Cancel")).to_be_visible()
    has_room(page)
    page.set_viewport_size({"width": 320, "height": 480})
    page.get_by_role("button", name="Key again as v002").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Key again as v002")).to_be_in_viewport(ratio=1)
    for channel in "RGBA":
        page.locator(f'.readout [data-channel="{channel}"]').scroll_into_view_if_needed()
        expect(page.locator(f".readout .value.{channel}")).to_be_in_viewport(ratio=1)
    assert serious(page) == []


def test_all_versions_of_a_shot_can_be_gone_to_however_many_there_are(page: Page, service: Played) -> None:
    place = service.folder.parent / "out" / "s1"
    same = {"shot": make_job(1).shot, "state": JobState.PAUSED}
    made = [make_job(n, version=n, output=place / f"v{n:03d}", **same) for n in range(1, VERSIONS + 1)]
    add_many(service.store, made)
    page.goto(f"{page.url.partition('#')[0]}#/shot/{made[0].id}")
    versions = page.get_by_role("navigation", name="Versions").get_by_role("link")
    expect(versions).to_have_count(VERSIONS)
    expect(page.locator(".title h1")).to_be_in_viewport(ratio=1)
    has_room(page)
    page.set_viewport_size({"width": 320, "height": 720})
    page.reload()
    expect(versions).to_have_count(VERSIONS)
    expect(page.locator(".versions [aria-current]")).to_be_in_viewport(ratio=0.9)
    versions.first.scroll_into_view_if_needed()
    service.queue.cancel(made[0].id)
    expect(page.locator(".title .state")).to_have_text("Cancelled")
    expect(versions.first).to_be_in_viewport(ratio=0.9)  # what comes in meanwhile scrolls nothing back
    versions.first.click()
    expect(page.locator(".title h1")).to_have_text(f"s1 v{VERSIONS:03d}")
