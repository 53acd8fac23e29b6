"""The page in a real browser, over the real service and its real worker: what an artist does, seen on the screen."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.serving import Service
from tests.service.shots_on_disk import plate_pixels, write_plate, write_shot
from tests.service.web.screen import DONE_MS, HEIGHT, WIDTH, opened, serious

pytestmark = pytest.mark.timeout(300)


def test_a_dropped_shot_is_watched_until_it_is_done_without_a_reload(hero: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", hero)


def test_a_running_job_tells_its_rate_and_is_cancelled_and_taken_up_again(page: Page, long: str) -> None:
    row = page.locator(f'li[data-id="{long}"]')
    retry = row.get_by_role("button", name=re.compile("^Retry"))
    retry.click()
    expect(row.locator(".figures")).to_have_text(re.compile(r"\d fps · .*\d s left$"), timeout=DONE_MS)
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(row.locator(".state")).to_have_text("Cancelled")
    retry.click()
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


def test_the_machine_is_told_beside_the_queue(page: Page, hero: str, home: Path) -> None:
    machine = page.locator(".machine")
    worker = machine.locator("section", has_text="Workers")
    expect(worker).to_contain_text(re.compile(r"Memory: [\d.]+ [GM]iB of [\d.]+ GiB"))
    expect(worker.locator("li.well meter")).to_have_count(1)
    worker.get_by_role("button", name="Drain").click()
    expect(worker).to_contain_text("Drained")
    worker.get_by_role("button", name="Take back").press("Enter")
    expect(worker).to_contain_text("Ready")
    expect(worker.get_by_role("button", name="Drain")).to_be_focused()
    folder = machine.locator("section", has_text="Folders").locator("li.well", has_text=str(home / "drop"))
    expect(folder).to_contain_text(re.compile(r"Watched · [\d.]+ [GM]iB free"))
    expect(machine.locator("section", has_text="Output disk")).to_contain_text("GiB free in")


def test_a_shot_is_found_in_the_roots_and_keyed(page: Page, hero: str, home: Path) -> None:
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name="hero").click()
    dialog.get_by_role("button", name="green").click()
    expect(dialog.get_by_label("Plate")).to_have_value(str(home / "drop" / "hero" / "green.####.exr"))
    dialog.get_by_role("button", name="Key this shot").click()
    expect(page.get_by_text("is keyed already")).to_be_visible()
    expect(dialog).to_have_count(0)


def drop(page: Page, onto: str, carried: dict[str, str], file: str | None = None) -> None:
    """Drop text, by its type, and a file without a path onto an element, as a file manager does."""
    page.locator(onto).evaluate(
        """(target, [carried, file]) => {
            const dataTransfer = new DataTransfer();
            for (const [type, text] of Object.entries(carried)) dataTransfer.setData(type, text);
            if (file) dataTransfer.items.add(new File(["picture"], file));
            target.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        [carried, file],
    )


def test_a_shot_is_keyed_by_dragging_its_address_onto_the_page(page: Page, shots: Path) -> None:
    shot = write_shot(shots / "a take", range(1001, 1003), WIDTH, HEIGHT)
    address = (shot.folder / "green.1001.exr").as_uri()
    assert "%20" in address
    drop(page, "#content", {"text/uri-list": f"# from a file manager\r\n{address}\r\n"})
    dialog = page.get_by_role("dialog", name="Key a shot")
    expect(dialog.get_by_label("Plate")).to_have_value((shot.folder / "green.1001.exr").as_posix())
    dialog.get_by_role("button", name="Key this shot").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("li.job", has_text="a take")).to_be_visible()


def test_a_dragged_path_loses_its_quotes_and_a_file_without_one_is_answered_with_what_to_do(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Key a shot")
    drop(page, "#content", {}, file="plate.1001.exr")
    expect(dialog.get_by_role("alert")).to_contain_text("does not tell where “plate.1001.exr” lies. Paste its path")
    drop(page, "dialog", {"text/plain": '"/shots/a take/100% green.####.exr"'})
    expect(dialog.get_by_label("Plate")).to_have_value("/shots/a take/100% green.####.exr")
    drop(page, "dialog", {"text/uri-list": "file:///shots/100%%20green.mov"})
    expect(dialog.get_by_label("Plate")).to_have_value("/shots/100%%20green.mov")  # no address that could be read
    for address, path in (
        ("file://server/share/a%20take/green.mov", "//server/share/a take/green.mov"),
        ("file://localhost/shots/green.mov", "/shots/green.mov"),
        ("file:///S:/shots/green.mov", "S:/shots/green.mov"),
    ):
        drop(page, "dialog", {"text/uri-list": address})
        expect(dialog.get_by_label("Plate")).to_have_value(path)


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
    name = "<img src=x onerror=alert(1)>&lt;b&gt;"
    safe = name.replace("<", "_").replace(">", "_")  # as the folder of its result is called
    for frame in (1, 2):
        write_plate(home / "drop" / name / f"{name}.{frame:04d}.exr", plate_pixels(frame, WIDTH, HEIGHT))
    row = page.locator("li.job", has_text=name)
    expect(row).to_be_visible(timeout=DONE_MS)
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Key a shot")
    dialog.get_by_role("button", name="drop").first.click()
    dialog.get_by_role("button", name=name).click()
    expect(dialog.locator(".where")).to_contain_text(name)
    expect(dialog.locator(".to-shot")).to_contain_text(safe)
    expect(page.locator('img[src="x"]')).to_have_count(0)
    page.keyboard.press("Escape")
    row.locator("a.open").click()
    expect(page.locator(".title h1")).to_have_text(f"{safe} v001")
    expect(page.locator('img[src="x"]')).to_have_count(0)


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


def test_what_failed_and_what_is_on_trial_have_no_serious_accessibility_finding(
    page: Page, hero: str, lit: str
) -> None:
    row = page.locator(f'li[data-id="{lit}"]')
    expect(row.locator(".state")).to_have_text("Needs attention")
    expect(row.locator(".trouble")).to_be_visible()
    assert serious(page) == []
    opened(page, lit)
    page.keyboard.press("n")
    expect(page.locator(".viewer .sentence")).to_contain_text("Frame 1002")
    assert serious(page) == []
    opened(page, hero)
    page.get_by_label("Find the screen color").uncheck()
    page.get_by_label("Despill").focus()
    page.keyboard.press("Home")
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    assert serious(page) == []


def test_who_is_not_let_in_is_told_how_to_get_in(browser: Browser, service: Service) -> None:
    page = browser.new_page()
    page.goto(service.found.url)
    expect(page.locator("#link")).to_have_text("Not signed in")
    expect(page.locator(".empty")).to_contain_text("run.py open")
    expect(page.locator(".machine li")).to_contain_text(["Not known."] * 3)
    expect(page.locator("body")).not_to_contain_text("Bearer")
    assert serious(page) == []
    page.close()
