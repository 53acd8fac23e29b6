"""The page while the service goes away and comes back: it says so, and goes on by itself where it was."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from service.api.events import MOST_REPLAYED
from service.bench_api import fill
from service.exr import ExrHeader, write_foreground
from service.jobs import FrameResult, FrameState, JobState
from service.store import JobStore
from tests.service.jobs_in_store import add
from tests.service.serving import serving
from tests.service.shots_on_disk import write_shot
from tests.service.web.browser import signed_in
from tests.service.web.screen import serious

JOBS = 300
PAGE = 100


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def read_to_the_end(page: Page, jobs: int) -> None:
    rows = page.locator("li.job")
    page.mouse.move(400, 500)
    for read in range(PAGE, jobs, PAGE):
        rows.nth(read - 1).scroll_into_view_if_needed()
        page.mouse.wheel(0, 10_000)
        expect(rows.nth(read)).to_be_attached()
    expect(rows).to_have_count(jobs)


@pytest.mark.timeout(300)
def test_a_page_goes_on_where_it_was_when_its_service_is_back(browser: Browser, tmp_path: Path) -> None:
    home, port = tmp_path / "home", str(free_port())
    home.mkdir()
    fill(home / "jobs.sqlite", JOBS)
    with serving(home, port=port) as service, signed_in(browser, service) as page:
        rows = page.locator("li.job")
        expect(page.locator("#link")).to_have_text("Live")
        expect(rows).to_have_count(PAGE)
        page.evaluate("() => { window.sameDocument = true; }")
        read_to_the_end(page, JOBS)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
        service.process.terminate()
        service.process.wait(60)
        expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
        assert serious(page) == []
        write_shot(home / "drop" / "later", range(1, 3), 48, 32)
        with serving(home, port=port):
            expect(page.locator("#link")).to_have_text("Live", timeout=60_000)
            expect(rows.first).to_contain_text("later/green", timeout=60_000)
            expect(rows).to_have_count(JOBS + 1)
            assert rows.last.is_visible() and page.locator(".queue .list").evaluate("(list) => list.scrollTop") > 0
            assert asked and all("since=" in url for url in asked)
            assert page.evaluate("() => window.sameDocument") is True
            if os.name != "nt":  # which does not rename a folder that is watched
                (home / "drop").rename(home / "elsewhere")
                expect(page.locator(".machine")).to_contain_text("Offline: see to its disk or share", timeout=60_000)


def miss_too_much(database: Path) -> None:
    """Let more happen to the newest job than a page that comes back is told one by one."""
    store = JobStore(database)
    newest = store.list(limit=1).jobs[0]
    frames = [FrameResult(frame=number, state=FrameState.DONE) for number in range(MOST_REPLAYED + 1)]
    store.record_frames(newest.id, frames)
    store.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("shown", "jobs"), [("All", JOBS), ("Done", JOBS // 2)])
def test_a_list_that_begins_anew_stays_as_far_down_as_it_was_read(
    browser: Browser, tmp_path: Path, shown: str, jobs: int
) -> None:
    home, port = tmp_path / "home", str(free_port())
    home.mkdir()
    fill(home / "jobs.sqlite", JOBS)
    with serving(home, port=port) as service, signed_in(browser, service) as page:
        expect(page.locator("#link")).to_have_text("Live")
        page.get_by_role("button", name=re.compile(f"^{shown}")).click()
        read_to_the_end(page, jobs)
        depth = page.locator(".queue .list").evaluate("(list) => list.scrollTop")
        page.locator("ul.jobs").evaluate(
            """(list) => {
                window.fewest = list.children.length;
                const count = () => { window.fewest = Math.min(window.fewest, list.children.length); };
                new MutationObserver(count).observe(list, { childList: true });
            }"""
        )
        service.process.terminate()
        service.process.wait(60)
        miss_too_much(home / "jobs.sqlite")
        again = itertools.count(2)
        last_page = lambda reply: "cursor=" in reply.url and next(again) * PAGE >= jobs  # noqa: E731
        with page.expect_response(last_page, timeout=60_000) as read, serving(home, port=port):
            assert read.value.ok
            newest = page.locator("li.job").first
            expect(newest.locator(".figures")).to_contain_text(str(MOST_REPLAYED + 1))
            page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            assert page.evaluate("() => window.fewest") == jobs
            expect(page.locator("li.job")).to_have_count(jobs)
            assert page.locator(".queue .list").evaluate("(list) => list.scrollTop") >= depth > 0


def keep_private_shot(home: Path, folder: Path) -> str:
    """Put a finished job into the store whose plate lies in ``folder``, beyond the roots; returns its id."""
    place = home / "output" / "s1" / "v001"
    store = JobStore(home / "jobs.sqlite")
    shot = write_shot(folder, (1,))
    job = add(store, 1, shot=shot, output=place, state=JobState.DONE, frames=shot.frames)
    store.record_frames(job.id, [FrameResult(frame=1, state=FrameState.DONE)])
    store.close()
    (place / "foreground").mkdir(parents=True)
    shade, alpha = np.full((32, 48, 3), 0.5, np.float32), np.ones((32, 48), np.float32)
    write_foreground(place / "foreground" / f"{shot.name}_foreground.0001.exr", shade, alpha, ExrHeader())
    return job.id


@pytest.mark.timeout(300)
def test_pictures_are_looked_at_again_when_the_service_is_back_with_other_roots(
    browser: Browser, tmp_path: Path
) -> None:
    home, private, port = tmp_path / "home", tmp_path / "private", str(free_port())
    home.mkdir()
    job = keep_private_shot(home, private)
    with serving(home, port=port) as service, signed_in(browser, service) as page:
        expect(page.locator(f'li[data-id="{job}"] .why')).to_contain_text(f"Add '{private}' to extra_roots")
        other = page.context.new_page()
        other.goto(f"{service.found.url}/#/shot/{job}")
        expect(other.locator(".viewer .sentence")).to_contain_text(f"Add '{private}' to extra_roots")
        expect(other.locator(".thumbs")).to_contain_text("No picture")
        late = page.context.new_page()
        late.goto(service.found.url)
        expect(late.locator("li.job")).to_have_count(1)
        service.process.terminate()
        service.process.wait(60)
        expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
        late.locator("a.open").click()
        expect(late.locator(".viewer .sentence")).to_have_text("The service does not answer.")
        with serving(home, port=port, extra_roots=json.dumps([str(private)])):
            expect(page.locator(f'li[data-id="{job}"] img')).to_have_class("loaded", timeout=60_000)
            expect(page.locator(f'li[data-id="{job}"] .why')).to_be_hidden()
            expect(other.locator(".viewer .sentence")).to_have_text("", timeout=60_000)
            expect(other.locator(".near")).to_contain_text("Fit")
            expect(other.locator(".thumbs img")).to_have_count(1)
            expect(late.locator(".near")).to_contain_text("Fit", timeout=60_000)
