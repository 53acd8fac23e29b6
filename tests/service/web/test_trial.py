"""Settings on trial, in a real browser over the real service: seen in any light, and read to the bit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import OpenImageIO as oiio
import pytest
from playwright.sync_api import Page, Route, expect

from model.settings import KeySettings
from service.api.trying import PreviewRequest, Shown
from service.client import Client
from service.jobs import JobRequest, JobState
from tests.service.running import until
from tests.service.serving import Service
from tests.service.shots_on_disk import write_shot
from tests.service.web.screen import (
    DONE_MS,
    HEIGHT,
    LIGHT,
    SPILL,
    WIDTH,
    Color,
    displayed,
    is_middle_grey,
    is_white,
    opened,
    point,
    share_of,
    shown,
    stored,
    until_shown,
    value,
)

pytestmark = pytest.mark.timeout(300)


def asking(service: Service) -> Client:
    return Client(service.found.url, service.found.token_file.read_text(encoding="utf-8").strip())


def on_trial(service: Service, job_id: str, view: Shown, x: int, y: int, **tried: object) -> dict[str, float | None]:
    """Return the values of a pixel of the first frame, keyed with other settings."""
    with asking(service) as client:
        settings = client.job(job_id).request.settings.model_copy(update=tried)
        made = client.preview(PreviewRequest(job_id=job_id, frame=1001, settings=settings, floats=True))
        return dict(client.preview_pixel(made.id, view, x, y).values)


def try_least(page: Page, name: str) -> None:
    page.get_by_label(name).focus()
    page.keyboard.press("Home")
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    page.locator(".viewer canvas").focus()


def test_edges_and_colors_are_tried_on_the_frame_and_go_into_the_next_version(page: Page, hero: str) -> None:
    opened(page, hero)
    seen = page.locator(".go [role=status]")
    page.get_by_label("Choke").focus()
    page.keyboard.press("End")
    expect(seen).to_have_text(re.compile("^You see these settings"))
    page.get_by_label("Keep a hue (bias)").first.check()
    page.get_by_label("Take spill off edges only").check()
    page.get_by_label("Steady over time").uncheck()
    page.get_by_label("Working space").select_option("ACEScg")
    page.get_by_label("All layers in one EXR").check()
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/jobs")) as sent:
        page.route("**/jobs", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        page.get_by_role("button", name=re.compile("^Key again")).click()
    asked = sent.value.post_data_json["settings"]
    assert (asked["choke"], asked["despill_where"], asked["spill_replacement"]) == (5, "edges", "none")
    assert asked["temporal"] == "off"
    assert asked["delivery"] == {
        "color_space": "ACEScg",
        "depth": "float",
        "layers": ["alpha", "clean_plate", "screen_removed", "spill", "doubt"],
        "movie": "none",
        "movie_background": "grey",
    }
    assert asked["despill_bias"] == pytest.approx([0.5, 0.32, 0.25], abs=0.01)


def test_a_setting_shows_on_the_frame_and_the_shot_is_keyed_again_with_it(page: Page, hero: str) -> None:
    opened(page, hero)
    spill = share_of(page, SPILL.x, SPILL.y)
    before = until_shown(page, *spill, lambda red, *_: red > 90 and not is_middle_grey(*shown(page, *spill)))
    assert before[1] - before[0] < 3
    page.get_by_label("Despill").focus()
    page.keyboard.press("Home")
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    # Without despill the green light that falls on the subject stays.
    until_shown(page, *spill, lambda red, green, _: green - red > 5)
    page.get_by_role("button", name="Key again as v002").click()
    expect(page.locator(".title h1")).to_have_text("green v002")
    expect(page.locator(".title .state")).to_have_text("Done", timeout=DONE_MS)
    expect(page.get_by_label("Despill")).to_have_value("0")
    page.get_by_role("navigation", name="Versions").get_by_text("v001").click()
    expect(page.locator(".title h1")).to_have_text("green v001")


def test_another_screen_color_shows_on_the_frame_and_reset_takes_it_back(page: Page, hero: str) -> None:
    opened(page, hero)
    page.keyboard.press("3")
    until_shown(page, 0.5, 0.5, is_white)
    page.get_by_label("Find the screen color").uncheck()
    page.get_by_label("Screen color", exact=True).fill("#dbaa95")  # the subject's own
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    until_shown(page, 0.5, 0.5, lambda *color: max(color) < 60)
    page.get_by_role("button", name="Reset").click()
    until_shown(page, 0.5, 0.5, is_white)


def test_exposure_reveals_what_is_above_1_while_settings_are_on_trial(page: Page, lit: str, service: Service) -> None:
    opened(page, lit)
    try_least(page, "Despill")
    page.keyboard.press("2")
    lamp = share_of(page, LIGHT.x, LIGHT.y)
    until_shown(page, *lamp, is_white)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if ".png" in request.url else None)
    for _ in range(6):
        page.keyboard.press("Shift+E")
    light = on_trial(service, lit, "foreground", LIGHT.x, LIGHT.y, despill=0.0)
    wanted = tuple(displayed(light[channel] or 0.0, -3.0) for channel in "RGB")
    assert min(wanted) > 180  # a picture of eight bits would have 99 there
    until_shown(page, *lamp, lambda *color: color == wanted)
    page.keyboard.press("4")
    grey = displayed(0.18, -3.0)
    until_shown(page, *share_of(page, 5, 5), lambda *color: max(abs(shade - grey) for shade in color) < 3)
    until_shown(page, *lamp, lambda *color: color == wanted)
    assert asked and all("/preview/" in url for url in asked)


def test_the_readout_tells_the_floats_of_what_is_on_trial(page: Page, hero: str, service: Service) -> None:
    opened(page, hero)
    page.keyboard.press("2")
    point(page, *share_of(page, SPILL.x, SPILL.y))
    in_file = stored(service, hero, "foreground")
    expect(value(page, "G")).to_have_text(f"{in_file['G'][SPILL.y, SPILL.x]:.5f}")
    try_least(page, "Despill")
    tried = on_trial(service, hero, "foreground", SPILL.x, SPILL.y, despill=0.0)
    assert (tried["G"] or 0.0) > in_file["G"][SPILL.y, SPILL.x] + 0.01
    for channel in "RGBA":
        expect(value(page, channel)).to_have_text(f"{tried[channel]:.5f}")
    note = page.locator(".readout .note")
    expect(note).to_have_text("of the settings on trial")
    page.keyboard.press("1")
    expect(value(page, "G")).to_have_text(f"{SPILL.color[1]:.5f}")
    expect(note).to_have_text("")
    page.keyboard.press("2")
    expect(note).to_have_text("of the settings on trial")
    page.get_by_role("button", name="Reset").click()
    expect(value(page, "G")).to_have_text(f"{in_file['G'][SPILL.y, SPILL.x]:.5f}")
    expect(note).to_have_text("")


@pytest.mark.parametrize("association", ["premultiplied", "straight"])
def test_a_picture_of_the_artists_own_lies_behind_what_is_on_trial_as_behind_the_file(
    page: Page, service: Service, shots: Path, tmp_path: Path, association: Literal["premultiplied", "straight"]
) -> None:
    own = oiio.ImageBuf(np.broadcast_to(np.float32([0.0, 0.0, 1.0]), (20, 30, 3)).copy())
    assert own.write(str(tmp_path / "own.png"), "uint8"), own.geterror()
    shot = write_shot(shots / association, range(1001, 1003), WIDTH, HEIGHT)
    settings = KeySettings(association=association)
    with asking(service) as client:
        job = client.submit(JobRequest(plate=str(shot.folder / shot.pattern), settings=settings)).id
        until(lambda: client.job(job).state is JobState.DONE, "it is keyed", DONE_MS / 1000, 0.2)
    planes = stored(service, job, "foreground")
    y, x = map(int, np.argwhere(np.abs(planes["A"] - 0.35) < 0.1)[0])
    opened(page, job)
    page.locator("#own").set_input_files(tmp_path / "own.png")

    def until_mixed(keyed: Mapping[str, float | None]) -> Color:
        red, green, blue, alpha = (float(keyed[channel] or 0.0) for channel in "RGBA")
        own_light = alpha if association == "straight" else 1.0
        wanted = [displayed(light * own_light + (1 - alpha) * far) for light, far in ((red, 0), (green, 0), (blue, 1))]
        near = lambda *color: all(abs(one - other) <= 3 for one, other in zip(color, wanted, strict=True))  # noqa: E731
        return until_shown(page, *share_of(page, x, y), near)

    in_file = until_mixed({channel: float(planes[channel][y, x]) for channel in "RGBA"})
    try_least(page, "Alpha ceiling")
    tried = until_mixed(on_trial(service, job, "foreground", x, y, alpha_ceiling=0.51))
    assert tried[2] < in_file[2] - 20, "less of the picture behind shows through"


def test_a_preview_that_was_overtaken_is_given_up_and_the_newest_setting_shows(
    page: Page, hero: str, service: Service
) -> None:
    opened(page, hero)
    page.keyboard.press("2")
    late: list[Route] = []
    page.route("**/preview", lambda route: route.continue_() if late else late.append(route))
    despill = page.get_by_label("Despill")
    with page.expect_request("**/preview"):
        despill.fill("0")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/preview")) as given_up:
        despill.fill("0.5")
    assert given_up.value == late[0].request
    expect(page.locator(".go [role=status]")).to_have_text(re.compile("^You see these settings"))
    tried = on_trial(service, hero, "foreground", SPILL.x, SPILL.y, despill=0.5)
    point(page, *share_of(page, SPILL.x, SPILL.y))
    for channel in "RGBA":
        expect(value(page, channel)).to_have_text(f"{tried[channel]:.5f}")
