"""The first hour on the page: three steps over an empty queue, ticked when done, and gone when all of them are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from service.api import welcome
from service.panel_bundle import NAME, panel_text
from tests.service.web.browser import signed_in
from tests.service.web.played import Played, playing
from tests.service.web.screen import serious

pytestmark = pytest.mark.timeout(300)
DOCTOR_MS = 120_000  # it loads torch


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two versions of After Effects as they lie on a disk; one has an old panel."""
    places = [tmp_path / "After Effects" / number / "Scripts" / "ScriptUI Panels" for number in ("24.6", "26.0")]
    places[0].mkdir(parents=True)
    (places[0] / NAME).write_text("an older panel", encoding="utf-8")
    (places[1].parents[1]).mkdir(parents=True)
    monkeypatch.setattr(welcome, "panel_folders", lambda: places)
    return places


@pytest.fixture
def service(browser: Browser, tmp_path: Path, versions: list[Path]) -> Iterator[Played]:
    with playing(tmp_path) as running:
        yield running


def steps(page: Page) -> Locator:
    return page.get_by_role("region", name="Key your first shot")


def step(page: Page, title: str) -> Locator:
    return steps(page).locator(".step", has_text=title)


def test_the_panel_is_put_into_each_version_by_a_button(page: Page, versions: list[Path]) -> None:
    panel = step(page, "Put the panel into After Effects")
    expect(panel).to_contain_text("After Effects 24.6 has the panel of another version")
    expect(panel).to_contain_text("After Effects 26.0 has no panel yet")
    panel.get_by_role("button", name="Put the panel into all of them").click()
    expect(panel).to_contain_text("Restart After Effects")
    expect(panel).to_have_class("step done")
    assert [(place / NAME).read_text(encoding="utf-8") for place in versions] == [panel_text()] * 2


def test_folders_can_be_copied_and_the_line_about_the_machine_says_where_keying_runs(
    page: Page, service: Played
) -> None:
    expect(steps(page).locator(".path")).to_have_text([str(service.folder), str(service.folder.parent / "out")])
    expect(steps(page)).to_contain_text(".dropkey.json")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    steps(page).get_by_role("button", name="Copy the drop folder's path").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == str(service.folder)
    expect(steps(page).locator(".condition")).to_contain_text("torch", timeout=DOCTOR_MS)
    assert serious(page) == []


def test_the_sample_shot_is_dropped_whole_by_a_button(page: Page, service: Played) -> None:
    shot = step(page, "Drop a shot")
    shot.get_by_role("button", name="Drop the sample shot").click()
    expect(shot).to_contain_text("The sample shot is in the drop folder.", timeout=DOCTOR_MS)
    held = sorted(file.name for file in (service.folder / welcome.SAMPLE).iterdir())
    assert len(held) == 13 and held[-1].endswith(".ready")


def test_the_steps_stay_until_the_first_key_is_there_and_do_not_come_again(page: Page, service: Played) -> None:
    service.submit()
    expect(step(page, "Drop a shot")).to_have_class("step done")
    expect(steps(page)).to_be_visible()
    service.start()
    for frame in (1001, 1002, 1003):
        service.finish(frame)
    service.end()
    expect(step(page, "See the result")).to_have_class("step done")
    step(page, "Put the panel").get_by_role("button", name="Put the panel into all of them").click()
    expect(steps(page)).to_be_hidden()
    page.reload()
    expect(page.locator("li.job")).to_have_count(1)
    expect(steps(page)).to_be_hidden()


def test_who_does_not_want_them_hides_them(page: Page, service: Played) -> None:
    service.submit()
    steps(page).get_by_role("button", name="Hide these steps").click()
    expect(steps(page)).to_be_hidden()


def test_a_machine_with_jobs_is_not_welcomed(browser: Browser, service: Played) -> None:
    service.submit()
    with signed_in(browser, service) as page:
        expect(page.locator("li.job")).to_have_count(1)
        expect(steps(page)).to_be_hidden()


def test_from_another_machine_the_panel_is_not_put_in(page: Page, versions: list[Path]) -> None:
    page.route("**/welcome", lambda route: route.fulfill(json=route.fetch().json() | {"here": False}))
    page.reload()
    panel = step(page, "Put the panel into After Effects")
    expect(panel).to_contain_text("panel install")
    expect(panel.get_by_role("button", name="Put the panel")).to_be_hidden()
