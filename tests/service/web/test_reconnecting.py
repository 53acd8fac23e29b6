"""The page while the service goes away and comes back: it says so, and goes on by itself."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.service.serving import serving
from tests.service.shots_on_disk import write_shot
from tests.service.web.browser import chromium, signed_in


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.timeout(300)
def test_a_page_survives_a_restart_of_its_service_and_stays_signed_in(tmp_path: Path) -> None:
    home, port = tmp_path / "home", str(free_port())
    with chromium() as browser:
        with serving(home, port=port) as service, signed_in(browser, service) as page:
            expect(page.locator("#link")).to_have_text("Live")
            page.evaluate("() => { window.sameDocument = true; }")
            service.process.terminate()
            service.process.wait(60)
            expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
            with serving(home, port=port):
                expect(page.locator("#link")).to_have_text("Live", timeout=60_000)
                write_shot(home / "drop" / "later", range(1, 3), 48, 32)
                expect(page.locator("li.job", has_text="later/green")).to_be_visible(timeout=60_000)
                assert page.evaluate("() => window.sameDocument") is True
