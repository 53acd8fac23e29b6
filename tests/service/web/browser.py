"""Finds a Chromium on this machine, installs Debian's where that is allowed, and opens pages of a service in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.service.serving import Service

WIDTH, HEIGHT = 1440, 900
PATIENCE_MS = 30_000
INSTALL_SECONDS = 200.0
"""For all of the installation: it counts against the 300 s of the test that asks first."""

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"{PROGRAMFILES}\Google\Chrome\Application\chrome.exe",
    r"{PROGRAMFILES(X86)}\Microsoft\Edge\Application\msedge.exe",
    r"{LOCALAPPDATA}\Google\Chrome\Application\chrome.exe",
)


def find_browser() -> Path | None:
    """Return Chromium, Chrome or Edge."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    for place in PLACES:
        for variable, value in os.environ.items():
            place = place.replace(f"{{{variable.upper()}}}", value)
        if Path(place).is_file():
            return Path(place)
    return None


def install_browser() -> Path | None:
    """Install Debian's chromium where we may; a machine without network or another system stays as it is."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return None
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    end = time.monotonic() + INSTALL_SECONDS
    for command in (install, ["apt-get", "update"], install):
        try:
            left = max(0.0, end - time.monotonic())
            done = subprocess.run(command, env=quiet, capture_output=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            break
        if done.returncode == 0 and command is install:
            break
    return find_browser()


def browser_or_skip() -> Path:
    """Return a browser; without one, fail where CI promised to prove this, and skip loudly elsewhere."""
    found = find_browser() or install_browser()
    if found is None:
        words = "NO CHROMIUM HERE: what these tests prove about the page stays unproven. Install Chromium or Chrome."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(words)
        pytest.skip(words)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser with an empty profile."""
    program = browser_or_skip()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(program), args=ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def signed_in(browser: Browser, service: Service) -> Iterator[Page]:
    """Open the page by a one-time link, as `dropkey serve` prints it; scripts that fail, fail the test."""
    link = service.post("/browser-links").json()["url"]
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)  # what a worker keys for the page takes as long as the machine is busy
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        page.goto(link)
        yield page
        assert broken == []
    finally:
        context.close()
