"""The page over a store with ten thousand jobs: it reads some, more as one scrolls, and finds any by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from service.bench_api import fill
from tests.service.serving import Service, serving
from tests.service.shots_on_disk import write_shot
from tests.service.web.browser import signed_in

JOBS = 10_000  # s0 to s9999; of each four in a row two are done, one failed, one was cancelled
PAGE = 100
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("many") / "home"


@pytest.fixture(scope="module")
def service(browser: Browser, home: Path) -> Iterator[Service]:
    home.mkdir()
    fill(home / "jobs.sqlite", JOBS)
    with serving(home) as running:
        yield running


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with signed_in(browser, service) as opened:
        expect(opened.locator("#link")).to_have_text("Live")
        expect(opened.locator("li.job")).to_have_count(PAGE)
        yield opened


def names(page: Page) -> list[str]:
    """Return what is listed, also where it is not on the screen, and so not drawn."""
    return [name.removesuffix(" v001") for name in page.locator("li.job a.open").all_text_contents()]


def test_the_newest_are_shown_and_all_are_counted(page: Page) -> None:
    assert names(page) == [f"s{number}" for number in range(JOBS - 1, JOBS - 1 - PAGE, -1)]
    expect(page.locator(".count")).to_have_text(f"{PAGE}+ of {JOBS} jobs")
    for words in (f"All {JOBS}", f"Needs you {JOBS // 4}", f"Done {JOBS // 2}", f"Cancelled {JOBS // 4}"):
        expect(page.get_by_role("button", name=words, exact=True)).to_be_visible()


def test_scrolling_to_the_end_reads_older_jobs_without_a_gap(page: Page) -> None:
    page.mouse.move(400, 500)
    for _ in range(3):
        read = page.locator("li.job").count()
        page.locator("li.job").last.scroll_into_view_if_needed()
        page.mouse.wheel(0, 10_000)
        expect(page.locator("li.job").nth(read)).to_be_attached()
    seen = names(page)
    assert len(seen) >= 4 * PAGE and seen == [f"s{number}" for number in range(JOBS - 1, JOBS - 1 - len(seen), -1)]


def test_the_oldest_job_is_found_by_its_name_and_opened(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("S0")
    expect(page.locator("li.job")).to_have_count(1)
    expect(page.locator(".count")).to_have_text(f"1 of {JOBS} jobs")
    page.locator("li.job a.open", has_text="s0").click()
    expect(page.locator(".title h1")).to_have_text("s0 v001")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search shots")).to_have_value("S0")
    assert names(page) == ["s0"]
    page.get_by_label("Search shots").press("Escape")
    expect(page.locator("li.job")).to_have_count(PAGE)


def test_a_search_within_a_filter_finds_what_fits_both(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Needs you")).click()
    expect(page.locator("li.job").first.locator(".state")).to_have_text("Failed")
    page.get_by_label("Search shots").fill("s99")
    fitting = [n for n in range(JOBS - 1, -1, -1) if str(n).startswith("99") and n % 4 == 1]
    expect(page.locator("li.job")).to_have_count(len(fitting))
    assert names(page) == [f"s{number}" for number in fitting]
    page.get_by_label("Search shots").fill("nobody")
    expect(page.locator(".empty")).to_contain_text("No job fits")
    page.get_by_label("Search shots").fill("")
    page.get_by_role("button", name=re.compile("^All")).click()
    expect(page.locator("li.job")).to_have_count(PAGE)


def test_a_shot_that_arrives_among_them_is_seen_at_once(page: Page, home: Path) -> None:
    write_shot(home / "drop" / "fresh", range(1, 3))
    expect(page.locator("li.job").first).to_contain_text("fresh/green", timeout=60_000)
    expect(page.get_by_role("button", name=f"All {JOBS + 1}", exact=True)).to_be_visible()
    expect(page.locator(".count")).to_have_text(f"{PAGE + 1}+ of {JOBS + 1} jobs")
