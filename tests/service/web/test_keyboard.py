"""The page without a mouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.service.shots_on_disk import write_shot
from tests.service.web.screen import DONE_MS, HEIGHT, WIDTH

MOST_STEPS = 90
pytestmark = pytest.mark.timeout(300)


def step_to(page: Page, wanted: Locator) -> None:
    """Press Tab until ``wanted`` has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_STEPS):
        if wanted.evaluate("(node) => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never gets to {wanted}")


def found(page: Page, name: str) -> Locator:
    """Search for a shot, and put the focus on its row."""
    page.keyboard.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type(name)
    row = page.locator("li.job")
    expect(row).to_have_count(1)
    step_to(page, row.locator("a.open"))
    return row


def test_the_keyboard_is_enough(page: Page, hero: str, home: Path) -> None:
    write_shot(home / "plain" / "typed", range(1, 3), WIDTH, HEIGHT)
    expect(page.locator(f'li[data-id="{hero}"]')).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
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


def test_a_job_is_found_paused_resumed_moved_up_and_cancelled_without_a_mouse(page: Page, long: str) -> None:
    row = found(page, "long/green")
    expect(row).to_have_attribute("data-id", long)
    state = row.locator(".state")
    page.keyboard.press("r")
    expect(state).to_have_text(re.compile("Queued|Keying"))
    page.keyboard.press("p")
    expect(state).to_have_text("Paused")
    before = int(row.locator(".priority").text_content() or "")
    page.keyboard.press("-")
    expect(row.locator(".priority")).to_have_text(str(before - 10))
    page.keyboard.press("+")
    expect(row.locator(".priority")).to_have_text(str(before))
    page.keyboard.press("p")
    expect(state).to_have_text(re.compile("Queued|Keying"))
    page.keyboard.press("x")
    expect(state).to_have_text("Cancelled")


def test_a_shot_is_browsed_keyed_and_keyed_again_without_a_mouse(page: Page, shots: Path) -> None:
    write_shot(shots / "typed", range(1001, 1003), WIDTH, HEIGHT)
    expect(page.locator("#link")).to_have_text("Live")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    for name in (str(shots), "typed", "green"):
        words = page.locator("span", has_text=re.compile(f"^{re.escape(name)}$"))
        step_to(page, dialog.locator(".entry").filter(has=words))
        page.keyboard.press("Enter")
    expect(dialog.get_by_label("Plate")).to_have_value(str(shots / "typed" / "green.####.exr"))
    expect(dialog.get_by_label("Plate")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("is in the queue")).to_be_visible()
    expect(dialog).to_have_count(0)
    row = found(page, "typed/green")
    expect(row.locator(".state")).to_have_text("Done", timeout=DONE_MS)
    page.keyboard.press("Enter")
    expect(page.locator(".title h1")).to_have_text(re.compile("green v001$"))
    step_to(page, page.get_by_role("button", name="Key again as v002"))
    page.keyboard.press("Enter")
    expect(page.locator(".title h1")).to_have_text(re.compile("green v002$"))
