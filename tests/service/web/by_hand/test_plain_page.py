"""What a newcomer reads: the empty queue, plain words, both themes; and notices that cover no button."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from service.jobs import JobState, Problem
from tests.service.jobs_in_store import add, make_job
from tests.service.shots_on_disk import write_shot
from tests.service.web.played import Played
from tests.service.web.screen import serious

pytestmark = pytest.mark.timeout(300)

COVERED = """() => [...document.querySelectorAll('button, a, input, select')].filter((node) => {
    const box = node.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const top = x >= 0 && y >= 0 ? document.elementFromPoint(x, y) : null; // null: outside of the screen
    return box.width && top?.closest('.notices') && !node.closest('.notices');
}).map((node) => node.textContent || node.id)"""


def brightness(page: Page, of: str) -> float:
    """Return how bright the ground of an element is, 0 to 255."""
    color = page.locator(of).first.evaluate("(node) => getComputedStyle(node).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3


def test_a_browser_that_is_not_signed_in_is_told_how_to_get_in(browser: Browser, service: Played) -> None:
    page = browser.new_page()
    page.goto(service.url)
    expect(page.locator(".empty")).to_contain_text("run.py open")
    expect(page.locator(".first")).to_be_hidden()
    page.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_follows_the_theme_of_the_system(page: Page, service: Played, tmp_path: Path, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    states = [state for state in JobState if state is not JobState.DONE]
    trouble = Problem(kind="incomplete", message="It failed.", fix="Try again.")
    for number, state in enumerate(states):
        add(service.store, number, state=state, output=tmp_path / "v001", problem=trouble)
    page.reload()
    expect(page.locator("li.job")).to_have_count(len(states))
    grounds = [brightness(page, part) for part in ("html", ".bar", "li.job", ".machine")]
    assert all(ground > 200 for ground in grounds) if theme == "light" else all(ground < 60 for ground in grounds)
    assert serious(page) == []
    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Key a shot")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.goto(f"{page.url.partition('#')[0]}#/shot/{make_job(0).id}")
    expect(page.locator(".title h1")).to_have_text("s0 v001")
    assert serious(page) == []
    assert brightness(page, ".viewer") < 60, "pictures are judged on dark grey in every theme"


def test_figures_and_settings_of_a_shot_are_read_on_a_phone_by_scrolling(page: Page, service: Played) -> None:
    job = service.submit()
    service.start()
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(f"{page.url.partition('#')[0]}#/shot/{job}")
    expect(page.locator(".title h1")).to_have_text("hero v001")
    side = page.locator(".side")
    box = side.bounding_box()
    assert box is not None and box["height"] > 300
    assert side.evaluate("(node) => node.scrollHeight <= node.clientHeight + 1"), "it scrolls in itself"


def test_a_shot_that_is_keyed_already_is_not_said_to_be_in_the_queue(page: Page, service: Played) -> None:
    shot = write_shot(service.folder / "hero", range(1001, 1003))
    plate = str(shot.folder / shot.pattern)
    job = service.post("/jobs", {"plate": plate}).json()["id"]
    service.start()
    made = service.store.update(job, state=JobState.DONE)
    (made.output / "manifest.json").touch()  # a result that is gone would be made anew
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_label("Plate").fill(plate)
    dialog.get_by_role("button", name="Key this shot").click()
    told = page.locator(".notice")
    expect(told).to_contain_text("is keyed already")
    assert page.evaluate(COVERED) == []


def test_notices_cover_no_button_at_any_width(page: Page, service: Played) -> None:
    job = service.submit("a_shot_with_quite_a_long_name")
    for width in (375, 768, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        page.goto(f"{page.url.partition('#')[0]}#/shot/{job}")
        page.evaluate("""async () => { const { notice } = await import('./dom.js');
            for (const words of ['one', 'two', 'three ' + 'long '.repeat(60)]) notice(words); }""")
        expect(page.locator(".notice")).to_have_count(3)
        assert page.evaluate(COVERED) == [], width
        page.goto(f"{page.url.partition('#')[0]}#/")
        expect(page.locator("li.job")).to_have_count(1)
        assert page.evaluate(COVERED) == [], width


def test_a_browsed_path_may_be_edited(page: Page, service: Played) -> None:
    for name in ("hero", "hera"):
        write_shot(service.folder / name, range(1001, 1003))
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name="hero").click()
    dialog.get_by_role("button", name="green").click()
    field = dialog.get_by_label("Plate")
    field.fill(field.input_value().replace("hero", "hera"))
    dialog.get_by_role("button", name="Key this shot").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("li.job .plate")).to_contain_text("hera")


def test_an_accepted_shot_asks_for_nothing_any_more(page: Page, service: Played, tmp_path: Path) -> None:
    """The row tells the holes, and neither to replace plates nor to accept."""
    fix = "Replace their plates and retry, or accept the result with these holes."
    holes = Problem(kind="incomplete", message="1 of 3 frames failed (1002).", fix=fix)
    add(service.store, 1, state=JobState.DONE, problem=holes, output=tmp_path / "v001")
    page.reload()
    row = page.locator("li.job")
    expect(row.locator(".trouble")).to_contain_text("1 of 3 frames failed (1002).")
    expect(row.locator(".trouble")).not_to_contain_text("accept the result")
    expect(row.get_by_role("button", name="Accept")).to_have_count(0)


@pytest.mark.parametrize(
    ("state", "said"), [(JobState.QUEUED, "frames not counted yet"), (JobState.FAILED, ""), (JobState.CANCELLED, "")]
)
def test_frames_that_will_never_be_counted_are_not_waited_for(
    page: Page, service: Played, state: JobState, said: str
) -> None:
    add(service.store, 1, state=state, frames=())
    page.reload()
    expect(page.locator("li.job .figures")).to_have_text(said)
