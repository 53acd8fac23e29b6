"""The page while the service goes away and comes back: it says so, and goes on by itself where it was."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from service.bench_api import fill
from tests.service.serving import serving
from tests.service.shots_on_disk import write_shot
from tests.service.web.browser import signed_in

JOBS = 300
PAGE = 100


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
        page.mouse.move(400, 500)
        for read in range(PAGE, JOBS, PAGE):
            rows.nth(read - 1).scroll_into_view_if_needed()
            page.mouse.wheel(0, 10_000)
            expect(rows.nth(read)).to_be_attached()
        expect(rows).to_have_count(JOBS)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
        service.process.terminate()
        service.process.wait(60)
        expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
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
                expect(page.locator(".machine")).to_contain_text("Away: see to its disk or share", timeout=60_000)
