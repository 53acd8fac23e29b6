"""Ways to look at a shot, refined edges on trial, and what to do about a frame that failed; in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Response, expect

from model.settings import KeySettings
from service.api.trying import PreviewRequest
from service.client import Client
from tests.service.running import until
from tests.service.serving import Service
from tests.service.shots_on_disk import write_shot
from tests.service.web.screen import (
    DONE_MS,
    HEIGHT,
    SPILL,
    WIDTH,
    Color,
    displayed,
    is_middle_grey,
    is_screen,
    is_white,
    opened,
    share_of,
    stored,
    until_shown,
)

EVEN, ODD = 0.24, 0.08
"""Linear values of the checker's squares, which are 16 pixels wide."""

pytestmark = pytest.mark.timeout(300)


def is_grey_of(linear: float, color: Color) -> bool:
    return max(abs(shade - displayed(linear)) for shade in color) < 3


def until_checkered(page: Page) -> None:
    for x, linear in ((5, EVEN), (21, ODD)):
        until_shown(page, *share_of(page, x, 5), lambda *color, linear=linear: is_grey_of(linear, color))


def test_a_composite_over_checker_has_squares_of_two_greys(page: Page, hero: str) -> None:
    opened(page, hero)
    page.get_by_role("button", name="Checker").click()
    until_checkered(page)


def test_o_goes_through_the_backgrounds_and_back_to_the_composite(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("1")
    until_shown(page, *share_of(page, 5, 5), is_screen)
    page.keyboard.press("o")
    until_checkered(page)
    page.keyboard.press("o")
    until_shown(page, *share_of(page, 5, 5), lambda *color: sum(color) < 6)
    page.keyboard.press("o")
    until_shown(page, *share_of(page, 5, 5), is_white)
    page.keyboard.press("o")
    until_shown(page, *share_of(page, 5, 5), lambda *color: is_middle_grey(*color) and not is_white(*color))
    expect(page.get_by_role("button", name="Grey")).to_have_attribute("aria-pressed", "true")


def test_each_channel_is_shown_alone_as_grey(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("1")
    spill = share_of(page, SPILL.x, SPILL.y)
    whole = tuple(displayed(linear) for linear in SPILL.color)
    assert len(set(whole)) == 3
    until_shown(page, *spill, lambda *color: color == whole)
    for key, shade in zip("rgb", whole, strict=True):
        page.keyboard.press(key)
        until_shown(page, *spill, lambda *color, shade=shade: color == (shade,) * 3)
    page.keyboard.press("b")
    until_shown(page, *spill, lambda *color: color == whole)


def test_the_right_of_the_wipe_is_what_b_names(page: Page, hero: str) -> None:
    opened(page, hero)
    against = page.get_by_label("Compare with")
    expect(against).to_be_disabled()
    page.keyboard.press("w")
    until_shown(page, 0.85, 0.1, is_screen)
    against.select_option("alpha")
    until_shown(page, 0.85, 0.1, lambda *color: sum(color) < 6)
    until_shown(page, *share_of(page, WIDTH // 2 + 4, HEIGHT // 2), is_white)
    until_shown(page, 0.15, 0.1, is_middle_grey)


def test_plain_edges_show_on_trial_without_another_inference(page: Page, hero: str, service: Service) -> None:
    x, y, refined, plain = where_refining_matters(service, hero)
    edge = share_of(opened(page, hero), x, y)
    page.keyboard.press("3")
    until_shown(page, *edge, lambda red, *_: abs(red - refined) < 3)
    answers: list[Response] = []
    page.on("response", lambda reply: answers.append(reply) if re.search(r"/preview(/\w+)?(\?|$)", reply.url) else None)
    page.get_by_label("Refine edges").uncheck()
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    until_shown(page, *edge, lambda red, *_: abs(red - plain) < 3)
    assert answers[-1].json()["inferred"] is False
    page.get_by_label("Refine edges").check()
    until_shown(page, *edge, lambda red, *_: abs(red - refined) < 3)


def where_refining_matters(service: Service, job_id: str) -> tuple[int, int, int, int]:
    """Return a pixel at an edge, and its alpha of 255 with refined edges, as in the file, and with plain ones."""
    alpha = stored(service, job_id, "foreground")["A"]
    token = service.found.token_file.read_text(encoding="utf-8").strip()
    with Client(service.found.url, token) as client:
        settings = KeySettings(refine_edges=False)
        made = client.preview(PreviewRequest(job_id=job_id, frame=1001, settings=settings, floats=True))
        best, found = 0.0, None
        for y, x in np.argwhere((alpha > 0.05) & (alpha < 0.95)).tolist():
            plain = client.preview_pixel(made.id, "alpha", x, y).values["A"] or 0.0
            if abs(plain - alpha[y, x]) > best:
                best = abs(plain - alpha[y, x])
                found = x, y, round(255 * float(alpha[y, x])), round(255 * plain)
    assert found is not None and best > 0.04, "refining changes some edge by more than 10 of 255"
    return found


def test_a_frame_that_fails_again_after_a_retry_is_accepted_and_the_shot_is_done(
    page: Page, service: Service, shots: Path
) -> None:
    shot = write_shot(shots / "cut", range(1001, 1004), WIDTH, HEIGHT)
    cut = shot.folder / "green.1002.exr"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    job = service.post("/jobs", {"plate": str(shot.folder / shot.pattern)}).json()["id"]
    row = page.locator(f'li[data-id="{job}"]')
    expect(row.locator(".state")).to_have_text("Needs attention", timeout=DONE_MS)
    attempt = service.job(job)["attempt"]
    row.get_by_role("button", name=re.compile("^Retry")).click()

    def tried_again() -> bool:
        now = service.job(job)
        return now["attempt"] == attempt + 1 and now["state"] == "needs_attention"

    until(tried_again, "it failed again", DONE_MS / 1000, 0.2)
    expect(row.locator(".state")).to_have_text("Needs attention")
    expect(row.locator(".figures")).to_contain_text("1 failed")
    opened(page, job)
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".title .state")).to_have_text("Done", timeout=DONE_MS)
    expect(page.locator(".actions button")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(row.locator(".state")).to_have_text("Done")
