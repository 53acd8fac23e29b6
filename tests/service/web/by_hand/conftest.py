"""A service of its own for each test, whose worker the test plays, and a page of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.web.browser import signed_in
from tests.service.web.played import Played, playing


@pytest.fixture
def service(browser: Browser, tmp_path: Path) -> Iterator[Played]:
    with playing(tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser, service: Played) -> Iterator[Page]:
    with signed_in(browser, service) as opened:
        expect(opened.locator("#link")).to_have_text("Live")
        yield opened
