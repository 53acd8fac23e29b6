"""One browser for all tests of the page, and one service whose shots most of them look at: starting both takes long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.running import until
from tests.service.serving import Service, serving
from tests.service.shots_on_disk import plate_pixels, write_plate, write_shot
from tests.service.web.browser import chromium, signed_in
from tests.service.web.screen import DONE_MS, HEIGHT, LIGHT, SPILL, WIDTH

PATIENCE = DONE_MS / 1000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "home"


@pytest.fixture(scope="package")
def shots(home: Path) -> Path:
    """A root that is browsed, not watched."""
    folder = home.parent / "shots"
    folder.mkdir()
    return folder


@pytest.fixture(scope="package")
def service(browser: Browser, home: Path, shots: Path) -> Iterator[Service]:
    with serving(home, extra_roots=json.dumps([str(shots)])) as running:
        yield running


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with signed_in(browser, service) as opened:
        yield opened


@pytest.fixture(scope="package")
def hero(browser: Browser, service: Service, home: Path) -> str:
    """A shot of six frames that is dropped and watched until it is done; returns its job's id."""
    with signed_in(browser, service) as page:
        expect(page.locator("#link")).to_have_text("Live")
        page.evaluate("() => { window.sameDocument = true; }")
        write_spilled_shot(home / "drop" / "hero")
        row = page.locator("li.job", has_text="hero/green")
        expect(row.locator(".state")).to_have_text("Done", timeout=DONE_MS)
        expect(row.locator(".figures")).to_contain_text("6 / 6")
        expect(row.locator("img")).to_have_class("loaded")
        assert page.evaluate("() => window.sameDocument") is True
        return str(row.get_attribute("data-id"))


def write_spilled_shot(folder: Path) -> None:
    """Write six frames: the screen's green light falls on the subject, and pixels of 1004 are no numbers."""
    for frame in range(1001, 1007):
        pixels = plate_pixels(frame, WIDTH, HEIGHT)
        pixels[SPILL.rows, SPILL.columns] = SPILL.color
        if frame == 1004:
            pixels[4:7, 4:7] = np.nan
        write_plate(folder / f"green.{frame}.exr", pixels)


@pytest.fixture(scope="package")
def long(service: Service, home: Path) -> str:
    """A shot that is keyed for a while, cancelled once it was begun; returns its job's id."""
    write_shot(home / "drop" / "long", range(1, 500), WIDTH, HEIGHT)
    job = _job_in(service, "long", "running")
    service.post(f"/jobs/{job}/cancel")
    return _job_in(service, "long", "cancelled")


@pytest.fixture(scope="package")
def lit(service: Service, home: Path) -> str:
    """A shot of two frames: in the first a lamp is brighter than 1, the other cannot be read; returns its job's id."""
    shot = write_shot(home.parent / "lit", range(1001, 1003), WIDTH, HEIGHT)
    pixels = plate_pixels(1001, WIDTH, HEIGHT)
    pixels[LIGHT.rows, LIGHT.columns] = LIGHT.color
    write_plate(shot.folder / "green.1001.exr", pixels)
    broken = shot.folder / "green.1002.exr"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    shot.folder.rename(home / "drop" / "lit")
    (home / "drop" / "lit.ready").touch()  # or half a file would be waited for
    return _job_in(service, "lit", "needs_attention")


def _job_in(service: Service, name: str, state: str) -> str:
    def found() -> str | None:
        fits = (job for job in service.jobs() if Path(job["plate"]).parent.name == name and job["state"] == state)
        return next((str(job["id"]) for job in fits), None)

    return until(found, f"{name} is {state}", PATIENCE, every=0.2)
