"""Going through the frames of a shot while its pictures take long: in a real browser, pictures held by the test."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.service.web.screen import is_white, opened, until_shown

LONG_MS = 500  # several frames of play
pytestmark = pytest.mark.timeout(300)


class Held:
    """Pictures of alpha that the page has asked for; it gets them when the test lets it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route("**/alpha.png*", lambda route: self._routes.append(route))

    @property
    def frames(self) -> list[int]:
        """Which frames were asked for, in that order."""
        return [frame_of(route.request) for route in self._routes]

    def until_asked_for(self, frame: int) -> None:
        for _ in range(600):
            if frame in self.frames:
                return
            self._page.wait_for_timeout(50)
        raise AssertionError(f"{frame} is never asked for; {self.frames} are")

    def let(self, frame: int) -> None:
        """Give the page the picture of a frame."""
        next(route for route in self._routes if frame_of(route.request) == frame).continue_()


def is_alpha(request: Request) -> bool:
    return "/alpha.png" in request.url


def frame_of(request: Request) -> int:
    return int(request.url.split("/frames/")[1].split("/")[0])


def scrub(page: Page, *indices: int) -> None:
    """Draw the slider over frames at once."""
    page.locator(".track input").evaluate(
        """(slider, indices) => {
            for (const index of indices) {
                slider.value = index;
                slider.dispatchEvent(new Event("input"));
            }
        }""",
        indices,
    )


def test_a_scrub_asks_for_no_frame_between_the_one_on_its_way_and_the_last(page: Page, hero: str) -> None:
    opened(page, hero)
    held = Held(page)
    page.keyboard.press("3")
    held.until_asked_for(1001)
    scrub(page, 1, 2, 3, 4)
    expect(page.locator("#frame")).to_contain_text("1005")
    held.let(1001)
    held.until_asked_for(1005)
    assert held.frames == [1001, 1005]
    held.let(1005)
    held.until_asked_for(1006)  # ahead, once the picture is there
    until_shown(page, 0.5, 0.5, is_white)
    assert held.frames == [1001, 1005, 1006]


def test_a_picture_that_is_fetched_ahead_is_given_up_when_one_goes_elsewhere(page: Page, hero: str) -> None:
    opened(page, hero)
    held = Held(page)
    page.keyboard.press("3")
    held.until_asked_for(1001)
    held.let(1001)
    until_shown(page, 0.5, 0.5, is_white)
    page.keyboard.press("ArrowRight")
    held.until_asked_for(1002)
    held.let(1002)
    held.until_asked_for(1003)
    with page.expect_event("requestfailed", lambda request: is_alpha(request) and frame_of(request) == 1003):
        page.keyboard.press("End")
    with page.expect_event("requestfailed", lambda request: is_alpha(request) and frame_of(request) == 1006):
        page.keyboard.press("Escape")


def test_play_waits_for_each_picture_and_leaves_none_out(page: Page, hero: str) -> None:
    opened(page, hero)
    held = Held(page)
    page.keyboard.press("3")
    held.until_asked_for(1001)
    held.let(1001)
    page.keyboard.press("Space")
    held.until_asked_for(1002)
    page.evaluate("(wait) => new Promise((done) => setTimeout(done, wait))", LONG_MS)
    expect(page.locator("#frame")).to_contain_text("1002")
    for frame in range(1002, 1006):
        held.let(frame)
        held.until_asked_for(frame + 1)
    held.let(1006)
    expect(page.locator("#frame")).not_to_contain_text("1006")  # it goes on from the first, which is there already
    assert held.frames == list(range(1001, 1007))
    page.get_by_role("button", name="Stop playing").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_settings_on_trial_are_keyed_on_the_frame_that_is_rested_on(page: Page, hero: str) -> None:
    opened(page, hero)
    page.get_by_label("Despill").fill("0")
    told = page.locator(".go [role=status]")
    expect(told).to_have_text(re.compile("^You see these settings"))
    asked: list[int] = []
    page.on(
        "request",
        lambda request: asked.append(request.post_data_json["frame"]) if request.url.endswith("/preview") else None,
    )
    scrub(page, 1, 2, 3, 4)
    expect(told).to_have_text(re.compile("^You see these settings"))
    assert asked == [1005]
