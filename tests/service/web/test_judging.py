"""Judging a key: versions beside each other, alpha in three colors, white behind; changing version keeps the look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from model.settings import KeySettings
from service.client import Client
from service.jobs import JobRequest, JobState
from tests.service.panning import HEIGHT, PIECE, SUBJECT, WIDTH, removing, write_panning
from tests.service.running import until
from tests.service.serving import Service
from tests.service.web.screen import DONE_MS, opened, serious, until_shown

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def two(service: Service, shots: Path) -> tuple[str, str]:
    """Two versions of a shot, the second without its piece of set; returns their jobs' ids."""
    write_panning(shots / "judged", range(1, 4))
    plain = JobRequest(plate=str(shots / "judged"), settings=KeySettings(keyer="difference"), fps="24000/1001")
    corrected = plain.model_copy(update={"mattes": plain.mattes.model_copy(update={"corrections": removing()})})
    token = service.found.token_file.read_text(encoding="utf-8").strip()
    with Client(service.found.url, token) as client:
        jobs = [client.submit(request).id for request in (plain, corrected)]
        until(lambda: all(client.job(job).state is JobState.DONE for job in jobs), "keyed", DONE_MS / 1000, 0.2)
    return jobs[0], jobs[1]


def share(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return where a place in the plate is, as a share of the viewer, while the picture fits."""
    box = page.locator(".viewer canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    return 0.5 + (x - WIDTH / 2) * scale / box["width"], 0.5 + (y - HEIGHT / 2) * scale / box["height"]


def is_black(*color: int) -> bool:
    return max(color) < 6


def is_bright(*color: int) -> bool:
    return min(color) > 200


def test_two_versions_are_compared_by_difference_and_wipe_with_both_sides_named(
    page: Page, two: tuple[str, str]
) -> None:
    opened(page, two[1], 1)
    page.keyboard.press("3")
    page.keyboard.press("d")
    page.get_by_label("Compare with").select_option(label="B: v001")
    until_shown(page, *share(page, *PIECE), is_bright)
    until_shown(page, *share(page, *SUBJECT), is_black)
    expect(page.locator(".label.a")).to_have_text("A: v002 alpha")
    expect(page.locator(".label.b")).to_have_text("B: v001 alpha")
    page.keyboard.press("w")
    until_shown(page, *share(page, *PIECE), is_bright)  # right of the wipe stands v001
    assert serious(page) == []
    page.keyboard.press("w")
    expect(page.locator(".label.a")).to_be_hidden()


def test_going_to_another_version_keeps_frame_view_exposure_and_zoom(page: Page, two: tuple[str, str]) -> None:
    opened(page, two[0], 1)
    for key in ("3", "ArrowRight", "e", "h"):
        page.keyboard.press(key)
    expect(page.locator(".near")).to_have_text("100 %")
    page.get_by_role("navigation", name="Versions").get_by_text("v002").click()
    expect(page.locator(".title h1")).to_contain_text("v002")
    expect(page.locator("#frame")).to_contain_text("2  (2 of 3)")
    expect(page.locator(".near")).to_have_text("100 %")
    expect(page.get_by_role("button", name="Alpha", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Exposure")).to_have_value("0.5")


def test_alpha_is_seen_in_three_colors_over_the_plate_and_on_white(page: Page, two: tuple[str, str]) -> None:
    opened(page, two[0], 1)
    page.keyboard.press("6")
    until_shown(page, *share(page, *SUBJECT), lambda *color: color == (235, 235, 235))
    until_shown(page, *share(page, 60, 100), lambda *color: color == (16, 16, 16))
    page.keyboard.press("5")
    until_shown(page, *share(page, 60, 100), lambda red, green, blue: red > green and red > 2 * blue)
    page.get_by_role("button", name="White").click()
    until_shown(page, *share(page, 60, 100), lambda *color: min(color) > 250)


def test_play_stays_between_in_and_out_point(page: Page, two: tuple[str, str]) -> None:
    opened(page, two[0], 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="In", exact=True)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    page.evaluate(
        """() => {
            window.seen = new Set();
            const frame = document.querySelector("#frame");
            const changed = () => window.seen.add(frame.textContent[0]);
            new MutationObserver(changed).observe(frame, { childList: true, characterData: true, subtree: true });
        }"""
    )
    page.wait_for_function("() => window.seen.size >= 2")
    page.keyboard.press("Space")
    assert page.evaluate("() => [...window.seen].sort()") == ["2", "3"]


def test_the_shot_has_one_grade_in_words(page: Page, two: tuple[str, str]) -> None:
    opened(page, two[0], 1)
    expect(page.locator(".grade")).to_have_text(re.compile(r"^[A-Z].*\.$"))
