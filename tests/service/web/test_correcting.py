"""Strokes on the page, in a real browser over the real service: seen at once, undone, carried, keyed as a version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from model.settings import KeySettings
from service.client import Client
from service.jobs import JobRequest, JobState
from tests.service.panning import HEIGHT, PIECE, STEP, WIDTH, piece_in, write_panning
from tests.service.running import until
from tests.service.serving import Service
from tests.service.web.screen import DONE_MS, opened, stored, until_shown

pytestmark = pytest.mark.timeout(300)
FRAMES = range(1, 7)
SEEN = re.compile("^You see these settings")


def asking(service: Service) -> Client:
    return Client(service.found.url, service.found.token_file.read_text(encoding="utf-8").strip())


@pytest.fixture(scope="module")
def pan(service: Service, shots: Path) -> str:
    """A panning shot of six frames, keyed by the difference keyer; returns its job's id."""
    write_panning(shots / "pan", FRAMES)
    with asking(service) as client:
        job = client.submit(JobRequest(plate=str(shots / "pan"), settings=KeySettings(keyer="difference"))).id
        until(lambda: client.job(job).state is JobState.DONE, "it is keyed", DONE_MS / 1000, 0.2)
    return job


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return where a place in the plate is on the screen, while the picture fits the viewer."""
    box = page.locator(".viewer canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    left = box["x"] + (box["width"] - WIDTH * scale) / 2
    top = box["y"] + (box["height"] - HEIGHT * scale) / 2
    return left + x * scale, top + y * scale


def draw(page: Page, *points: tuple[float, float]) -> None:
    """Draw through places in the plate."""
    places = [on_screen(page, *point) for point in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def is_dark(red: int, green: int, blue: int) -> bool:
    """Black, or the red of a stroke that removes, over black."""
    return green < 60 and blue < 60


def is_bright(red: int, green: int, blue: int) -> bool:
    return min(red, green, blue) > 140


def share(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return where a place in the plate is, as a share of the viewer."""
    box = page.locator(".viewer canvas").bounding_box()
    assert box is not None
    right, down = on_screen(page, x, y)
    return (right - box["x"]) / box["width"], (down - box["y"]) / box["height"]


def test_a_stroke_is_seen_at_once_undone_and_keyed_as_the_next_version(page: Page, pan: str, service: Service) -> None:
    opened(page, pan, 1)
    page.keyboard.press("3")
    until_shown(page, *share(page, *PIECE), is_bright)
    page.get_by_role("group", name="Tool").get_by_text("Remove").click()
    page.get_by_label("Brush, pixels").fill("44")
    trial = page.locator(".title .trial")
    expect(trial).to_be_hidden()
    draw(page, (PIECE[0], PIECE[1] - 40), (PIECE[0], HEIGHT - 3))
    expect(page.locator(".go [role=status]")).to_have_text(SEEN)
    expect(trial).to_be_visible()
    until_shown(page, *share(page, *PIECE), is_dark)

    page.keyboard.press("ArrowRight")
    expect(page.locator(".go [role=status]")).to_have_text(SEEN)
    until_shown(page, *share(page, PIECE[0] - STEP, PIECE[1]), lambda *color: max(color) < 5)
    page.keyboard.press("Home")
    expect(page.locator(".go [role=status]")).to_have_text(SEEN)

    page.keyboard.press("Control+z")
    expect(trial).to_be_hidden()
    until_shown(page, *share(page, *PIECE), is_bright)
    draw(page, (PIECE[0], PIECE[1] - 40), (PIECE[0], HEIGHT - 3))
    expect(trial).to_be_visible()

    page.get_by_role("button", name=re.compile("Key again as")).click()
    expect(page.locator(".title h1")).to_have_text("pan v002")
    expect(page.locator(".title .state")).to_have_text("Done", timeout=DONE_MS)
    expect(trial).to_be_hidden()
    expect(page.get_by_role("button", name="Go to frame 1, 1 stroke")).to_be_visible()
    made = page.url.rsplit("/", 1)[1]
    for frame in FRAMES:
        assert stored(service, made, "alpha", frame)["A"][piece_in(frame)].max() < 0.01, frame


def test_a_correction_is_drawn_with_the_keyboard_alone(page: Page, pan: str) -> None:
    opened(page, pan, 1)
    page.locator(".viewer canvas").focus()
    for key in ("3", "p", "k", ".", ".", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".title .trial")).to_be_visible()
    expect(page.get_by_role("button", name="Keep", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Go to frame 1, 1 stroke")).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".title .trial")).to_be_hidden()


def test_the_button_that_keys_again_is_in_sight_however_small_the_page(page: Page, pan: str) -> None:
    for width, height in ((1366, 768), (768, 1024), (375, 812)):
        page.set_viewport_size({"width": width, "height": height})
        opened(page, pan, 1)
        expect(page.get_by_role("button", name=re.compile("Key again as"))).to_be_in_viewport(ratio=0.9)
